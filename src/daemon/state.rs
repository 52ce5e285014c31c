//! [`DaemonState`]: what a daemon is doing, for those who look on.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use tokio::sync::{mpsc, watch};

use crate::model::Depth;

use super::Order;

/// What a daemon is doing.
#[derive(Debug, Clone, PartialEq)]
pub enum Activity {
    /// It is opening what its configuration names.
    Starting,
    /// Another instance works on this store; it takes over when that one ends.
    Standby,
    /// Nothing is to be done before the next activation.
    Idle,
    /// A pass runs.
    Pass {
        /// Its depth.
        depth: Depth,
        /// Since when.
        since: DateTime<Utc>,
    },
    /// It was told to end, and finishes what it began.
    Draining,
}

/// How the last reading of the configuration ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reload {
    /// When.
    pub at: DateTime<Utc>,
    /// Why the earlier configuration was kept; `None` where the new one holds.
    pub problem: Option<String>,
}

/// What those who look on see. Everything else stands in the ledger.
#[derive(Debug, Clone, PartialEq)]
pub struct DaemonState {
    /// What it is doing.
    pub activity: Activity,
    /// Whether it holds the store's lock.
    pub holds_lock: bool,
    /// Whether a person paused healing.
    pub paused: bool,
    /// Whether the catalog answered last; `None` before it was asked.
    pub catalog: Option<Result<(), Arc<str>>>,
    /// Whether the store answered last; `None` before it was asked.
    pub store: Option<Result<(), Arc<str>>>,
    /// When the next shallow pass is due.
    pub next_shallow: Option<DateTime<Utc>>,
    /// When the next deep pass is due.
    pub next_deep: Option<DateTime<Utc>>,
    /// The last reading of the configuration.
    pub reload: Option<Reload>,
}

/// Both ends of what runs between a daemon and those who look on.
#[derive(Debug, Clone)]
pub struct Orders {
    /// Takes orders; bounded.
    pub to: mpsc::Sender<Order>,
    /// Shows the state.
    pub state: watch::Receiver<DaemonState>,
}

impl DaemonState {
    /// A daemon that has just begun.
    pub const fn starting() -> Self {
        Self {
            activity: Activity::Starting,
            holds_lock: false,
            paused: false,
            catalog: None,
            store: None,
            next_shallow: None,
            next_deep: None,
            reload: None,
        }
    }
}
