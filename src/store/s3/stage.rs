//! Uploads that nobody sees before they are published: one conditional PUT for what fits into a
//! part, a multipart upload for what does not.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use futures::StreamExt;
use object_store::multipart::{MultipartStore, PartId};
use object_store::path::Path;
use object_store::{PutMode, UpdateVersion};
use tokio::task::JoinSet;

use super::sending::Blocks;
use super::{Bucket, faults, read};
use crate::model::Upload;
use crate::store::{BoxError, Condition, Staged, StoreError, StoreFault, UploadJournal};

/// Bytes of a part. Three of them are in memory at most: one fills, two travel.
const PART_BYTES: usize = 8 << 20;
/// S3 takes no more parts than that.
const PARTS_MAX: u64 = 10_000;
const PARTS_IN_FLIGHT: usize = 2;

/// An upload of one object.
pub(super) struct StagedUpload {
    bucket: Arc<Bucket>,
    key: String,
    path: Path,
    journal: Arc<dyn UploadJournal>,
    part_bytes: usize,
    buffer: Blocks,
    multipart: Option<Multipart>,
}

/// What an upload becomes once it outgrows its first part.
struct Multipart {
    upload: Upload,
    sent: usize,
    in_flight: JoinSet<(usize, object_store::Result<PartId>)>,
    done: Vec<(usize, PartId)>,
}

impl StagedUpload {
    /// An upload of which nothing is sent yet.
    pub(super) fn new(
        bucket: Arc<Bucket>,
        key: &str,
        size: Option<u64>,
        journal: Arc<dyn UploadJournal>,
    ) -> Result<Self, StoreError> {
        let path = bucket.path(key)?;
        Ok(Self {
            bucket,
            key: key.to_owned(),
            path,
            journal,
            part_bytes: part_bytes(size),
            buffer: Blocks::default(),
            multipart: None,
        })
    }

    fn error(&self, error: &object_store::Error) -> StoreError {
        self.bucket.error(self.action(), error)
    }

    fn action(&self) -> String {
        format!("upload {}", self.key)
    }

    fn journal_error(&self, source: BoxError) -> StoreError {
        StoreError {
            fault: StoreFault::Other,
            action: self.action(),
            hint: Some("the ledger did not take down the upload".to_owned()),
            source: Some(source),
        }
    }

    /// Begins the multipart upload: its id is in the journal before any part leaves.
    async fn begin(&mut self) -> Result<Multipart, StoreError> {
        let clients = &self.bucket.clients;
        let id = clients.begin(&self.path).await.map_err(|e| self.error(&e))?;
        let upload = Upload { key: self.key.clone(), id };
        if let Err(error) = self.journal.begun(&upload).await {
            let error = self.journal_error(error);
            // Nobody else will ever know its id. The error that counts is the journal's.
            return match clients.writes.abort_multipart(&self.path, &upload.id).await {
                Ok(()) => Err(error),
                Err(also) => Err(StoreError {
                    hint: Some(format!("and an empty upload of it stays behind: {also}")),
                    ..error
                }),
            };
        }
        Ok(Multipart { upload, sent: 0, in_flight: JoinSet::new(), done: Vec::new() })
    }

    /// Sends what is buffered as the next part, once no more than one other part travels.
    async fn send_part(&mut self) -> Result<(), StoreError> {
        let mut multipart = match self.multipart.take() {
            Some(multipart) => multipart,
            None => self.begin().await?,
        };
        while multipart.in_flight.len() >= PARTS_IN_FLIGHT {
            let collected = multipart.collect_one().await;
            if let Err(error) = collected {
                self.multipart = Some(multipart);
                return Err(error.into_store(self));
            }
        }
        let (index, part) = (multipart.sent, self.buffer.take());
        let (bucket, path) = (Arc::clone(&self.bucket), self.path.clone());
        let id = multipart.upload.id.clone();
        multipart.sent += 1;
        multipart
            .in_flight
            .spawn(async move { (index, bucket.clients.put_part(&path, &id, index, &part).await) });
        self.multipart = Some(multipart);
        Ok(())
    }

    async fn put(&mut self, condition: Condition) -> Result<(), StoreError> {
        let payload = self.buffer.take();
        let mode = match &condition {
            Condition::Absent => PutMode::Create,
            Condition::Replaces(meta) => match meta.etag.clone() {
                Some(etag) => PutMode::Update(UpdateVersion { e_tag: Some(etag), version: None }),
                None => PutMode::Overwrite,
            },
        };
        let clients = &self.bucket.clients;
        let mut answer = clients.put(&self.path, &payload, mode.clone()).await;
        if mode != PutMode::Overwrite
            && let Err(error) = &answer
            && self.goes_without(error, &condition).await
        {
            answer = clients.put(&self.path, &payload, PutMode::Overwrite).await;
        }
        answer.map_err(|error| self.error(&error))
    }

    /// Whether to write without the condition: the server does not know it, or says that it does not
    /// hold, and another look shows that nothing changed.
    async fn goes_without(&self, error: &object_store::Error, condition: &Condition) -> bool {
        if !faults::is_unmet_condition(error) {
            return faults::is_not_implemented(error);
        }
        match (self.bucket.head(&self.key).await, condition) {
            (Err(now), Condition::Absent) => now.fault == StoreFault::NotFound,
            (Ok(now), Condition::Replaces(meta)) => {
                now.etag.is_some() && (&now.etag, now.size) == (&meta.etag, meta.size)
            }
            (Ok(_), Condition::Absent) | (Err(_), Condition::Replaces(_)) => false,
        }
    }

    async fn complete(&self, multipart: Multipart, condition: Condition) -> Result<(), StoreError> {
        let Multipart { upload, mut done, .. } = multipart;
        done.sort_by_key(|(index, _)| *index);
        let parts: Vec<PartId> = done.into_iter().map(|(_, part)| part).collect();
        let (path, id) = (&self.path, &upload.id);
        let clients = &self.bucket.clients;
        let client = match &condition {
            Condition::Absent => &clients.creates,
            Condition::Replaces(_) => &clients.writes,
        };
        let mut answer = client.complete_multipart(path, id, parts.clone()).await;
        if condition == Condition::Absent
            && let Err(error) = &answer
            && self.goes_without(error, &condition).await
        {
            answer = clients.writes.complete_multipart(path, id, parts).await;
        }
        match answer {
            // The object is there. An entry that stays in the journal is swept later, and the
            // sweep of an upload that is complete finds nothing to throw away.
            Ok(_) => self.journal.ended(&upload).await.map_err(|e| self.journal_error(e)),
            Err(error) => {
                let error = self.error(&error);
                if error.fault == StoreFault::Conflict {
                    // Nothing was published: the parts have no more use.
                    self.abort(&upload).await?;
                }
                Err(error)
            }
        }
    }

    async fn abort(&self, upload: &Upload) -> Result<(), StoreError> {
        let aborted = self.bucket.clients.writes.abort_multipart(&self.path, &upload.id).await;
        if let Err(error) = aborted {
            let error = self.error(&error);
            if error.fault != StoreFault::NotFound {
                return Err(error);
            }
        }
        self.journal.ended(upload).await.map_err(|error| self.journal_error(error))
    }
}

#[async_trait]
impl Staged for StagedUpload {
    async fn write(&mut self, bytes: Bytes) -> Result<(), StoreError> {
        let mut rest = bytes;
        while !rest.is_empty() {
            if self.buffer.len() >= self.part_bytes {
                self.send_part().await?;
            }
            let room = self.part_bytes.saturating_sub(self.buffer.len());
            let piece = rest.split_to(room.min(rest.len()));
            self.buffer.extend(&piece);
        }
        Ok(())
    }

    async fn seal(&mut self) -> Result<(), StoreError> {
        if self.multipart.is_some() && self.buffer.len() > 0 {
            self.send_part().await?;
        }
        let Some(mut multipart) = self.multipart.take() else { return Ok(()) };
        let mut outcome = Ok(());
        while !multipart.in_flight.is_empty() && outcome.is_ok() {
            outcome = multipart.collect_one().await;
        }
        self.multipart = Some(multipart);
        outcome.map_err(|error| error.into_store(self))
    }

    async fn publish(mut self: Box<Self>, condition: Condition) -> Result<(), StoreError> {
        if let Err(error) = self.seal().await {
            self.discard().await?;
            return Err(error);
        }
        match self.multipart.take() {
            Some(multipart) => self.complete(multipart, condition).await,
            None => self.put(condition).await,
        }
    }

    async fn discard(mut self: Box<Self>) -> Result<(), StoreError> {
        let Some(mut multipart) = self.multipart.take() else { return Ok(()) };
        // A part that arrives after the abort would stay behind.
        multipart.in_flight.shutdown().await;
        self.abort(&multipart.upload).await
    }
}

enum PartError {
    Store(object_store::Error),
    Task(tokio::task::JoinError),
}

impl PartError {
    fn into_store(self, staged: &StagedUpload) -> StoreError {
        match self {
            Self::Store(error) => staged.error(&error),
            Self::Task(error) => StoreError {
                fault: StoreFault::Other,
                action: staged.action(),
                hint: None,
                source: Some(Box::new(error)),
            },
        }
    }
}

impl Multipart {
    async fn collect_one(&mut self) -> Result<(), PartError> {
        match self.in_flight.join_next().await {
            None => Ok(()),
            Some(Ok((index, Ok(part)))) => {
                self.done.push((index, part));
                Ok(())
            }
            Some(Ok((_, Err(error)))) => Err(PartError::Store(error)),
            Some(Err(error)) => Err(PartError::Task(error)),
        }
    }
}

/// Bytes of a part, so that an object of this size has no more parts than S3 takes.
fn part_bytes(size: Option<u64>) -> usize {
    let needed = size.unwrap_or(0).div_ceil(PARTS_MAX).div_ceil(1 << 20) << 20;
    usize::try_from(needed).unwrap_or(PART_BYTES).max(PART_BYTES)
}

/// Copies by reading and uploading. A crash leaves parts behind under the target's key that no
/// ledger knows: a bucket's rule for incomplete uploads takes them away.
pub(super) async fn copy_in_parts(
    bucket: &Arc<Bucket>,
    key: &str,
    to: &str,
    size: u64,
) -> Result<(), StoreError> {
    let mut reading = read::read(Arc::clone(bucket), key).await?;
    let mut staged =
        Box::new(StagedUpload::new(Arc::clone(bucket), to, Some(size), Arc::new(NoJournal))?);
    while let Some(chunk) = reading.body.next().await {
        let written = match chunk {
            Ok(chunk) => staged.write(chunk).await,
            Err(error) => Err(error),
        };
        if let Err(error) = written {
            staged.discard().await?;
            return Err(error);
        }
    }
    // Whatever an earlier attempt of the same pass left there is replaced.
    staged.publish(Condition::Replaces(crate::model::ObjectMeta::default())).await
}

struct NoJournal;

#[async_trait]
impl UploadJournal for NoJournal {
    async fn begun(&self, _: &Upload) -> Result<(), BoxError> {
        Ok(())
    }

    async fn ended(&self, _: &Upload) -> Result<(), BoxError> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_object_has_more_parts_than_s3_takes() {
        assert_eq!(part_bytes(None), PART_BYTES);
        assert_eq!(part_bytes(Some(0)), PART_BYTES);
        for size in [1 << 30, 80 << 30, 100 << 30, 5 << 40] {
            let part = u64::try_from(part_bytes(Some(size))).unwrap();
            assert!(size.div_ceil(part) <= PARTS_MAX, "{size}");
        }
    }
}
