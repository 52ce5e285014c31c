//! [`FailOn`] and the outcome that follows from a pass.

use std::collections::BTreeSet;
use std::str::FromStr;

use crate::model::{Finding, FindingKind, Outcome, Summary, reason};

/// A kind of finding that may decide the exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FailOnKind {
    /// Missing objects.
    Missing,
    /// Corrupt objects.
    Corrupt,
    /// Rows that cannot be right.
    Invalid,
    /// Flagged orphans.
    Orphan,
    /// Objects that nobody can say anything about.
    Unknown,
}

/// Which findings make a pass end with "findings remain".
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FailOn(BTreeSet<FailOnKind>);

/// A list that names something else.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is none of missing, corrupt, invalid, orphan, unknown, none")]
pub struct ParseFailOnError(String);

impl Default for FailOn {
    fn default() -> Self {
        Self([FailOnKind::Missing, FailOnKind::Corrupt, FailOnKind::Invalid].into())
    }
}

impl FromStr for FailOn {
    type Err = ParseFailOnError;

    fn from_str(list: &str) -> Result<Self, Self::Err> {
        let mut kinds = BTreeSet::new();
        for word in list.split(',').map(str::trim) {
            kinds.extend(match word {
                "missing" => Some(FailOnKind::Missing),
                "corrupt" => Some(FailOnKind::Corrupt),
                "invalid" => Some(FailOnKind::Invalid),
                "orphan" => Some(FailOnKind::Orphan),
                "unknown" => Some(FailOnKind::Unknown),
                "none" if list.trim() == "none" => None,
                other => return Err(ParseFailOnError(other.to_owned())),
            });
        }
        Ok(Self(kinds))
    }
}

/// What is known besides the counts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Circumstances {
    /// Some part of the scope gave no verdict.
    pub(super) failed: bool,
    /// Something could not be checked although the run came to its end.
    pub(super) incomplete: bool,
    /// The breaker, or a plan that does not fit, kept a heal from running.
    pub(super) refused: bool,
}

impl FailOn {
    /// Whether a finding is one of those for which a pass ends with "findings remain".
    pub fn counts(&self, finding: &Finding) -> bool {
        let kind = match finding.kind {
            FindingKind::Missing => FailOnKind::Missing,
            FindingKind::Corrupt => FailOnKind::Corrupt,
            FindingKind::Unknown => FailOnKind::Unknown,
            FindingKind::InvalidRecord => FailOnKind::Invalid,
            FindingKind::Orphan if finding.reason.as_deref() == Some(reason::FLAGGED) => {
                FailOnKind::Orphan
            }
            FindingKind::Orphan | FindingKind::Foreign => return false,
        };
        !finding.accepted && self.0.contains(&kind)
    }

    /// The outcome of a pass: failed, then refused, then findings, then incomplete, then clean.
    pub(super) fn outcome(&self, summary: &Summary, around: Circumstances) -> Outcome {
        let some = |count: Option<u64>| count.is_some_and(|n| n > 0);
        let remains = |kind: &FailOnKind| match kind {
            FailOnKind::Missing => some(summary.missing),
            FailOnKind::Corrupt => some(summary.corrupt),
            FailOnKind::Invalid => some(summary.invalid_records),
            FailOnKind::Orphan => some(summary.orphans_flagged),
            FailOnKind::Unknown => some(summary.unknown),
        };
        if around.failed {
            Outcome::Failed
        } else if around.refused {
            Outcome::Refused
        } else if self.0.iter().any(remains) {
            Outcome::Findings
        } else if around.incomplete || some(summary.unknown) {
            Outcome::Incomplete
        } else {
            Outcome::Clean
        }
    }
}
