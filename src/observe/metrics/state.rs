//! The state of a store in gauges, and what is known of passes from before this process began.

use chrono::{DateTime, Utc};

use crate::model::{BreakerReason, Depth, Unhealable};
use crate::observe::{Census, LastPasses, PastPass, Remembered};

use super::value::{between, integer, seconds, seconds_or_zero};
use super::{Metrics, OBSERVE_ONLY, OPERATOR};

/// What the gauges show.
#[derive(Default)]
pub(super) struct State {
    census: Option<Census>,
    verified: u64,
}

impl Metrics {
    /// Shows what is remembered of the time before this process, which began at `now`.
    pub fn restore(&self, remembered: &Remembered, now: DateTime<Utc>) {
        for pass in remembered.passes.iter().flat_map(LastPasses::in_order) {
            self.show_pass(&pass);
        }
        if let Some(at) = remembered.healed_at {
            self.table.heal_last_success.with_label_values(&[&self.store]).set(seconds(at));
        }
        if let Some(census) = &remembered.census {
            self.show_census(census.clone());
        }
        self.show_none_to_come(now);
    }

    /// A clock that was set back makes times that have not come yet the present: what happened by
    /// then grows old from there on, and none of it stays fresh until the clock is there again.
    pub(super) fn show_none_to_come(&self, now: DateTime<Utc>) {
        let table = &self.table;
        let by_depth =
            [&table.pass_last_start, &table.pass_last_completion, &table.pass_last_success];
        let depths = Depth::ALL.map(Depth::as_str);
        let of_passes = by_depth.into_iter().flat_map(|gauge| {
            depths.map(|depth| gauge.with_label_values(&[self.store.as_str(), depth]))
        });
        let others = [
            table.heal_last_success.with_label_values(&[&self.store]),
            table.config_last_reload_success.with_label_values::<&str>(&[]),
        ];
        let now = seconds(now);
        for time in of_passes.chain(others).filter(|time| time.get() > now) {
            time.set(now);
        }
    }

    /// The times of a pass that ended.
    pub(super) fn show_pass(&self, pass: &PastPass) {
        let labels = [self.store.as_str(), pass.depth.as_str()];
        let (table, ended) = (&self.table, seconds(pass.ended));
        table.pass_last_start.with_label_values(&labels).set(seconds(pass.began));
        table.pass_last_completion.with_label_values(&labels).set(ended);
        table.pass_last_duration.with_label_values(&labels).set(between(pass.began, pass.ended));
        if pass.succeeded {
            table.pass_last_success.with_label_values(&labels).set(ended);
        }
    }

    pub(super) fn show_breaker(&self, open: Option<BreakerReason>) {
        for reason in BreakerReason::ALL {
            self.show_paused(reason.as_str(), open == Some(reason));
        }
    }

    pub(super) fn show_operator(&self, paused: bool) {
        self.show_paused(OPERATOR, paused);
    }

    pub(super) fn show_observe_only(&self, observes: bool) {
        self.show_paused(OBSERVE_ONLY, observes);
    }

    fn show_paused(&self, reason: &str, paused: bool) {
        let labels = [self.store.as_str(), reason];
        self.table.heal_paused.with_label_values(&labels).set(i64::from(paused));
    }

    /// What reading has proven over a cycle. Of those objects that are present it takes some to
    /// the verified ones.
    pub(super) fn show_verification(&self, objects: u64, oldest: DateTime<Utc>) {
        let mut state = self.state();
        state.verified = objects;
        let gauge = self.table.oldest_verification.with_label_values(&[&self.store]);
        gauge.set(seconds(oldest));
        self.show_state(&state);
    }

    /// What a complete pass over everything counted.
    pub(super) fn show_census(&self, census: Census) {
        let mut state = self.state();
        state.census = Some(census);
        self.show_state(&state);
    }

    fn show_state(&self, state: &State) {
        let Some(census) = &state.census else { return };
        let (table, store) = (&self.table, self.store.as_str());
        let verified = state.verified.min(census.present);
        for (name, count) in [
            ("verified", verified),
            ("present", census.present.saturating_sub(verified)),
            ("missing", census.missing),
            ("corrupt", census.corrupt),
            ("unknown", census.unknown),
        ] {
            table.objects.with_label_values(&[store, name]).set(integer(count));
        }
        for why in Unhealable::ALL {
            let of = |counts: &std::collections::BTreeMap<_, u64>| {
                integer(counts.get(&why).copied().unwrap_or(0))
            };
            let labels = [store, why.as_str()];
            table.unhealable_objects.with_label_values(&labels).set(of(&census.unhealable));
            table.at_risk_objects.with_label_values(&labels).set(of(&census.at_risk));
        }
        for (name, count) in
            [("candidate", census.orphans_candidate), ("flagged", census.orphans_flagged)]
        {
            table.orphans.with_label_values(&[store, name]).set(integer(count));
        }
        for (gauge, count) in [
            (&table.records, census.records),
            (&table.accepted_objects, census.accepted),
            (&table.orphan_bytes, census.orphan_bytes),
            (&table.foreign_objects, census.foreign),
            (&table.heal_pending, census.pending),
        ] {
            gauge.with_label_values(&[store]).set(integer(count));
        }
        let oldest = table.oldest_unhealthy.with_label_values(&[store]);
        oldest.set(seconds_or_zero(census.oldest_unhealthy));
    }
}
