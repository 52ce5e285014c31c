//! What the store in memory does on a person's word.

use async_trait::async_trait;
use restock::model::ObjectMeta;
use restock::store::{RemovingStore, StoreError, StoreFault};

use super::{Change, MemoryStore, Operation, absent, error};

#[async_trait]
impl RemovingStore for MemoryStore {
    async fn remove(&self, key: &str, version: &ObjectMeta) -> Result<(), StoreError> {
        self.fault(Operation::Remove, key)?;
        {
            let mut state = self.state();
            let now = state.objects.get(key).map(|(_, meta)| meta.clone());
            let now = now.ok_or_else(|| absent(Operation::Remove, key))?;
            if now != *version {
                return Err(error(StoreFault::Conflict, Operation::Remove, key));
            }
            state.requests.put += 1;
            state.objects.remove(key);
            state.changes.push(Change::Removed(key.to_owned()));
        }
        self.fault(Operation::RemoveAnswer, key)
    }
}
