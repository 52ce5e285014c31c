//! [`Lanes`]: who may ask which host now. What waits for a slow host waits in that host's lane, and
//! holds no place that another host's objects could have: not even where another host led it there.

use std::collections::{HashMap, VecDeque};

use crate::source::Silence;

/// Those that one host led elsewhere and that wait there, at most; before others are asked there.
/// Without a bound, a host would be asked for thousands of redirects long before their time.
const LED_AT_MOST: usize = 64;

/// One lane for each host, or for each kind of source that has none.
pub(super) struct Lanes<T> {
    per_host: usize,
    hosts: HashMap<String, Lane<T>>,
    /// The hosts in the order in which they have their turn.
    turns: VecDeque<String>,
}

struct Lane<T> {
    /// Those that another host led here, and which: they come first, as a redirect holds for a
    /// while only.
    led: VecDeque<(Option<String>, T)>,
    waiting: VecDeque<T>,
    asking: usize,
    /// How many this host led elsewhere that wait there.
    away: usize,
    silence: Silence,
}

/// What comes next.
pub(super) enum Turn<T> {
    /// This may ask the host. [`Lanes::give_back`] gives its place back.
    Ask(String, T),
    /// The host is left alone: this will not be asked there.
    LeftAlone(String, T),
}

/// What was heard of a host that somebody had a place at.
pub(super) enum Heard {
    /// It was not asked.
    Unasked,
    /// It answered, whatever it was.
    Answer,
    /// This host was silent: the one that was asked, or another that a manifest led to by itself.
    Silence(String),
}

impl<T> Lanes<T> {
    pub(super) fn new(per_host: usize) -> Self {
        Self { per_host: per_host.max(1), hosts: HashMap::new(), turns: VecDeque::new() }
    }

    /// Queues this for a host.
    pub(super) fn wait(&mut self, host: &str, one: T) {
        self.lane(host).waiting.push_back(one);
    }

    /// Queues this for a host that another one led to.
    pub(super) fn wait_led(&mut self, from: &str, host: &str, one: T) {
        self.lane(from).away += 1;
        self.lane(host).led.push_back((Some(from.to_owned()), one));
    }

    /// Queues this for a host that is asked once more where it leads to.
    pub(super) fn wait_again(&mut self, host: &str, one: T) {
        self.lane(host).led.push_back((None, one));
    }

    /// The next that may ask its host, of all hosts in turn.
    pub(super) fn next(&mut self) -> Option<Turn<T>> {
        for _ in 0..self.turns.len() {
            let host = self.turns.pop_front()?;
            self.turns.push_back(host.clone());
            let Some(lane) = self.hosts.get_mut(&host) else { continue };
            let is_left_alone = lane.silence.is_left_alone();
            let Some((from, one)) = lane.next(self.per_host, is_left_alone) else { continue };
            if let Some(from) = from {
                let origin = self.lane(&from);
                origin.away = origin.away.saturating_sub(1);
            }
            if is_left_alone {
                return Some(Turn::LeftAlone(host, one));
            }
            self.lane(&host).asking += 1;
            return Some(Turn::Ask(host, one));
        }
        None
    }

    /// Gives the place at a host back, with what was heard. The silence of another host is noted for
    /// both.
    pub(super) fn give_back(&mut self, host: &str, heard: &Heard) {
        let lane = self.lane(host);
        lane.asking = lane.asking.saturating_sub(1);
        match heard {
            Heard::Unasked => {}
            Heard::Answer => lane.silence.note(true),
            Heard::Silence(silent) => {
                lane.silence.note(false);
                if silent != host {
                    self.lane(silent).silence.note(false);
                }
            }
        }
    }

    fn lane(&mut self, host: &str) -> &mut Lane<T> {
        if !self.hosts.contains_key(host) {
            self.turns.push_back(host.to_owned());
        }
        self.hosts.entry(host.to_owned()).or_insert_with(|| Lane {
            led: VecDeque::new(),
            waiting: VecDeque::new(),
            asking: 0,
            away: 0,
            silence: Silence::default(),
        })
    }
}

impl<T> Lane<T> {
    /// The next that may ask, or that is passed by; and which host led it here.
    fn next(&mut self, per_host: usize, is_left_alone: bool) -> Option<(Option<String>, T)> {
        if !is_left_alone && !self.has_place(per_host) {
            return None;
        }
        if let Some(led) = self.led.pop_front() {
            return Some(led);
        }
        let may_lead_on = is_left_alone || self.away < LED_AT_MOST;
        let one = if may_lead_on { self.waiting.pop_front() } else { None };
        one.map(|one| (None, one))
    }

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

    fn silence(host: &str) -> Heard {
        Heard::Silence(host.to_owned())
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
        lanes.give_back("b", &Heard::Answer);
        assert!(asked(&mut lanes).is_empty());
        lanes.give_back("a", &Heard::Answer);
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
                (0..asking).for_each(|_| lanes.give_back("silent", &silence("silent")));
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
            (0..silent).for_each(|_| lanes.give_back("a", &silence("a")));
            lanes.give_back("a", &Heard::Answer);
        }
        (0..4).for_each(|_| lanes.give_back("a", &silence("a")));
        lanes.give_back("a", &Heard::Unasked);
        lanes.give_back("a", &silence("a"));
        assert!(asked(&mut lanes).is_empty(), "who was not asked has not answered");
    }

    #[test]
    fn who_was_led_to_a_host_waits_there_and_comes_first() {
        let mut lanes = lanes(1, &[("a", 1), ("a", 2), ("b", 3), ("b", 4)]);
        assert_eq!(asked(&mut lanes), [1, 3]);
        lanes.give_back("a", &Heard::Answer);
        lanes.wait_led("a", "b", 1);
        assert_eq!(asked(&mut lanes), [2], "`a` is free, and `b` is not");
        lanes.give_back("b", &Heard::Answer);
        assert_eq!(asked(&mut lanes), [1]);
        lanes.give_back("b", &Heard::Answer);
        lanes.wait_again("b", 5);
        assert_eq!(asked(&mut lanes), [5]);
        (0..5).for_each(|_| lanes.give_back("b", &silence("b")));
        lanes.give_back("a", &Heard::Answer);
        lanes.wait_led("a", "b", 2);
        let passed_by = std::iter::from_fn(|| match lanes.next()? {
            Turn::LeftAlone(host, n) => Some((host, n)),
            Turn::Ask(..) => None,
        });
        assert_eq!(passed_by.collect::<Vec<_>>(), [("b".to_owned(), 2), ("b".to_owned(), 4)]);
    }

    #[test]
    fn no_host_is_asked_for_redirects_long_before_their_time() {
        let waiting: Vec<_> = (0..100).map(|n| ("a", n)).collect();
        let mut lanes = lanes(1, &waiting);
        let mut led = 0;
        while let Some(Turn::Ask(host, n)) = lanes.next() {
            if host == "b" {
                continue;
            }
            lanes.give_back("a", &Heard::Answer);
            lanes.wait_led("a", "b", n);
            led += 1;
        }
        assert_eq!(led, LED_AT_MOST + 1, "one of them is asking");
        lanes.give_back("b", &Heard::Answer);
        assert_eq!(asked(&mut lanes).len(), 2, "the next one there, and the next one here");
    }

    #[test]
    fn silence_behind_a_redirect_of_a_manifest_is_that_of_both() {
        let mut lanes = lanes(1, &[("a", 1), ("b", 2), ("c", 3)]);
        (0..5).for_each(|_| lanes.give_back("a", &silence("b")));
        let mut alone = Vec::new();
        while let Some(turn) = lanes.next() {
            if let Turn::LeftAlone(host, _) = turn {
                alone.push(host);
            }
        }
        assert_eq!(alone, ["a", "b"]);
    }
}
