//! Events: what a pass tells while it runs. Everything that is shown or counted comes from here.

use crate::model::Repair;

/// One thing that happened.
#[derive(Debug, Clone, PartialEq)]
pub enum Event<'a> {
    /// A phase began; `total` is the number of steps, where it is known.
    Phase {
        /// The phase, e.g. "listing", "reading", "healing".
        name: &'static str,
        /// Objects it will go through.
        total_objects: Option<u64>,
        /// Bytes it will go through.
        total_bytes: Option<u64>,
    },
    /// Rows came from the catalog.
    Rows(u64),
    /// Objects were listed.
    Listed(u64),
    /// Suspicions were asked again.
    Confirmed(u64),
    /// Bytes of an object were read and hashed.
    Verified {
        /// Bytes since the last such event.
        bytes: u64,
        /// Whether the object is done.
        done: bool,
    },
    /// Bytes came from a source.
    Downloaded(u64),
    /// An action ended.
    Repaired(&'a Repair),
    /// Something worth a line in the log that is no error of the pass.
    Notice(&'a str),
}

/// Is told of events. Must not block.
pub trait Observer: Send + Sync {
    /// Something happened.
    fn notice(&self, event: &Event<'_>);
}

/// Hears nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

impl Observer for Silent {
    fn notice(&self, _: &Event<'_>) {}
}
