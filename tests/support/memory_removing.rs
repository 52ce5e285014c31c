//! What the store in memory does on a person's word.

#![allow(dead_code, reason = "each test takes some of it")]

use async_trait::async_trait;
use restock::model::ObjectMeta;
use restock::store::{RemovingStore, StoreError, StoreFault};

use super::{Change, MemoryStore, Moment, Operation, absent, error};

impl MemoryStore {
    /// The next removal is answered as if it had been done, and nothing goes.
    pub(crate) fn keep_next_removed(&self) {
        self.state().odd.keeps_next_removed = true;
    }

    async fn take_away(&self, key: &str, version: &ObjectMeta) -> Result<(), StoreError> {
        self.meet(Operation::Remove, key).await?;
        if std::mem::take(&mut self.state().odd.keeps_next_removed) {
            return Ok(());
        }
        {
            let mut state = self.state();
            let now = state.objects.get(key).map(|(_, meta)| meta.clone());
            let now = now.ok_or_else(|| absent(Operation::Remove, key))?;
            if now != *version {
                return Err(error(StoreFault::Conflict, Operation::Remove, key));
            }
            state.requests.put += 1;
            state.set(key, None);
            state.changes.push(Change::Removed(key.to_owned()));
        }
        self.meet(Operation::RemoveAnswer, key).await
    }
}

#[async_trait]
impl RemovingStore for MemoryStore {
    async fn remove(&self, key: &str, version: &ObjectMeta) -> Result<(), StoreError> {
        let removed = self.take_away(key, version).await;
        self.run_hook(Moment::After, Operation::Remove);
        removed
    }
}
