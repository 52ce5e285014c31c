//! What a pass may ask of sources, and when.

use tokio::time::Instant;

use crate::fate::Fate;
use crate::memory_source::{Answer, PER_HOST, SILENT_FOR, host_of};
use crate::things::thing_asked;

/// Failures by silence in a row after which a pass leaves a host alone.
const SILENCES: u32 = 5;

/// Sources of one object that a pass asks at most.
pub(crate) const SOURCES: usize = 20;

impl Fate {
    /// A source is about to be asked, and to answer as it stands, or else with an error.
    pub(crate) fn asks(&self, who: usize, url: &str, as_it_stands: bool) {
        let Some(hands) = self.hands() else { return };
        let gives = hands.source.answer(url);
        let is_silent = as_it_stands && gives.is_none_or(|answer| answer == Answer::Silent);
        let (host, thing) = (host_of(url).unwrap_or_default(), thing_asked(url));
        let key = thing.map_or(String::new(), |thing| thing.key.clone());
        let mut state = self.state();
        let seat = &mut state.seats[who];
        let records = seat.records;
        let silences = seat.silences.entry(host.clone()).or_default();
        let before = *silences;
        *silences = if is_silent { before + 1 } else { 0 };
        let waits = seat.waits.entry(host.clone()).or_default();
        waits.retain(|until| *until > Instant::now());
        let waiting = waits.len();
        if is_silent {
            waits.push(Instant::now() + SILENT_FOR);
        }
        let asked = seat.asked.entry(key.clone()).or_default();
        let is_new = asked.insert(url.to_owned());
        let is_too_many = is_new && asked.len() > SOURCES;
        if before + 1 == SILENCES && is_silent {
            state.seen.left_alone.insert(host.clone());
        }
        drop(state);
        if !records {
            self.wrong(format!("a source of {key} was asked before what was found was recorded"));
        }
        if before >= SILENCES {
            self.wrong(format!("{host} was asked after {before} silences in a row"));
        }
        if before + 1 == SILENCES && is_silent {
            self.reach("a host was silent too often");
        }
        if waiting >= PER_HOST {
            self.wrong(format!("{host} was asked while {waiting} requests waited for it"));
        }
        if is_too_many {
            self.wrong(format!("more than {SOURCES} sources of {key} were asked in one pass"));
        }
    }
}
