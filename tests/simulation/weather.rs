//! Histories of bad weather, each of which ended in a false all-clear, a wrong verdict or a heal
//! that nobody could see the end of, in a version that no simulation had judged.

use crate::memory_store::Operation;
use crate::play::play;
use crate::step::{
    Age, Depth, Fault, Happening, History, Kind, Pass, RowKind, Setting, Size, Step, What, Wrong,
};
use restock::store::StoreFault;

fn setting(begun: usize) -> Setting {
    Setting {
        begun,
        icons_heal: true,
        archived_is_present: false,
        replace_corrupt: true,
        quarantine: true,
        verify: true,
        breaker: false,
        concurrency: 2,
    }
}

fn pass(kind: Kind, deep: Depth, faults: &[What]) -> Pass {
    let fault = |what: &What| Fault { what: *what, thing: None, after: 0, times: 1000 };
    Pass {
        kind,
        deep,
        slice: (1, 1),
        installers_only: false,
        faults: faults.iter().map(fault).collect(),
        meanwhile: Vec::new(),
        crash: None,
    }
}

fn calm(kind: Kind, deep: Depth) -> Step {
    Step::Pass(pass(kind, deep, &[]))
}

fn holds(settings: Setting, steps: Vec<Step>) {
    let played = play(7, &History { settings, steps }, true);
    assert_eq!(played.wrong, None, "{:#?}", played.log);
}

/// At each call of a heal that fills a hole, somebody else writes wrong bytes there.
fn holds_whenever_somebody_writes() {
    let settings = setting(2);
    for at in 1.. {
        let meanwhile = vec![(at, Happening::Overwrite(1, Wrong::SameSize))];
        let heal = Pass { meanwhile, ..pass(Kind::Heal, Depth::Shallow, &[]) };
        let steps = vec![Step::Happens(Happening::Delete(1)), Step::Pass(heal)];
        let played = play(7, &History { settings, steps }, true);
        assert_eq!(played.wrong, None, "at call {at}: {:#?}", played.log);
        if !played.reached.contains_key("something happened while a pass ran") {
            assert!(at > 30, "it has ended after {at} calls");
            return;
        }
    }
}

fn row(thing: usize, age: Age) -> Step {
    Step::Happens(Happening::Row(thing, RowKind { age, size: Size::Unknown, url: Some(0) }))
}

#[test]
fn no_orphan_is_flagged_beside_a_row_that_cannot_be_read() {
    holds(
        setting(2),
        vec![
            Step::Happens(Happening::RemoveRows(0)),
            Step::Happens(Happening::UnreadableRow),
            calm(Kind::Audit, Depth::Shallow),
            Step::Wait(1500),
            calm(Kind::Audit, Depth::Shallow),
            Step::Wait(1500),
            calm(Kind::Audit, Depth::Shallow),
        ],
    );
}

#[test]
fn no_orphan_is_taken_away_beside_a_row_that_cannot_be_read() {
    for delete in [false, true] {
        holds(
            setting(2),
            vec![
                Step::Happens(Happening::RemoveRows(0)),
                calm(Kind::Audit, Depth::Shallow),
                Step::Wait(1500),
                calm(Kind::Audit, Depth::Shallow),
                Step::Wait(1500),
                calm(Kind::Audit, Depth::Shallow),
                Step::Happens(Happening::UnreadableRow),
                Step::Orphans { delete, restore: false, faults: Vec::new(), meanwhile: Vec::new() },
            ],
        );
    }
}

#[test]
fn what_is_seen_and_cannot_be_read_is_unknown_where_it_is_read() {
    for kind in [Kind::Audit, Kind::Heal, Kind::Daemon, Kind::Named(1, false)] {
        holds(setting(2), vec![Step::Happens(Happening::Unreadable(1)), calm(kind, Depth::Whole)]);
    }
}

#[test]
fn what_a_listing_hid_is_read_in_a_deep_pass_all_the_same() {
    holds(
        setting(6),
        vec![
            Step::Happens(Happening::Overwrite(4, Wrong::SameSize)),
            Step::Pass(pass(Kind::Audit, Depth::Whole, &[What::Hides])),
        ],
    );
}

#[test]
fn no_head_is_believed_where_no_listing_showed_that_a_store_answers() {
    for fault in [StoreFault::Malformed, StoreFault::AccessDenied, StoreFault::Server] {
        let faults = pass(
            Kind::Audit,
            Depth::Shallow,
            &[What::Store(Operation::Check, fault), What::HeadClaims],
        )
        .faults;
        holds(setting(2), vec![Step::Probe(5, faults)]);
    }
}

#[test]
fn a_completion_that_is_only_called_done_is_seen_through() {
    let deleted = || Step::Happens(Happening::Delete(1));
    let overwritten = || Step::Happens(Happening::Overwrite(1, Wrong::SameSize));
    for beaten in [false, true] {
        let heal = || Step::Pass(pass(Kind::Heal, Depth::Whole, &[What::Swallows(beaten)]));
        holds(setting(2), vec![deleted(), heal()]);
        holds(setting(2), vec![overwritten(), heal()]);
    }
}

#[test]
fn what_somebody_else_wrote_meanwhile_is_read_before_it_is_called_right() {
    holds_whenever_somebody_writes();
}

#[test]
fn a_row_dated_ahead_is_not_young_and_a_time_that_is_none_is_told() {
    for age in [Age::Ahead, Age::NoTime] {
        holds(setting(0), vec![row(5, age), calm(Kind::Audit, Depth::Shallow)]);
    }
}

#[test]
fn one_row_less_of_four_is_no_disaster() {
    let audit = || calm(Kind::Audit, Depth::Shallow);
    let removed = Step::Happens(Happening::RemoveRows(1));
    holds(Setting { breaker: true, ..setting(4) }, vec![audit(), removed, audit()]);
}

#[test]
fn rows_that_were_saved_again_are_no_disaster() {
    let settings = Setting { breaker: true, ..setting(14) };
    let audit = || calm(Kind::Audit, Depth::Shallow);
    let touched =
        (0..6).flat_map(|n| [Happening::Delete(n), Happening::TouchRows(n)].map(Step::Happens));
    let steps = [audit()].into_iter().chain(touched).chain([audit()]);
    holds(settings, steps.collect());
}

#[test]
fn bytes_that_the_store_changed_on_their_way_in_are_not_called_restored() {
    holds(
        setting(2),
        vec![
            Step::Happens(Happening::Mangle(true)),
            Step::Happens(Happening::Delete(1)),
            calm(Kind::Heal, Depth::Shallow),
        ],
    );
}

#[test]
fn what_was_found_is_recorded_before_any_of_it_is_healed() {
    for kind in [Kind::Heal, Kind::Daemon, Kind::Named(1, false)] {
        let deleted = Step::Happens(Happening::Delete(1));
        holds(setting(2), vec![deleted, calm(kind, Depth::Shallow)]);
    }
}

#[test]
fn a_host_that_stays_silent_is_left_alone() {
    for concurrency in [1, 2, 4] {
        holds(
            Setting { concurrency, ..setting(14) },
            vec![Step::Happens(Happening::SilentHost(0, 0x3fff)), calm(Kind::Heal, Depth::Shallow)],
        );
    }
}

#[test]
fn a_pass_asks_so_many_sources_of_an_object_and_no_more() {
    holds(
        setting(0),
        vec![Step::Happens(Happening::ManyRows(3)), calm(Kind::Heal, Depth::Shallow)],
    );
}

#[test]
fn a_silent_host_holds_no_place_that_another_host_could_have() {
    holds(
        Setting { concurrency: 4, ..setting(14) },
        vec![Step::Happens(Happening::SilentHost(0, 0x3fff)), calm(Kind::Heal, Depth::Shallow)],
    );
}
