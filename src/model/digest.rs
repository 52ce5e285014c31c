//! [`Digest`]: the SHA-256 of a whole object, the name by which everything is known.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// SHA-256 of an object's bytes; ordered as bytes, printed as 64 lower-case hex digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Digest([u8; 32]);

/// A text or byte string that is no SHA-256 digest.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a SHA-256 digest: {shown} (64 hex digits, or 32 raw bytes, are one)")]
pub struct ParseDigestError {
    /// What was given, cut to 80 characters.
    pub shown: String,
}

impl Digest {
    /// The digest with these 32 bytes.
    pub const fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The 32 raw bytes.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The first eight bytes, big-endian: the digest's place in the digest space.
    pub fn position(&self) -> u64 {
        self.0.first_chunk().map_or(0, |head| u64::from_be_bytes(*head))
    }

    /// Reads what a database column may hold: 32 raw bytes, or 64 hex digits in any case.
    pub fn from_column(value: &[u8]) -> Result<Self, ParseDigestError> {
        if let Ok(raw) = <[u8; 32]>::try_from(value) {
            return Ok(Self(raw));
        }
        let malformed = || ParseDigestError { shown: shown(&String::from_utf8_lossy(value)) };
        let digits = <&[u8; 64]>::try_from(value).map_err(|_| malformed())?;
        let mut bytes = [0; 32];
        for (byte, pair) in bytes.iter_mut().zip(digits.as_chunks::<2>().0) {
            let [high, low] = *pair;
            *byte = nibble(high).zip(nibble(low)).map(|(h, l)| h << 4 | l).ok_or_else(malformed)?;
        }
        Ok(Self(bytes))
    }
}

fn nibble(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    }
}

fn digit(nibble: u8) -> u8 {
    if nibble < 10 { b'0' + nibble } else { b'a' + (nibble - 10) }
}

fn shown(text: &str) -> String {
    format!("`{}`", text.chars().take(80).flat_map(char::escape_debug).collect::<String>())
}

impl FromStr for Digest {
    type Err = ParseDigestError;

    /// Takes 64 hex digits in any case; 32 characters of text are no raw bytes.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.len() == 64 {
            return Self::from_column(text.as_bytes());
        }
        Err(ParseDigestError { shown: shown(text) })
    }
}

impl TryFrom<String> for Digest {
    type Error = ParseDigestError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Digest> for String {
    fn from(digest: Digest) -> Self {
        digest.to_string()
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Every listed key is rendered again, so this is not left to the formatter byte by byte.
        let mut hex = [0; 64];
        for (pair, byte) in hex.as_chunks_mut::<2>().0.iter_mut().zip(self.0) {
            *pair = [digit(byte >> 4), digit(byte & 15)];
        }
        f.write_str(str::from_utf8(&hex).map_err(|_| fmt::Error)?)
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl schemars::JsonSchema for Digest {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Digest".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "string", "pattern": "^[0-9a-fA-F]{64}$" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hex_in_any_case_and_raw_bytes_are_the_same_digest() {
        let hex = "00ff".repeat(16);
        let digest: Digest = hex.parse().unwrap();
        assert_eq!(digest.to_string(), hex);
        assert_eq!(hex.to_uppercase().parse::<Digest>().unwrap(), digest);
        assert_eq!(Digest::from_column(digest.as_bytes()).unwrap(), digest);
        assert_eq!(digest.position(), 0x00ff_00ff_00ff_00ff);
    }

    #[test]
    fn everything_else_is_refused_and_shown_without_control_characters() {
        for bad in ["", "xyz", &"g".repeat(64), &"a".repeat(63), &"a".repeat(32)] {
            assert!(bad.parse::<Digest>().is_err(), "{bad}");
        }
        let error = Digest::from_column(b"a\x1b[31m").unwrap_err();
        assert!(!error.to_string().contains('\x1b'), "{error}");
    }
}
