//! Writes with a checksum beside them, and without where a server refuses that.

use std::sync::atomic::{AtomicBool, Ordering};

use object_store::aws::AmazonS3;
use object_store::multipart::{MultipartStore, PartId};
use object_store::path::Path;
use object_store::{ObjectStore, PutMode, PutPayload, PutResult};

use super::build::Clients;
use super::faults;
use super::sending::PAYLOAD;

/// What there is where a server refuses checksums. Bytes are proven by their digest in any case.
#[derive(Debug, Default)]
pub(super) struct Checksums {
    /// A client that sends none; `None` where no client does.
    plain: Option<AmazonS3>,
    /// Whether the server took without what it had refused with.
    refused: AtomicBool,
}

impl Checksums {
    pub(super) fn or(plain: AmazonS3) -> Self {
        Self { plain: Some(plain), refused: AtomicBool::new(false) }
    }
}

impl Clients {
    /// The client that writes, and the one to try where that is refused.
    fn writers(&self) -> (&AmazonS3, Option<&AmazonS3>) {
        match &self.checksums.plain {
            Some(plain) if self.checksums.refused.load(Ordering::Relaxed) => (plain, None),
            plain => (&self.writes, plain.as_ref()),
        }
    }

    /// Remembers that what was refused with a checksum was taken without.
    fn without<T>(&self, answer: object_store::Result<T>) -> object_store::Result<T> {
        if answer.is_ok() && !self.checksums.refused.swap(true, Ordering::Relaxed) {
            tracing::warn!(
                "{} refuses checksums beside uploads: none are sent any more \
                 (aws_checksum_algorithm = \"none\" in [store.options] says so from the start)",
                self.at.endpoint
            );
        }
        answer
    }

    /// Sends an object in one request.
    pub(super) async fn put(
        &self,
        path: &Path,
        payload: &PutPayload,
        mode: PutMode,
    ) -> object_store::Result<()> {
        let (client, plain) = self.writers();
        let answer = match (put(client, path, payload, mode.clone()).await, plain) {
            (Err(error), Some(plain)) if faults::may_be_the_checksum(&error) => {
                self.without(put(plain, path, payload, mode).await)
            }
            (answer, _) => answer,
        };
        answer.map(|_| ())
    }

    /// Begins a multipart upload.
    pub(super) async fn begin(&self, path: &Path) -> object_store::Result<String> {
        let (client, plain) = self.writers();
        match (client.create_multipart(path).await, plain) {
            (Err(error), Some(plain)) if faults::may_be_the_checksum(&error) => {
                self.without(plain.create_multipart(path).await)
            }
            (answer, _) => answer,
        }
    }

    /// Sends a part of it.
    pub(super) async fn put_part(
        &self,
        path: &Path,
        id: &String,
        index: usize,
        part: &PutPayload,
    ) -> object_store::Result<PartId> {
        let (client, plain) = self.writers();
        match (put_part(client, path, id, index, part).await, plain) {
            (Err(error), Some(plain)) if faults::may_be_the_checksum(&error) => {
                self.without(put_part(plain, path, id, index, part).await)
            }
            (answer, _) => answer,
        }
    }
}

async fn put(
    client: &AmazonS3,
    path: &Path,
    payload: &PutPayload,
    mode: PutMode,
) -> object_store::Result<PutResult> {
    let put = client.put_opts(path, payload.clone(), mode.into());
    PAYLOAD.scope(payload.clone(), put).await
}

async fn put_part(
    client: &AmazonS3,
    path: &Path,
    id: &String,
    index: usize,
    part: &PutPayload,
) -> object_store::Result<PartId> {
    let put = client.put_part(path, id, index, part.clone());
    PAYLOAD.scope(part.clone(), put).await
}
