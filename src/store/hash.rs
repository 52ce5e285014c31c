//! Reading an object to its end: the only thing that proves its bytes.

use futures::TryStreamExt;
use sha2::{Digest as _, Sha256};

use crate::model::{Digest, ObjectMeta};

use super::{Reading, StoreError, StoreFault};

/// Reads and hashes; `told` hears of the bytes of each chunk. Fewer or more bytes than the store
/// said prove nothing.
pub async fn hash(
    reading: Reading,
    key: &str,
    mut told: impl FnMut(u64),
) -> Result<(Digest, ObjectMeta), StoreError> {
    let Reading { meta, mut body } = reading;
    let (mut hasher, mut length) = (Sha256::new(), 0_u64);
    while let Some(chunk) = body.try_next().await? {
        hasher.update(&chunk);
        let bytes = u64::try_from(chunk.len()).unwrap_or(u64::MAX);
        length = length.saturating_add(bytes);
        told(bytes);
    }
    if length != meta.size {
        return Err(StoreError {
            fault: StoreFault::Malformed,
            action: format!("read {key}"),
            hint: Some(format!("{} bytes were said and {length} came", meta.size)),
            source: None,
        });
    }
    Ok((Digest::new(hasher.finalize().into()), meta))
}
