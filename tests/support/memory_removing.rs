//! What the store in memory does on a person's word.

#![allow(dead_code, reason = "each test takes some of it")]

use async_trait::async_trait;
use restock::model::ObjectMeta;
use restock::store::{RemovingStore, StoreError, StoreFault};

use super::{Change, MemoryStore, Operation, absent, error};

impl MemoryStore {
    /// Runs once, right after an object was to be removed.
    pub(crate) fn after_removal(&self, hook: impl FnOnce(&Self) + Send + 'static) {
        self.state().after_removal = Some(Box::new(hook));
    }

    async fn take_away(&self, key: &str, version: &ObjectMeta) -> Result<(), StoreError> {
        self.meet(Operation::Remove, key).await?;
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
        let hook = self.state().after_removal.take();
        if let Some(hook) = hook {
            hook(self);
        }
        removed
    }
}
