//! [`Lanes`]: who may ask which host now. What waits for a slow host waits in that host's lane, and
//! holds no place that another host's objects could have.

use std::collections::{HashMap, VecDeque};

use crate::source::Silence;

/// One lane for each host, or for each kind of source that has none.
pub(super) struct Lanes<T> {
    per_host: usize,
    hosts: HashMap<String, Lane<T>>,
    /// The hosts in the order in which they have their turn.
    turns: VecDeque<String>,
}

struct Lane<T> {
    waiting: VecDeque<T>,
    asking: usize,
    silence: Silence,
}

/// What comes next.
pub(super) enum Turn<T> {
    /// This may ask the host. [`Lanes::answered`] gives its place back.
    Ask(String, T),
    /// The host is left alone: this will not be asked there.
    LeftAlone(String, T),
}

impl<T> Lanes<T> {
    pub(super) fn new(per_host: usize) -> Self {
        Self { per_host: per_host.max(1), hosts: HashMap::new(), turns: VecDeque::new() }
    }

    /// Queues this for a host.
    pub(super) fn wait(&mut self, host: &str, one: T) {
        self.lane(host).waiting.push_back(one);
    }

    /// The next that may ask its host, of all hosts in turn.
    pub(super) fn next(&mut self) -> Option<Turn<T>> {
        for _ in 0..self.turns.len() {
            let host = self.turns.pop_front()?;
            self.turns.push_back(host.clone());
            let Some(lane) = self.hosts.get_mut(&host) else { continue };
            if lane.silence.is_left_alone() {
                if let Some(one) = lane.waiting.pop_front() {
                    return Some(Turn::LeftAlone(host, one));
                }
            } else if lane.has_place(self.per_host)
                && let Some(one) = lane.waiting.pop_front()
            {
                lane.asking += 1;
                return Some(Turn::Ask(host, one));
            }
        }
        None
    }

    /// Gives the place at a host back, with the host that was silent: this one, or another that it
    /// led to, which is noted for both; `None` where an answer came.
    pub(super) fn answered(&mut self, host: &str, silent: Option<&str>) {
        let lane = self.lane(host);
        lane.asking = lane.asking.saturating_sub(1);
        lane.silence.note(silent.is_none());
        if let Some(other) = silent.filter(|silent| *silent != host) {
            self.lane(other).silence.note(false);
        }
    }

    fn lane(&mut self, host: &str) -> &mut Lane<T> {
        if !self.hosts.contains_key(host) {
            self.turns.push_back(host.to_owned());
        }
        self.hosts.entry(host.to_owned()).or_insert_with(|| Lane {
            waiting: VecDeque::new(),
            asking: 0,
            silence: Silence::default(),
        })
    }
}

impl<T> Lane<T> {
    /// Whether another may ask. A host that was silent gets no more requests at once than it may
    /// still leave unanswered.
    fn has_place(&self, per_host: usize) -> bool {
        self.asking < self.silence.left().map_or(per_host, |left| per_host.min(left))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lanes(per_host: usize, waiting: &[(&str, u32)]) -> Lanes<u32> {
        let mut lanes = Lanes::new(per_host);
        for (host, n) in waiting {
            lanes.wait(host, *n);
        }
        lanes
    }

    fn asked(lanes: &mut Lanes<u32>) -> Vec<u32> {
        std::iter::from_fn(|| match lanes.next()? {
            Turn::Ask(_, n) => Some(n),
            Turn::LeftAlone(..) => None,
        })
        .collect()
    }

    #[test]
    fn hosts_have_their_turn_one_after_the_other_whatever_the_order_was() {
        let mut lanes = lanes(2, &[("a", 1), ("a", 2), ("a", 3), ("b", 4), ("b", 5), ("c", 6)]);
        assert_eq!(asked(&mut lanes), [1, 4, 6, 2, 5], "the third of `a` finds no place");
        lanes.answered("b", None);
        assert!(asked(&mut lanes).is_empty());
        lanes.answered("a", None);
        assert_eq!(asked(&mut lanes), [3]);
    }

    #[test]
    fn five_silences_in_a_row_are_the_last_that_a_host_gets() {
        let waiting: Vec<_> = (0..30).map(|n| ("silent", n)).collect();
        // Before the first silence, nothing is known of the host.
        for (per_host, in_all) in [(1, 5), (2, 5), (5, 5), (8, 8)] {
            let mut lanes = lanes(per_host, &waiting);
            let mut count = 0;
            loop {
                let asking = asked(&mut lanes).len();
                if asking == 0 {
                    break;
                }
                count += asking;
                (0..asking).for_each(|_| lanes.answered("silent", Some("silent")));
            }
            assert_eq!(count, in_all, "{per_host} at once");
            let Some(Turn::LeftAlone(host, _)) = lanes.next() else { panic!("it is left alone") };
            assert_eq!(host, "silent");
        }
    }

    #[test]
    fn an_answer_in_between_begins_the_count_anew() {
        let mut lanes = lanes(1, &[("a", 1), ("a", 2)]);
        for silent in [4, 4] {
            (0..silent).for_each(|_| lanes.answered("a", Some("a")));
            lanes.answered("a", None);
        }
        assert_eq!(asked(&mut lanes), [1]);
    }

    #[test]
    fn silence_behind_a_redirect_is_that_of_both() {
        let mut lanes = lanes(1, &[("a", 1), ("b", 2), ("c", 3)]);
        (0..5).for_each(|_| lanes.answered("a", Some("b")));
        let mut alone = Vec::new();
        while let Some(turn) = lanes.next() {
            if let Turn::LeftAlone(host, _) = turn {
                alone.push(host);
            }
        }
        assert_eq!(alone, ["a", "b"]);
    }
}
