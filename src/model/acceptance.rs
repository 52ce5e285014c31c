//! [`Acceptance`]: a loss that a person accepted, for a time.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, Days, NaiveDate, NaiveTime, Utc};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

use super::Digest;

/// A day in UTC, written `2027-01-31`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Day(NaiveDate);

/// A known loss: an object that is missing or corrupt, and about which nobody is to be told before
/// the end of a day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Acceptance {
    /// The object.
    pub digest: Digest,
    /// The last day on which it counts as accepted, in UTC.
    pub until: Day,
    /// Why, for whoever wonders later.
    pub reason: String,
}

impl Day {
    /// The first moment that is no longer in this day.
    pub fn end(self) -> DateTime<Utc> {
        let next = self.0.checked_add_days(Days::new(1)).unwrap_or(NaiveDate::MAX);
        next.and_time(NaiveTime::MIN).and_utc()
    }
}

impl Acceptance {
    /// Whether it holds at this time.
    pub fn holds(&self, now: DateTime<Utc>) -> bool {
        now < self.until.end()
    }
}

impl FromStr for Day {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let day = NaiveDate::parse_from_str(text, "%Y-%m-%d").map(Self);
        // The parser forgives missing zeros, signs and blanks.
        day.ok()
            .filter(|day| day.to_string() == text)
            .ok_or_else(|| format!("`{text}` is no day such as 2027-01-31"))
    }
}

impl TryFrom<String> for Day {
    type Error = String;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Day> for String {
    fn from(day: Day) -> Self {
        day.to_string()
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.format("%Y-%m-%d").fmt(f)
    }
}

impl JsonSchema for Day {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Day".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}$" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_ends_with_its_last_moment_in_utc() {
        let loss = Acceptance {
            digest: Digest::new([1; 32]),
            until: "2028-02-29".parse().unwrap(),
            reason: "gone".to_owned(),
        };
        let at = |text: &str| text.parse::<DateTime<Utc>>().unwrap();
        assert!(loss.holds(at("2028-02-29T23:59:59.999999999Z")));
        assert!(loss.holds(at("2028-03-01T00:59:59+01:00")));
        assert!(!loss.holds(at("2028-03-01T00:00:00Z")));
    }

    #[test]
    fn only_a_whole_date_is_a_day() {
        assert_eq!("2027-01-31".parse::<Day>().unwrap().to_string(), "2027-01-31");
        for text in
            ["", "2027-1-31", "2027-02-29", "31.01.2027", "2027-01-31T00:00:00Z", " 2027-01-31"]
        {
            let error = text.parse::<Day>().unwrap_err();
            assert!(error.contains("2027-01-31"), "{error}");
        }
    }
}
