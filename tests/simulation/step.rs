//! A history as data: what happens in the world, what restock is told to do, and what fails in
//! the middle of it.

use chrono::TimeDelta;
use restock::store::StoreFault;

use crate::memory_store::Operation;

/// What happens behind restock's back. Things are named by their number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Happening {
    Upload(usize),
    Overwrite(usize, Wrong),
    Delete(usize),
    /// A lifecycle rule takes each thing whose bit is set.
    Sweep(u32),
    Unreadable(usize),
    Readable(usize),
    Archive(usize),
    Foreign(usize),
    Row(usize, RowKind),
    RemoveRows(usize),
    /// Somebody saves the rows of a thing again.
    TouchRows(usize),
    /// All rows of the things whose bit is set go.
    DropRows(u32),
    UnreadableRow,
    NullRow,
    MendRows,
    /// A thing gets more rows than a pass asks sources of one, each with a URL that gives nothing.
    ManyRows(usize),
    Source(usize, usize, Gives),
    /// Nothing comes any more from the host of all first, or of all second, URLs, and a lifecycle
    /// rule takes each thing whose bit is set.
    SilentHost(usize, u32),
    SetClock(Whose, i64),
    Mangle(bool),
}

/// The bytes of an object that is not what its key says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wrong {
    SameSize,
    Shorter,
    Longer,
    Empty,
    /// The right bytes, written anew: not wrong at all.
    Anew,
}

/// A row as it is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct RowKind {
    pub(crate) age: Age,
    pub(crate) size: Size,
    /// Which of the thing's URLs.
    pub(crate) url: Option<usize>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Age {
    Old,
    Young,
    Ahead,
    Unknown,
    NoTime,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Size {
    Right,
    Unknown,
    Other,
}

/// What a source gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Gives {
    Right,
    Drips,
    OtherBytes,
    Page,
    EncodedRight,
    EncodedWrong,
    Undecodable,
    Breaks,
    Gone,
    Lacking,
    Forbidden,
    Busy,
    Silent,
    TooLarge,
}

/// Whose clock is set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Whose {
    Restock,
    Store,
    Catalog,
}

/// Something that goes wrong while restock works, at the n-th time that it could.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(crate) what: What,
    /// Of which thing; where it is `None`, of any.
    pub(crate) thing: Option<usize>,
    /// How many such calls go well before.
    pub(crate) after: u32,
    /// How many fail then.
    pub(crate) times: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum What {
    /// The store fails before anything is done.
    Store(Operation, StoreFault),
    /// The store does it, and the answer is this.
    StoreAnswer(Operation, StoreFault),
    /// A listing hides the thing.
    Hides,
    /// A listing shows the thing with other size than it has.
    Lies,
    /// A listing shows a thing that is not there.
    Ghost,
    /// A listing hands its pages out twice.
    Repeats,
    /// A completion is called done, and takes no effect; where it says so, since somebody else wrote
    /// right before.
    Swallows(bool),
    /// HEAD says that the thing is not there.
    HeadDenies,
    /// HEAD says that something is there.
    HeadClaims,
    Catalog(&'static str),
    Ledger(&'static str),
    LedgerAnswer(&'static str),
    Source,
    /// Right before the store does it, somebody does this to the thing at hand.
    Meddles(Operation, Deed),
    /// The store takes ten seconds for it.
    Slow(Operation),
    /// restock dies right before it, or when it is done and nobody has heard of it.
    Dies(Operation),
    DiesUnheard(Operation),
}

/// What somebody does to the very thing that restock is about to do something to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Deed {
    Upload,
    Overwrite(Wrong),
    Delete,
    RemoveRows,
    TouchRows,
}

/// A pass of restock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Pass {
    pub(crate) kind: Kind,
    pub(crate) deep: Depth,
    /// The part of the digest space that it is about, of so many.
    pub(crate) slice: (u32, u32),
    /// Only the first collection.
    pub(crate) installers_only: bool,
    pub(crate) faults: Vec<Fault>,
    /// What happens while it runs, each after so many calls.
    pub(crate) meanwhile: Vec<(u32, Happening)>,
    /// After so many calls the process dies.
    pub(crate) crash: Option<u32>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Audit,
    /// `restock heal`.
    Heal,
    /// A pass of `restock run`.
    Daemon,
    /// `restock heal DIGEST`, with `--replace-unreadable` or not.
    Named(usize, bool),
    /// `restock heal --from-plan`, of the last plan.
    FromPlan,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Depth {
    Shallow,
    Whole,
    Part(u32, u32),
}

/// One step of a history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Step {
    Happens(Happening),
    /// Minutes go by.
    Wait(u32),
    Pass(Pass),
    /// Two instances at once, each with a pass.
    Both(Pass, Pass),
    /// `restock breaker ack`, with the right number or another.
    Acknowledge(bool),
    Accept(usize),
    Pause(bool),
    /// `restock probe`.
    Probe(usize, Vec<Fault>),
    /// `restock orphans plan` and `apply`, and `restore` where that is wanted.
    Orphans {
        delete: bool,
        restore: bool,
        faults: Vec<Fault>,
        meanwhile: Vec<(u32, Happening)>,
    },
}

/// A world at its start, and what becomes of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct History {
    pub(crate) settings: Setting,
    pub(crate) steps: Vec<Step>,
}

impl History {
    /// By how much restock's clock is set back in all.
    pub(crate) fn set_back(&self) -> TimeDelta {
        let passes = |step: &Step| match step {
            Step::Pass(pass) => vec![pass.clone()],
            Step::Both(one, other) => vec![one.clone(), other.clone()],
            _ => Vec::new(),
        };
        let happens = |step: &Step| match step {
            Step::Happens(what) => Some(*what),
            _ => None,
        };
        let meanwhile = self.steps.iter().flat_map(passes).flat_map(|pass| pass.meanwhile);
        let all = meanwhile.map(|(_, what)| what).chain(self.steps.iter().filter_map(happens));
        let back = all.map(|what| match what {
            Happening::SetClock(Whose::Restock, seconds) => seconds.min(0).abs(),
            _ => 0,
        });
        TimeDelta::seconds(back.sum())
    }
}

/// What differs from one world to the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Setting {
    /// How many things are wanted and there at the start.
    pub(crate) begun: usize,
    pub(crate) icons_heal: bool,
    pub(crate) archived_is_present: bool,
    pub(crate) replace_corrupt: bool,
    pub(crate) quarantine: bool,
    pub(crate) verify: bool,
    pub(crate) breaker: bool,
    pub(crate) concurrency: usize,
}
