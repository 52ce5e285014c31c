//! A store that stops in the middle.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use restock::store::{BoxError, RemovingStore};
use tokio::sync::Notify;

use crate::interference::{Interference, Moment};
use crate::met_store::MetStore;

/// A store that lets so many moments pass, and never answers from then on: as if the process that
/// asked it had been killed, once its future is dropped. An operation has two, before it was done
/// and after it was, before anybody is told.
pub(crate) struct Stopping {
    pub(crate) store: Arc<dyn RemovingStore>,
    gate: Arc<Gate>,
}

struct Gate {
    left: AtomicUsize,
    stopped: Notify,
}

#[async_trait]
impl Interference for Arc<Gate> {
    async fn meet(&self, _: Moment, _: &'static str) -> Result<(), BoxError> {
        let left = self.left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |n| n.checked_sub(1));
        if left.is_err() {
            self.stopped.notify_one();
            std::future::pending::<()>().await;
        }
        Ok(())
    }
}

impl Stopping {
    pub(crate) fn after(moments: usize, inner: &Arc<dyn RemovingStore>) -> Self {
        let gate = Arc::new(Gate { left: AtomicUsize::new(moments), stopped: Notify::new() });
        Self { store: Arc::new(MetStore::new(inner, Arc::clone(&gate))), gate }
    }

    /// Runs something until it ends, or until the store stops; `None` for the latter.
    pub(crate) async fn run<T>(&self, running: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            ended = running => Some(ended),
            () = self.gate.stopped.notified() => None,
        }
    }
}
