//! [`Schedule`]: when something is due, as cron writes it.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use croner::Cron;
use croner::parser::{CronParser, Seconds};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use tokio_cron_scheduler::JobBuilder;

use super::occurrence;

/// Points in time by a cron pattern of six fields, the first of which are seconds:
/// `0 */15 * * * *`, or `never`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Schedule {
    text: String,
    /// `None` for never.
    cron: Option<Cron>,
}

/// A time zone by its name in the IANA database: `UTC`, `Europe/Berlin`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Zone(pub Tz);

/// A text that is no schedule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{text}` is no schedule ({problem}): write six fields, seconds first, e.g. \
     \"0 */15 * * * *\" for every quarter of an hour, or \"never\""
)]
pub struct ParseScheduleError {
    text: String,
    problem: String,
}

/// A text that names no time zone.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no time zone: write its IANA name, e.g. \"Europe/Berlin\"")]
pub struct ParseZoneError(String);

/// What stands for no time at all.
const NEVER: &str = "never";

impl Schedule {
    /// A schedule by which nothing is ever due.
    pub fn never() -> Self {
        Self { text: NEVER.to_owned(), cron: None }
    }

    /// The first point in time after `after` as clocks in this zone show it; `None` where there is
    /// none in sight. A time of day that a change of clocks leaves out is due when the clocks have
    /// jumped, and one that comes twice is due once. What repeats (`*` or a step among seconds,
    /// minutes or hours, or all hours) goes on through both.
    pub fn next_after(&self, after: DateTime<Utc>, zone: Zone) -> Option<DateTime<Utc>> {
        occurrence::next_after(self.cron.as_ref()?, after, zone.0)
    }

    /// Whether it says how often something is due, rather than at which times of day.
    pub fn repeats(&self) -> bool {
        self.cron.as_ref().is_some_and(occurrence::repeats)
    }
}

impl FromStr for Schedule {
    type Err = ParseScheduleError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == NEVER {
            return Ok(Self::never());
        }
        let refused = |problem| ParseScheduleError { text: text.to_owned(), problem };
        let Ok(job) = JobBuilder::new().with_schedule(text) else {
            // It does not say why, as the parser below it does.
            let parser = CronParser::builder().seconds(Seconds::Required).build();
            let why = parser.parse(text).err().map(|error| error.to_string());
            return Err(refused(why.unwrap_or_default()));
        };
        let schedule = Self { text: text.to_owned(), cron: job.schedule };
        // Such as the 30th of February.
        if schedule.next_after(DateTime::UNIX_EPOCH, Zone::UTC).is_none() {
            return Err(refused("it is never due".to_owned()));
        }
        Ok(schedule)
    }
}

impl PartialEq for Schedule {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Schedule {}

impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Zone {
    /// Coordinated Universal Time.
    pub const UTC: Self = Self(Tz::UTC);
}

impl FromStr for Zone {
    type Err = ParseZoneError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().map(Self).map_err(|_| ParseZoneError(text.to_owned()))
    }
}

impl fmt::Display for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.name())
    }
}

macro_rules! as_text {
    ($name:ident, $error:ident, $title:literal) => {
        impl From<$name> for String {
            fn from(value: $name) -> Self {
                value.to_string()
            }
        }

        impl TryFrom<String> for $name {
            type Error = $error;

            fn try_from(text: String) -> Result<Self, Self::Error> {
                text.parse()
            }
        }

        impl JsonSchema for $name {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                $title.into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!({ "type": "string" })
            }
        }
    };
}

as_text!(Schedule, ParseScheduleError, "Schedule");
as_text!(Zone, ParseZoneError, "Zone");

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        DateTime::parse_from_rfc3339(text).unwrap().to_utc()
    }

    fn next(schedule: &str, zone: &str, after: &str) -> String {
        let schedule: Schedule = schedule.parse().unwrap();
        let next = schedule.next_after(at(after), zone.parse().unwrap()).unwrap();
        next.to_rfc3339_opts(chrono::SecondsFormat::Secs, true)
    }

    #[test]
    fn a_schedule_has_seconds_and_follows_its_zone() {
        let quarter = "0 */15 * * * *";
        assert_eq!(next(quarter, "UTC", "2026-11-24T17:14:59Z"), "2026-11-24T17:15:00Z");
        assert_eq!(next(quarter, "UTC", "2026-11-24T17:15:00Z"), "2026-11-24T17:30:00Z");
        let night = "0 30 3 * * *";
        assert_eq!(next(night, "Europe/Berlin", "2026-11-24T17:00:00Z"), "2026-11-25T02:30:00Z");
    }

    #[test]
    fn what_is_no_schedule_is_refused_with_its_reason() {
        for bad in ["", "* * * * *", "61 * * * * *", "0 0 0 0 0 0", "every day"] {
            let message = bad.parse::<Schedule>().unwrap_err().to_string();
            assert!(message.contains("six fields"), "{message}");
        }
        for never in ["0 0 0 30 2 *", "0 0 0 31 4,6,9,11 *"] {
            let message = never.parse::<Schedule>().unwrap_err().to_string();
            assert!(message.contains("it is never due"), "{message}");
        }
        for rare in ["0 0 0 29 2 *", "0 0 0 31 1-4 *"] {
            assert!(rare.parse::<Schedule>().is_ok(), "{rare}");
        }
        assert!("Mars/Base".parse::<Zone>().is_err());
    }
}
