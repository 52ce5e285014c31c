//! Reads an object; all bytes are of one version, and all of them come, or the stream says so.

use std::sync::Arc;

use bytes::Bytes;
use futures::StreamExt;
use futures::stream::{self, BoxStream};
use object_store::ObjectStoreExt;

use super::{Bucket, meta};
use crate::store::{Reading, StoreError, StoreFault};

/// Starts a GET.
pub(super) async fn read(bucket: Arc<Bucket>, key: &str) -> Result<Reading, StoreError> {
    let path = bucket.path(key)?;
    let answer = bucket.clients.reads.get(&path).await;
    let answer = answer.map_err(|error| bucket.error(format!("read {key}"), &error))?;
    let meta = meta(answer.meta.clone());
    let body = Body { bucket, key: key.to_owned(), chunks: answer.into_stream(), left: meta.size };
    let body = stream::try_unfold(body, Body::next).boxed();
    Ok(Reading { meta, body })
}

struct Body {
    bucket: Arc<Bucket>,
    key: String,
    chunks: BoxStream<'static, object_store::Result<Bytes>>,
    /// Bytes that were announced and have not come.
    left: u64,
}

impl Body {
    async fn next(mut self) -> Result<Option<(Bytes, Self)>, StoreError> {
        let Some(chunk) = self.chunks.next().await else {
            return if self.left == 0 { Ok(None) } else { Err(self.unequal("ended early")) };
        };
        // `object_store` resumes a broken body with a Range, and only of the same ETag.
        let chunk =
            chunk.map_err(|error| self.bucket.error(format!("read {}", self.key), &error))?;
        let length = u64::try_from(chunk.len()).unwrap_or(u64::MAX);
        let Some(left) = self.left.checked_sub(length) else {
            return Err(self.unequal("goes on after its end"));
        };
        self.left = left;
        Ok(Some((chunk, self)))
    }

    fn unequal(&self, what: &str) -> StoreError {
        StoreError {
            fault: StoreFault::Malformed,
            action: format!("read {}", self.key),
            hint: Some(format!("the body {what}: its length is not the one announced")),
            source: None,
        }
    }
}
