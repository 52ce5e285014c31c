//! [`KeyTemplate`]: how a collection spells the key of a digest, and which keys are its own.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::Digest;

/// What every temporary name of restock contains; no listing hands such a key on.
pub const TEMPORARY_MARK: &str = ".restock-tmp-";

/// Whether a key's last part is a temporary name of restock, which is never observed.
pub fn is_temporary(key: &str) -> bool {
    key.rsplit('/').next().is_some_and(|name| name.starts_with(TEMPORARY_MARK))
}

/// A key layout such as `software-installers/{digest}` or `{digest:2}/{digest}`.
///
/// `{digest}` stands for the 64 hex digits, `{digest:N}` for the first N of them. Every
/// placeholder starts with the digest's first digit, so keys sort as their digests do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct KeyTemplate {
    parts: Vec<Part>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Literal(String),
    Digits(usize),
}

/// A key layout that names no object, or more than one for a digest.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("key layout `{template}` {problem}")]
pub struct ParseKeyTemplateError {
    /// The layout as written.
    pub template: String,
    /// What is wrong with it, completing the sentence.
    pub problem: &'static str,
}

impl KeyTemplate {
    /// A layout to list everything below a folder with, whatever it is called.
    pub fn below(folder: &str) -> Self {
        Self { parts: vec![Part::Literal(format!("{folder}/")), Part::Digits(64)] }
    }

    /// The key of a digest.
    pub fn render(&self, digest: &Digest) -> String {
        let hex = digest.to_string();
        self.parts.iter().fold(String::with_capacity(128), |mut key, part| {
            match part {
                Part::Literal(text) => key.push_str(text),
                Part::Digits(n) => key.push_str(hex.get(..*n).unwrap_or(&hex)),
            }
            key
        })
    }

    /// The digest whose key this is, if there is one.
    pub fn parse(&self, key: &str) -> Option<Digest> {
        let (mut rest, mut digest) = (key, None);
        for part in &self.parts {
            rest = match part {
                Part::Literal(text) => rest.strip_prefix(text.as_str())?,
                Part::Digits(n) => {
                    let (digits, tail) = rest.split_at_checked(*n)?;
                    if *n == 64 {
                        digest = Some(digits);
                    }
                    tail
                }
            };
        }
        let digest = digest?.parse().ok()?;
        // Upper case, or a folder that belongs to another digest, is another key.
        (rest.is_empty() && self.render(&digest) == key).then_some(digest)
    }

    /// The folder that this collection owns, with its trailing slash; empty for the whole store.
    pub fn prefix(&self) -> &str {
        match self.parts.first() {
            Some(Part::Literal(text)) => {
                text.rfind('/').and_then(|at| text.get(..=at)).unwrap_or("")
            }
            Some(Part::Digits(_)) | None => "",
        }
    }

    /// The smallest string that no key of a digest before `position` (see [`Digest::position`])
    /// reaches: where a listing of the digests from `position` on starts.
    pub fn boundary(&self, position: u64) -> String {
        let mut bytes = [0; 32];
        bytes.iter_mut().zip(position.to_be_bytes()).for_each(|(to, from)| *to = from);
        let hex = Digest::new(bytes).to_string();
        let mut start = String::new();
        for part in &self.parts {
            match part {
                Part::Literal(text) => start.push_str(text),
                Part::Digits(n) => {
                    start.push_str(hex.get(..*n).unwrap_or(&hex));
                    if *n >= 16 {
                        break;
                    }
                }
            }
        }
        start
    }
}

impl FromStr for KeyTemplate {
    type Err = ParseKeyTemplateError;

    fn from_str(template: &str) -> Result<Self, Self::Err> {
        let refuse = |problem| ParseKeyTemplateError { template: template.to_owned(), problem };
        let (mut parts, mut rest) = (Vec::new(), template);
        while !rest.is_empty() {
            let open = rest.find('{').unwrap_or(rest.len());
            let (literal, tail) = rest.split_at(open);
            if literal.contains('}') {
                return Err(refuse("has a `}` without its `{`"));
            }
            if !literal.is_empty() {
                parts.push(Part::Literal(literal.to_owned()));
            }
            if tail.is_empty() {
                break;
            }
            let (placeholder, tail) =
                tail.split_once('}').ok_or_else(|| refuse("has a `{` without its `}`"))?;
            parts.push(Part::Digits(digits(placeholder).ok_or_else(|| {
                refuse("has a placeholder other than {digest} and {digest:1} to {digest:64}")
            })?));
            rest = tail;
        }
        if !parts.contains(&Part::Digits(64)) {
            return Err(refuse("lacks {digest}: without it many digests share a key"));
        }
        let sample = Self { parts };
        let key = sample.render(&Digest::new([0; 32]));
        if key.split('/').any(|segment| matches!(segment, "" | "." | "..")) {
            return Err(refuse("has an empty, `.` or `..` segment, or an outer slash"));
        }
        if key.chars().any(char::is_control) {
            return Err(refuse("has a control character"));
        }
        Ok(sample)
    }
}

fn digits(placeholder: &str) -> Option<usize> {
    match placeholder.strip_prefix("{digest")? {
        "" => Some(64),
        n => n.strip_prefix(':')?.parse().ok().filter(|n| (1..=64).contains(n)),
    }
}

impl TryFrom<String> for KeyTemplate {
    type Error = ParseKeyTemplateError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<KeyTemplate> for String {
    fn from(template: KeyTemplate) -> Self {
        template.to_string()
    }
}

impl fmt::Display for KeyTemplate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.parts.iter().try_for_each(|part| match part {
            Part::Literal(text) => f.write_str(text),
            Part::Digits(64) => f.write_str("{digest}"),
            Part::Digits(n) => write!(f, "{{digest:{n}}}"),
        })
    }
}

impl schemars::JsonSchema for KeyTemplate {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "KeyTemplate".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string",
            "pattern": "\\{digest\\}",
            "description": "a key with {digest}, and {digest:N} for its first N hex digits",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn template(text: &str) -> KeyTemplate {
        text.parse().unwrap()
    }

    #[test]
    fn a_rendered_key_parses_back_and_nothing_near_it_does() {
        let digest: Digest = "ab".repeat(32).parse().unwrap();
        for layout in ["software-installers/{digest}", "{digest:2}/{digest}", "a b/{digest}.pkg"] {
            let layout = template(layout);
            let key = layout.render(&digest);
            assert_eq!(layout.parse(&key), Some(digest));
            for near in [format!("{key}x"), format!("x{key}"), key.to_uppercase(), String::new()] {
                assert_eq!(layout.parse(&near), None, "{near}");
            }
        }
        assert_eq!(template("{digest:2}/{digest}").parse(&format!("aa/{digest}")), None);
    }

    #[test]
    fn the_prefix_is_the_folder_before_the_first_placeholder() {
        for (layout, prefix) in [
            ("software-installers/{digest}", "software-installers/"),
            ("a/b/pre-{digest}", "a/b/"),
            ("{digest:2}/{digest}", ""),
            ("x{digest}", ""),
        ] {
            assert_eq!(template(layout).prefix(), prefix);
        }
    }

    #[test]
    fn boundaries_cut_the_keys_where_positions_cut_the_digests() {
        for layout in ["p/{digest}", "{digest:2}/{digest}", "{digest:1}/x{digest:3}/{digest}"] {
            let layout = template(layout);
            let cut = 0x8123_4567_89ab_cdef_u64;
            for near in [0, cut - 1, cut, cut + 1, u64::MAX] {
                let mut bytes = [0xff; 32];
                bytes[..8].copy_from_slice(&near.to_be_bytes());
                let key = layout.render(&Digest::new(bytes));
                assert_eq!(key >= layout.boundary(cut), near >= cut, "{layout} {near:x}");
            }
        }
    }

    #[test]
    fn a_layout_that_is_not_one_object_a_digest_is_refused() {
        for bad in [
            "",
            "a/{digest:2}",
            "{digest",
            "digest}",
            "{sha}/{digest}",
            "/{digest}",
            "a//{digest}",
            "{digest}/",
            "../{digest}",
            "{digest:0}{digest}",
            "{digest:65}",
        ] {
            assert!(bad.parse::<KeyTemplate>().is_err(), "{bad}");
        }
    }
}
