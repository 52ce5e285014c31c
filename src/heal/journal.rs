//! Uploads under way, written to the ledger before their first part.

use std::sync::Arc;

use async_trait::async_trait;

use crate::clock::Clock;
use crate::ledger::Ledger;
use crate::model::Upload;
use crate::store::{BoxError, UploadJournal};

/// The ledger as a journal of uploads.
pub struct Journal {
    /// Where they are written down.
    pub ledger: Arc<dyn Ledger>,
    /// The time of day.
    pub clock: Arc<dyn Clock>,
}

#[async_trait]
impl UploadJournal for Journal {
    async fn begun(&self, upload: &Upload) -> Result<(), BoxError> {
        Ok(self.ledger.upload_begun(upload, self.clock.now()).await?)
    }

    async fn ended(&self, upload: &Upload) -> Result<(), BoxError> {
        Ok(self.ledger.upload_ended(upload).await?)
    }
}
