//! Which losses a person accepted, and for how long.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};

use crate::model::{Acceptance, Digest};

/// The digests whose loss is accepted now. An entry of the configuration stands in place of one
/// that a command left in the ledger, also where it has run out.
pub fn accepted_now(
    configured: &[Acceptance],
    kept: &[Acceptance],
    now: DateTime<Utc>,
) -> HashSet<Digest> {
    let entries = in_force(configured, kept).into_values();
    entries.filter(|entry| entry.holds(now)).map(|entry| entry.digest).collect()
}

/// The losses that were accepted at `before` and have run out since, by digest.
pub fn ran_out<'a>(
    configured: &'a [Acceptance],
    kept: &'a [Acceptance],
    before: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Vec<&'a Acceptance> {
    let entries = in_force(configured, kept).into_values();
    let mut entries: Vec<_> = entries.filter(|e| e.holds(before) && !e.holds(now)).collect();
    entries.sort_by_key(|entry| entry.digest);
    entries
}

fn in_force<'a>(
    configured: &'a [Acceptance],
    kept: &'a [Acceptance],
) -> HashMap<Digest, &'a Acceptance> {
    kept.iter().chain(configured).map(|entry| (entry.digest, entry)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_configuration_wins_and_what_has_run_out_counts_no_more() {
        let entry = |byte, until: &str| Acceptance {
            digest: Digest::new([byte; 32]),
            until: until.parse().unwrap(),
            reason: "gone".to_owned(),
        };
        let configured = [entry(1, "2027-01-31"), entry(2, "2026-01-31")];
        let kept = [entry(2, "2027-12-31"), entry(3, "2027-01-30"), entry(4, "2027-02-01")];
        let now = "2027-01-31T12:00:00Z".parse().unwrap();
        let accepted = accepted_now(&configured, &kept, now);
        assert_eq!(accepted, HashSet::from([Digest::new([1; 32]), Digest::new([4; 32])]));
        let since = |day: &str| ran_out(&configured, &kept, day.parse().unwrap(), now);
        assert_eq!(since("2027-01-29T12:00:00Z"), [&kept[1]]);
        assert!(since("2027-01-31T00:00:00Z").is_empty(), "told before");
    }
}
