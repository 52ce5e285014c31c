//! A ledger in memory for tests: it answers as the ledgers on disk and on servers do, at once and
//! without a thread, a clock or a file. Values are kept as they are, save that times which the
//! others keep as JSON lose what is below a millisecond here too.

#![allow(dead_code, reason = "each test takes some of it")]

mod findings;
mod passes;
mod port;
mod state;

use std::sync::{Arc, Mutex, MutexGuard};

use restock::ledger::{Fence, LeaseLost, LedgerError, Page};
use restock::store::BoxError;

use crate::interference::{Interference, Moment};
use state::State;

type Result<T> = std::result::Result<T, LedgerError>;

/// What a step gives, before the error is given its ledger and action.
type Stored<T> = std::result::Result<T, BoxError>;

/// The ledger of one store. Clones share what is in it, so it outlives whoever holds one of them.
#[derive(Clone, Default)]
pub(crate) struct MemoryLedger {
    state: Arc<Mutex<State>>,
    interference: Option<Arc<dyn Interference>>,
    fence: Option<Fence>,
}

impl MemoryLedger {
    /// An empty ledger.
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// The same ledger for somebody whose operations are interfered with; those of other clones
    /// are not.
    pub(crate) fn met_by(&self, interference: impl Interference + 'static) -> Self {
        Self { interference: Some(Arc::new(interference)), ..self.clone() }
    }

    /// Gives the lock to this holder. Whoever is fenced by an earlier fence writes no more.
    pub(crate) fn take_over(&self, holder: &str) -> Fence {
        self.state().take_over(holder)
    }

    /// Frees the lock, if it is still held under this fence.
    pub(crate) fn give_back(&self, fence: &Fence) {
        self.state().give_back(fence);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    async fn meet(&self, moment: Moment, action: &'static str) -> Result<()> {
        let Some(interference) = &self.interference else { return Ok(()) };
        told(action, interference.meet(moment, action).await)
    }

    /// A method that reads in one step.
    async fn look<T: Send>(
        &self,
        action: &'static str,
        work: impl FnOnce(&State) -> T + Send,
    ) -> Result<T> {
        self.meet(Moment::Before, action).await?;
        let found = work(&self.state());
        self.meet(Moment::After, action).await?;
        Ok(found)
    }

    /// A method that writes in one step.
    async fn change<T: Send>(
        &self,
        action: &'static str,
        work: impl FnOnce(&mut State) -> Stored<T> + Send,
    ) -> Result<T> {
        self.meet(Moment::Before, action).await?;
        let done = self.transact(action, work)?;
        self.meet(Moment::After, action).await?;
        Ok(done)
    }

    /// A step that writes, unless another holder has taken over.
    fn transact<T>(
        &self,
        action: &'static str,
        work: impl FnOnce(&mut State) -> Stored<T>,
    ) -> Result<T> {
        let mut state = self.state();
        let may_write = self.fence.as_ref().is_none_or(|fence| state.is_held_under(fence));
        told(action, if may_write { work(&mut state) } else { Err(LeaseLost.into()) })
    }
}

fn told<T>(action: &'static str, done: Stored<T>) -> Result<T> {
    done.map_err(|source| LedgerError { ledger: "memory".to_owned(), action, source })
}

/// A page of at most `limit` of these items, each of which comes with its cursor.
fn page_of<T, C>(items: impl Iterator<Item = (T, C)>, limit: u32) -> Page<T, C> {
    let limit = usize::try_from(limit).unwrap();
    let mut items: Vec<_> = items.take(limit.saturating_add(1)).collect();
    let has_more = items.len() > limit;
    items.truncate(limit);
    let (items, mut cursors): (Vec<T>, Vec<C>) = items.into_iter().unzip();
    Page { items, next: cursors.pop().filter(|_| has_more) }
}
