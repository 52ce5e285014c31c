//! Histories that showed a fault once, in their shortest form, and the fault they showed.

use restock::store::StoreFault;

use crate::memory_store::Operation;
use crate::play::play;
use crate::step::{Deed, Depth, Fault, Happening, History, Kind, Pass, Setting, Step, What, Wrong};

const SETTING: Setting = Setting {
    begun: 6,
    icons_heal: true,
    archived_is_present: false,
    replace_corrupt: true,
    quarantine: true,
    verify: true,
    breaker: true,
    concurrency: 2,
};

fn pass(kind: Kind, deep: Depth, faults: &[Fault]) -> Pass {
    Pass {
        kind,
        deep,
        slice: (1, 1),
        installers_only: false,
        faults: faults.to_vec(),
        meanwhile: Vec::new(),
        crash: None,
    }
}

fn holds(settings: Setting, steps: Vec<Step>) {
    let played = play(7, &History { settings, steps }, true);
    assert_eq!(played.wrong, None, "{:#?}", played.log);
}

/// Two HEADs were taken for two observations, although the listing had shown the object.
#[test]
fn a_corrupt_object_that_is_listed_is_not_missing_because_heads_deny_it() {
    let denied = Fault { what: What::HeadDenies, thing: None, after: 0, times: 5 };
    for kind in [Kind::Audit, Kind::Heal, Kind::Daemon] {
        holds(
            SETTING,
            vec![
                Step::Happens(Happening::Overwrite(5, Wrong::SameSize)),
                Step::Pass(pass(Kind::Audit, Depth::Whole, &[])),
                Step::Pass(pass(kind, Depth::Shallow, &[denied])),
            ],
        );
    }
}

/// Of two passes at once the one that ended last had its first sighting in the ledger for good,
/// and told the other one's.
#[test]
fn what_two_passes_at_once_saw_first_is_first_seen() {
    let whole = |kind| pass(kind, Depth::Whole, &[]);
    let shallow = pass(Kind::Daemon, Depth::Shallow, &[]);
    holds(
        Setting { begun: 8, concurrency: 1, ..SETTING },
        vec![
            Step::Pass(whole(Kind::Audit)),
            Step::Happens(Happening::DropRows(10_879)),
            Step::Both(whole(Kind::Heal), shallow),
        ],
    );
}

/// No test of the engine noticed it when a pass that failed opened the breaker for those after it.
#[test]
fn a_pass_that_failed_opens_no_breaker_and_heals_nothing_of_what_it_saw() {
    let second = Fault {
        what: What::Store(Operation::List, StoreFault::AccessDenied),
        thing: None,
        after: 1,
        times: 1,
    };
    for kind in [Kind::Audit, Kind::Heal, Kind::Daemon] {
        holds(
            Setting { begun: 14, ..SETTING },
            vec![
                Step::Happens(Happening::Sweep((1 << 14) - 1)),
                Step::Pass(pass(kind, Depth::Shallow, &[second])),
            ],
        );
    }
}

/// The two looks right before a completion: whether a row still wants it, and what lies there.
#[test]
fn nothing_is_published_that_no_row_wants_any_more_or_long_after_its_probe() {
    let one_by_one = Setting { concurrency: 1, ..SETTING };
    let unwanted = What::Meddles(Operation::Seal, Deed::RemoveRows);
    let slow = What::Slow(Operation::SetAside);
    for (happening, what) in
        [(Happening::Delete(5), unwanted), (Happening::Overwrite(5, Wrong::SameSize), slow)]
    {
        let fault = Fault { what, thing: None, after: 0, times: 1 };
        holds(
            one_by_one,
            vec![Step::Happens(happening), Step::Pass(pass(Kind::Heal, Depth::Whole, &[fault]))],
        );
    }
}
