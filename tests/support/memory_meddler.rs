//! [`Meddler`]: who may step in whenever a store in memory is asked something.

#![allow(dead_code, reason = "each test takes some of it")]

use async_trait::async_trait;
use restock::model::ObjectMeta;
use restock::store::{ListedPage, StoreFault};

use super::Operation;

/// When somebody steps in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Moment {
    /// Nothing was done yet.
    Before,
    /// It is done, and the answer has not come.
    After,
}

/// Delays, fails and falsifies what a store does.
#[async_trait]
pub(crate) trait Meddler: Send + Sync {
    /// An error is answered in place of what would be.
    async fn meet(&self, moment: Moment, operation: Operation, key: &str)
    -> Result<(), StoreFault>;

    /// Whether the store calls this completion done, and leaves everything as it is.
    fn swallows(&self, key: &str) -> bool;

    /// What a listing tells in place of these pages, which are true.
    fn retell(&self, prefix: &str, pages: Vec<ListedPage>) -> Vec<Result<ListedPage, StoreFault>>;

    /// What a probe tells in place of the truth.
    fn probed(&self, key: &str, truth: Option<ObjectMeta>) -> Option<ObjectMeta>;
}
