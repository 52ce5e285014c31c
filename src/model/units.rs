//! [`Span`] and [`Size`]: durations and sizes as people write them, `15m` and `10GiB`.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

/// A duration, written `250ms`, `15m`, `2h 30m`, `90d`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Span(pub Duration);

/// A number of bytes, written `512`, `64MiB`, `10GB`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Size(pub u64);

/// A thousand years. What is longer overflows where libraries add it to a time, or double it.
const LONGEST: Duration = Duration::from_hours(24 * 365_250);

impl Span {
    /// A span of whole seconds.
    pub const fn seconds(seconds: u64) -> Self {
        Self(Duration::from_secs(seconds))
    }

    /// The same for the arithmetic of dates; the longest such delta where it is longer.
    pub fn delta(self) -> chrono::TimeDelta {
        chrono::TimeDelta::from_std(self.0).unwrap_or(chrono::TimeDelta::MAX)
    }
}

impl FromStr for Span {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match humantime::parse_duration(text) {
            Ok(span) if span <= LONGEST => Ok(Self(span)),
            Ok(_) => Err(format!("`{text}` is longer than a thousand years")),
            Err(error) => Err(format!("`{text}` is no duration such as 15m or 48h: {error}")),
        }
    }
}

impl FromStr for Size {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse::<bytesize::ByteSize>()
            .map(|size| Self(size.as_u64()))
            .map_err(|_| format!("`{text}` is no size such as 64MiB or 10GB"))
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let days = self.0.as_secs() / 86_400;
        // humantime would write 90 days as months and hours.
        if days > 0 && self.0 == Duration::from_secs(days * 86_400) {
            return write!(f, "{days}d");
        }
        humantime::format_duration(self.0).fmt(f)
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (unit, name) in
            [(1_u64 << 40, "TiB"), (1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")]
        {
            if self.0 > 0 && self.0.is_multiple_of(unit) {
                return write!(f, "{}{name}", self.0 / unit);
            }
        }
        write!(f, "{}B", self.0)
    }
}

macro_rules! as_text {
    ($($unit:ty: $pattern:literal),*) => {$(
        impl TryFrom<String> for $unit {
            type Error = String;

            fn try_from(text: String) -> Result<Self, Self::Error> {
                text.parse()
            }
        }

        impl From<$unit> for String {
            fn from(unit: $unit) -> Self {
                unit.to_string()
            }
        }

        impl JsonSchema for $unit {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($unit).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!({ "type": "string", "pattern": $pattern })
            }
        }
    )*};
}

as_text!(Span: "^([0-9]+ *[a-zA-Z]+ *)+$", Size: "^[0-9.]+ *([kKmMgGtT]i?[bB]?|[bB])?$");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_printed_parses_back() {
        for text in ["15m", "48h", "90d", "30d", "10s", "0s", "250ms"] {
            let span: Span = text.parse().unwrap();
            assert_eq!(span.to_string().parse::<Span>().unwrap(), span);
        }
        assert_eq!("90d".parse::<Span>().unwrap().to_string(), "90d");
        for text in ["10GiB", "64MiB", "0B", "1500B"] {
            assert_eq!(text.parse::<Size>().unwrap().to_string(), text);
        }
        assert!("soon".parse::<Span>().is_err());
        assert!("big".parse::<Size>().is_err());
    }

    #[test]
    fn what_is_too_large_is_refused() {
        for text in
            ["99999999999999999999s", "18446744073709551615s", "1001y", "600000000000y", "-1s"]
        {
            assert!(text.parse::<Span>().is_err(), "{text}");
        }
        let longest = "1000y".parse::<Span>().unwrap();
        assert!(longest.delta() * 2 > longest.delta());
        for text in ["99999999999999999999B", "1e300GB", "99999999TiB", "-1B", "NaN", "inf"] {
            if let Ok(size) = text.parse::<Size>() {
                assert!(!size.to_string().is_empty());
            }
        }
    }
}
