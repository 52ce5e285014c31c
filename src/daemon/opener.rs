//! [`Opener`]: what a daemon needs of the configuration, which it does not know.

use async_trait::async_trait;

use crate::heal::Healer;
use crate::model::{Size, Span};
use crate::pass::Auditor;

use super::timetable::Timing;

/// When and how a daemon works, as configured.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// When shallow passes run.
    pub shallow: Timing,
    /// When slices are read.
    pub deep: Timing,
    /// In which time every object is read once.
    pub cycle: Span,
    /// Bytes a second that are read at most.
    pub bandwidth: Size,
}

/// Everything for one pass.
pub struct Opened {
    /// The reading half.
    pub auditor: Auditor,
    /// The writing half.
    pub healer: Healer,
}

/// What could not be opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// The catalog.
    Catalog,
    /// The store.
    Store,
    /// Something else.
    Other,
}

/// Why a pass could not begin. The message holds no secrets.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct OpenFailure {
    /// Which side.
    pub side: Side,
    /// What happened and what to do.
    pub message: String,
}

/// Opens what the configuration names.
#[async_trait]
pub trait Opener: Send + Sync {
    /// When and how the daemon works now.
    fn plan(&self) -> Plan;

    /// Opens catalog and store anew: collections may have come, and connections gone.
    async fn open(&self) -> Result<Opened, OpenFailure>;

    /// Reads the configuration again. Where it cannot be used, the earlier one goes on holding,
    /// and the error says why.
    async fn reload(&self) -> Result<(), String>;
}
