//! Takes an object away, if it is still the version that a person decided on.

use std::sync::Arc;

use http::HeaderValue;
use object_store::ObjectStoreExt;

use super::answers::ONLY_IF_MATCH;
use super::{Bucket, faults};
use crate::model::ObjectMeta;
use crate::store::{StoreError, StoreFault};

/// Looks again, and deletes. The request carries the version's tag as a condition, which not every
/// server heeds, and is sent once: a second one might meet what somebody wrote in between.
pub(super) async fn remove(
    bucket: &Arc<Bucket>,
    key: &str,
    version: &ObjectMeta,
) -> Result<(), StoreError> {
    let path = bucket.path(key)?;
    let now = bucket.head(key).await?;
    if now != *version {
        return Err(StoreError {
            fault: StoreFault::Conflict,
            action: format!("remove {key}"),
            hint: Some("it is not the version that was looked at".to_owned()),
            source: None,
        });
    }
    let removes = &bucket.clients.removes;
    let tag = version.etag.as_deref().and_then(|etag| HeaderValue::from_str(etag).ok());
    let answer = match tag {
        Some(tag) => match ONLY_IF_MATCH.scope(tag, removes.delete(&path)).await {
            Err(error) if faults::is_not_implemented(&error) => removes.delete(&path).await,
            answer => answer,
        },
        None => removes.delete(&path).await,
    };
    answer.map_err(|error| bucket.error(format!("remove {key}"), &error))
}

#[cfg(test)]
#[path = "remove_tests.rs"]
mod tests;
