//! A seed to a history.

use restock::store::StoreFault;

use crate::dice::Dice;
use crate::memory_store::Operation;
use crate::step::{
    Age, Deed, Depth, Fault, Gives, Happening, History, Kind, Pass, RowKind, Setting, Size, Step,
    What, Whose, Wrong,
};
use crate::things::THINGS;

/// Steps of a history.
const STEPS: usize = 40;

/// The methods of a ledger of which one may fail.
pub(crate) const LEDGER: &[&str] = &[
    "record_pass",
    "first_seen",
    "last_full",
    "corruptions",
    "put_corruption",
    "clear_corruption",
    "sightings",
    "put_sightings",
    "retain_sightings",
    "attempts",
    "put_attempts",
    "verdicts",
    "put_verdict",
    "clear_verdicts",
    "publishings",
    "publish_begun",
    "publish_failed",
    "record_repair",
    "uploads",
    "upload_begun",
    "upload_ended",
    "breaker",
    "swap_breaker",
    "prune",
    "accepted",
    "set_note",
];

const CATALOG: &[&str] = &["now", "scan", "scan batch", "rows", "malformed", "mistimed"];

const OPERATIONS: &[(u64, Operation)] = &[
    (2, Operation::Check),
    (3, Operation::List),
    (3, Operation::Page),
    (6, Operation::Probe),
    (5, Operation::Read),
    (3, Operation::Chunk),
    (2, Operation::Stage),
    (2, Operation::Write),
    (2, Operation::Seal),
    (4, Operation::Publish),
    (2, Operation::SetAside),
    (2, Operation::Sweep),
    (1, Operation::Remove),
];

const STORE_FAULTS: &[StoreFault] = &[
    StoreFault::AccessDenied,
    StoreFault::Credentials,
    StoreFault::Throttled,
    StoreFault::Timeout,
    StoreFault::Unreachable,
    StoreFault::Server,
    StoreFault::Malformed,
    StoreFault::Other,
];

impl History {
    pub(crate) fn of(seed: u64) -> Self {
        let dice = &mut Dice::new(seed);
        let settings = Setting {
            begun: dice.index(THINGS + 1),
            icons_heal: dice.percent(80),
            archived_is_present: dice.percent(20),
            replace_corrupt: dice.percent(85),
            quarantine: dice.percent(75),
            verify: dice.percent(70),
            breaker: dice.percent(50),
            concurrency: dice.one(&[1, 2, 4]),
        };
        let steps = 1 + dice.index(STEPS);
        // Some histories are calm, so that verdicts are exact; in others all fails at once.
        let storm = dice.weighted(&[(3, 0), (4, 15), (2, 60)]);
        let mut history = if dice.percent(25) { aged(dice) } else { Vec::new() };
        history.extend((0..steps).map(|_| step(dice, storm)));
        Self { settings, steps: history }
    }
}

/// Two days in which orphans grow old.
fn aged(dice: &mut Dice) -> Vec<Step> {
    let mut steps = vec![
        Step::Happens(Happening::Upload(dice.index(THINGS))),
        Step::Happens(Happening::RemoveRows(dice.index(THINGS))),
    ];
    for _ in 0..4 {
        steps.push(Step::Pass(Pass {
            kind: Kind::Audit,
            deep: Depth::Shallow,
            slice: (1, 1),
            installers_only: false,
            faults: Vec::new(),
            meanwhile: Vec::new(),
            crash: None,
        }));
        steps.push(Step::Wait(1_000));
    }
    steps
}

fn step(dice: &mut Dice, storm: u64) -> Step {
    match dice.below(100) {
        0..=38 => Step::Happens(happening(dice)),
        39..=51 => Step::Wait(dice.weighted(&[(3, 1), (3, 20), (2, 200), (3, 1500), (1, 5000)])),
        52..=81 => Step::Pass(pass(dice, storm)),
        82..=84 => Step::Both(pass(dice, storm), pass(dice, storm)),
        85..=88 => Step::Acknowledge(dice.percent(85)),
        89 => Step::Accept(dice.index(THINGS)),
        90 => Step::Pause(dice.percent(40)),
        91..=93 => Step::Probe(dice.index(THINGS), faults(dice, storm)),
        _ => Step::Orphans {
            delete: dice.percent(30),
            restore: dice.percent(40),
            faults: faults(dice, storm),
            meanwhile: meanwhile(dice, storm),
        },
    }
}

fn pass(dice: &mut Dice, storm: u64) -> Pass {
    let thing = dice.index(THINGS);
    let kind = match dice.below(100) {
        0..=34 => Kind::Audit,
        35..=64 => Kind::Heal,
        65..=84 => Kind::Daemon,
        85..=94 => Kind::Named(thing, dice.percent(40)),
        _ => Kind::FromPlan,
    };
    let deep = match dice.below(10) {
        0..=5 => Depth::Shallow,
        6..=8 => Depth::Whole,
        _ => Depth::Part(1 + dice.below(2) as u32, 2),
    };
    let partial = dice.percent(8) && matches!(kind, Kind::Audit | Kind::Heal);
    Pass {
        kind,
        deep,
        slice: if partial { (1 + dice.below(2) as u32, 2) } else { (1, 1) },
        installers_only: dice.percent(5) && matches!(kind, Kind::Audit | Kind::Heal),
        faults: faults(dice, storm),
        meanwhile: meanwhile(dice, storm),
        crash: (dice.percent(storm / 4)).then(|| 1 + dice.below(220) as u32),
    }
}

fn meanwhile(dice: &mut Dice, storm: u64) -> Vec<(u32, Happening)> {
    if !dice.percent(storm) {
        return Vec::new();
    }
    let n = 1 + dice.index(3);
    (0..n).map(|_| (dice.below(200) as u32, happening(dice))).collect()
}

fn faults(dice: &mut Dice, storm: u64) -> Vec<Fault> {
    if !dice.percent(storm) {
        return Vec::new();
    }
    let n = 1 + dice.index(3);
    (0..n).map(|_| fault(dice)).collect()
}

fn fault(dice: &mut Dice) -> Fault {
    let what = match dice.below(100) {
        0..=35 => {
            let operation = dice.weighted(OPERATIONS);
            let fault = match operation {
                Operation::Publish if dice.percent(30) => StoreFault::Conflict,
                Operation::Check | Operation::List if dice.percent(30) => StoreFault::NoSuchStore,
                _ => dice.one(STORE_FAULTS),
            };
            What::Store(operation, fault)
        }
        36..=39 => What::Meddles(dice.one(MEDDLED), deed(dice)),
        40..=43 => What::Slow(dice.one(MEDDLED)),
        44 => What::Dies(dice.one(MEDDLED)),
        45 => What::DiesUnheard(dice.one(&[Operation::Publish, Operation::SetAside])),
        46..=50 => {
            let operation =
                dice.one(&[Operation::Publish, Operation::Publish, Operation::SetAside]);
            What::StoreAnswer(operation, dice.one(&[StoreFault::Timeout, StoreFault::Server]))
        }
        51..=54 => What::Hides,
        55..=58 => What::Lies,
        59..=62 => What::Ghost,
        63..=65 => What::Repeats,
        66..=71 => What::HeadDenies,
        72..=74 => What::HeadClaims,
        75..=80 => What::Catalog(dice.one(CATALOG)),
        81..=88 => What::Ledger(dice.one(LEDGER)),
        89..=92 => What::LedgerAnswer(dice.one(LEDGER)),
        93..=97 => What::Swallows(dice.percent(50)),
        _ => What::Source,
    };
    Fault {
        what,
        thing: dice.percent(50).then(|| dice.index(THINGS)),
        after: dice.weighted(&[(6, 0), (3, 1), (2, 3), (1, 9)]),
        times: dice.weighted(&[(6, 1), (2, 2), (2, 5), (1, 1000)]),
    }
}

/// Operations around which something may happen to their object.
const MEDDLED: &[Operation] = &[
    Operation::Probe,
    Operation::Read,
    Operation::Stage,
    Operation::Seal,
    Operation::Publish,
    Operation::Publish,
    Operation::SetAside,
];

fn deed(dice: &mut Dice) -> Deed {
    dice.one(&[
        Deed::Upload,
        Deed::Overwrite(Wrong::SameSize),
        Deed::Overwrite(Wrong::Shorter),
        Deed::Delete,
        Deed::RemoveRows,
        Deed::TouchRows,
    ])
}

fn happening(dice: &mut Dice) -> Happening {
    let thing = dice.index(THINGS);
    match dice.below(100) {
        0..=11 => Happening::Delete(thing),
        12..=19 => Happening::Upload(thing),
        20..=29 => Happening::Overwrite(
            thing,
            dice.one(&[
                Wrong::SameSize,
                Wrong::SameSize,
                Wrong::Shorter,
                Wrong::Longer,
                Wrong::Empty,
                Wrong::Anew,
            ]),
        ),
        30..=31 => Happening::Sweep(dice.below(1 << THINGS) as u32),
        32..=34 => Happening::Unreadable(thing),
        35..=37 => Happening::Readable(thing),
        38..=39 => Happening::Archive(thing),
        40 => Happening::Foreign(dice.index(4)),
        41..=60 => Happening::Row(thing, row(dice)),
        61..=66 => Happening::RemoveRows(thing),
        67..=70 => Happening::TouchRows(thing),
        71 => Happening::DropRows(dice.below(1 << THINGS) as u32),
        72..=73 => Happening::UnreadableRow,
        74 => Happening::NullRow,
        75..=77 => Happening::MendRows,
        78..=93 => Happening::Source(thing, dice.index(3), gives(dice)),
        94 if dice.percent(40) => Happening::ManyRows(thing),
        94 => Happening::SilentHost(dice.index(2), dice.below(1 << THINGS) as u32),
        95..=97 => Happening::SetClock(
            dice.one(&[Whose::Restock, Whose::Store, Whose::Catalog]),
            dice.one(&[-20, 20, -7200, 7200, -400, 400, 18_000, -100_000]),
        ),
        _ => Happening::Mangle(dice.percent(35)),
    }
}

fn row(dice: &mut Dice) -> RowKind {
    RowKind {
        age: dice.weighted(&[
            (6, Age::Old),
            (3, Age::Young),
            (1, Age::Ahead),
            (2, Age::Unknown),
            (1, Age::NoTime),
        ]),
        size: dice.weighted(&[(5, Size::Right), (4, Size::Unknown), (1, Size::Other)]),
        url: dice.weighted(&[(5, Some(0)), (3, Some(1)), (1, Some(2)), (2, None)]),
    }
}

fn gives(dice: &mut Dice) -> Gives {
    dice.weighted(&[
        (30, Gives::Right),
        (4, Gives::Drips),
        (8, Gives::OtherBytes),
        (4, Gives::Page),
        (5, Gives::EncodedRight),
        (3, Gives::EncodedWrong),
        (2, Gives::Undecodable),
        (5, Gives::Breaks),
        (6, Gives::Gone),
        (2, Gives::Lacking),
        (4, Gives::Forbidden),
        (5, Gives::Busy),
        (3, Gives::Silent),
        (2, Gives::TooLarge),
    ])
}
