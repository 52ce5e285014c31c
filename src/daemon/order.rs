//! [`Order`]: what a person may ask of a running daemon.

use tokio::sync::oneshot;

use crate::model::{BreakerReason, Depth};

/// Something that a person asks of a running daemon. What becomes of it is told where an order has
/// an answer; who no longer listens does not matter.
#[derive(Debug)]
pub enum Order {
    /// Run a pass as soon as none is running. Several that wait become one.
    Pass(Depth),
    /// Carry out no plan until [`Order::Resume`]; kept across restarts.
    Pause,
    /// Carry out plans again.
    Resume,
    /// Answer the breaker with the number that it prints.
    Acknowledge {
        /// What opened it.
        reason: BreakerReason,
        /// Missing objects, or expected ones where the inventory shrank.
        number: u64,
        /// Whether that was the number.
        answer: oneshot::Sender<Result<(), OrderError>>,
    },
    /// Read the configuration again.
    Reload {
        /// Whether it holds now.
        answer: oneshot::Sender<Result<(), OrderError>>,
    },
}

/// Why an order was not carried out. Messages hold no secrets.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OrderError {
    /// It does not fit the world: a wrong number, a closed breaker, an invalid configuration.
    #[error("{0}")]
    Refused(String),
    /// It could not be tried.
    #[error("{0}")]
    Failed(String),
}
