//! What a survey finds: of each object, and in all.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::Serialize;

use crate::model::{Digest, Outcome};

/// Whether an object could be had again now. Of several sources the best counts, in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Availability {
    /// A source offers it.
    Available,
    /// Nobody can say: a time-out, a connection that broke off, 408, 425, 429 or 5xx.
    Unknown,
    /// A source answers, and does not offer it: 401 or 403, a redirect that leads nowhere.
    Unavailable,
    /// A source offers something of another size, or a web page.
    Drifted,
    /// A source offers more than `heal.max_object_size`.
    TooLarge,
    /// The policy allows no source as it is.
    PolicyBlocked,
    /// 404 or 410, a manifest without this digest, a text that is another one.
    Gone,
    /// No row names a source.
    NoSource,
}

impl Availability {
    /// All of them, best first.
    pub const ALL: [Self; 8] = [
        Self::Available,
        Self::Unknown,
        Self::Unavailable,
        Self::Drifted,
        Self::TooLarge,
        Self::PolicyBlocked,
        Self::Gone,
        Self::NoSource,
    ];

    /// The word that reports use.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Available => "available",
            Self::Unknown => "unknown",
            Self::Unavailable => "unavailable",
            Self::Drifted => "drifted",
            Self::TooLarge => "too_large",
            Self::PolicyBlocked => "policy_blocked",
            Self::Gone => "gone",
            Self::NoSource => "no_source",
        }
    }
}

/// What was found of one object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Surveyed {
    /// Its collection.
    pub collection: String,
    /// The object.
    pub digest: Digest,
    /// Whether it could be had again now.
    pub result: Availability,
    /// The source that `result` is about, redacted; null where there is none.
    pub source: Option<String>,
    /// How many sources its rows name.
    pub sources: u64,
    /// Size in bytes as the catalog gives it; null where it gives none, or several.
    pub expected_size: Option<u64>,
    /// Size in bytes as the source says; null where it says none.
    pub offered_size: Option<u64>,
    /// The names people know it by; read only for objects that could not be had.
    pub names: Vec<String>,
    /// Which rows want it, at most 20; read only for objects that could not be had.
    pub refs: Vec<String>,
    /// Why it could not be had, in words; empty where it could.
    pub detail: String,
}

/// A survey in numbers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Totals {
    /// When it began.
    #[serde(serialize_with = "crate::model::instant::millis")]
    #[schemars(with = "DateTime<Utc>")]
    pub started_at: DateTime<Utc>,
    /// When it ended.
    #[serde(serialize_with = "crate::model::instant::millis")]
    #[schemars(with = "DateTime<Utc>")]
    pub finished_at: DateTime<Utc>,
    /// How it ended: `clean`, `findings` or `incomplete`.
    pub outcome: Outcome,
    /// The exit code that goes with the outcome.
    pub exit_code: u8,
    /// Distinct objects that were asked about.
    pub objects: u64,
    /// Those that a source offers.
    pub available: u64,
    /// Those that nobody could say anything about.
    pub unknown: u64,
    /// Those whose sources answer, and do not offer them.
    pub unavailable: u64,
    /// Those whose sources offer something else.
    pub drifted: u64,
    /// Those that are larger than `heal.max_object_size`.
    pub too_large: u64,
    /// Those whose sources the policy does not allow.
    pub policy_blocked: u64,
    /// Those that no source has any more.
    pub gone: u64,
    /// Those without a source.
    pub no_source: u64,
    /// Rows whose digest is none, and which name no object therefore.
    pub invalid_records: u64,
}

impl Totals {
    pub(super) fn begin(now: DateTime<Utc>) -> Self {
        Self {
            started_at: now,
            finished_at: now,
            outcome: Outcome::Clean,
            exit_code: Outcome::Clean.exit_code(),
            objects: 0,
            available: 0,
            unknown: 0,
            unavailable: 0,
            drifted: 0,
            too_large: 0,
            policy_blocked: 0,
            gone: 0,
            no_source: 0,
            invalid_records: 0,
        }
    }

    pub(super) fn add(&mut self, result: Availability) {
        self.objects += 1;
        *self.of_mut(result) += 1;
    }

    /// Settles the outcome: clean only where every object can be had.
    pub(super) fn end(&mut self, now: DateTime<Utc>) {
        self.finished_at = now;
        self.outcome = if self.objects > self.available + self.unknown {
            Outcome::Findings
        } else if self.unknown > 0 {
            Outcome::Incomplete
        } else {
            Outcome::Clean
        };
        self.exit_code = self.outcome.exit_code();
    }

    /// How many objects came out so.
    pub const fn of(&self, result: Availability) -> u64 {
        match result {
            Availability::Available => self.available,
            Availability::Unknown => self.unknown,
            Availability::Unavailable => self.unavailable,
            Availability::Drifted => self.drifted,
            Availability::TooLarge => self.too_large,
            Availability::PolicyBlocked => self.policy_blocked,
            Availability::Gone => self.gone,
            Availability::NoSource => self.no_source,
        }
    }

    const fn of_mut(&mut self, result: Availability) -> &mut u64 {
        match result {
            Availability::Available => &mut self.available,
            Availability::Unknown => &mut self.unknown,
            Availability::Unavailable => &mut self.unavailable,
            Availability::Drifted => &mut self.drifted,
            Availability::TooLarge => &mut self.too_large,
            Availability::PolicyBlocked => &mut self.policy_blocked,
            Availability::Gone => &mut self.gone,
            Availability::NoSource => &mut self.no_source,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_result_has_a_word_a_number_and_an_exit_code() {
        for result in Availability::ALL {
            assert_eq!(serde_json::to_value(result).unwrap(), result.as_str());
            let mut totals = Totals::begin(DateTime::UNIX_EPOCH);
            totals.add(Availability::Available);
            totals.add(Availability::Unknown);
            totals.add(result);
            totals.end(DateTime::UNIX_EPOCH);
            let told = serde_json::to_value(&totals).unwrap();
            assert_eq!(told[result.as_str()], totals.of(result));
            let asked = matches!(result, Availability::Available | Availability::Unknown);
            assert_eq!((totals.objects, totals.exit_code), (3, if asked { 3 } else { 2 }));
        }
        let mut clean = Totals::begin(DateTime::UNIX_EPOCH);
        clean.add(Availability::Available);
        clean.end(DateTime::UNIX_EPOCH);
        assert_eq!((clean.outcome, clean.exit_code), (Outcome::Clean, 0));
    }
}
