//! Reading: the only thing that proves an object right, or corrupt.

use std::sync::{Arc, Mutex, PoisonError};
use std::vec;

use bytes::Bytes;
use futures::stream::BoxStream;
use futures::{StreamExt, TryStreamExt};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::model::{Corruption, Digest, ObjectMeta, Record};
use crate::observe::{Event, Observer};
use crate::store::{Archived, Probe, Store, StoreError, StoreFault, hash};

use super::verdicts::{Corrupt, Unknown, Verdicts};
use super::{Context, Pace, Trouble};

/// Results that wait to be weighed before readers wait for them.
const RESULTS_AT_ONCE: usize = 64;

type Body = BoxStream<'static, Result<Bytes, StoreError>>;

/// What reading an object told.
enum Read {
    /// Its bytes, whole.
    Whole { digest: Digest, meta: ObjectMeta },
    /// It is not there.
    Absent,
    /// Nobody can say.
    Unknown(StoreError),
}

impl Context<'_> {
    /// Reads and hashes these objects; those that turn out to be absent go to `absent`, to be
    /// confirmed like any other suspicion.
    pub(super) async fn read_all(
        &self,
        records: Vec<Record>,
        verdicts: &mut Verdicts,
        absent: &mut Vec<Record>,
    ) -> Result<(), Trouble> {
        let layout = verdicts.collection.key.clone();
        let queue = Arc::new(Mutex::new(records.into_iter()));
        let (results, mut told) = mpsc::channel(RESULTS_AT_ONCE);
        // Tasks of their own, so that hashing uses every core. They end when the set is dropped.
        let mut readers = JoinSet::new();
        for _ in 0..self.auditor.settings.deep_concurrency.max(1) {
            let (queue, results, layout) = (Arc::clone(&queue), results.clone(), layout.clone());
            let store = Arc::clone(&self.auditor.store);
            let observer = Arc::clone(&self.auditor.observer);
            let pace = self.pace.clone();
            readers.spawn(async move {
                while let Some(record) = next(&queue) {
                    let key = layout.render(&record.digest);
                    let read = read(store.as_ref(), &key, observer.as_ref(), pace.clone()).await;
                    if results.send((record, key, read)).await.is_err() {
                        break;
                    }
                }
            });
        }
        drop(results);
        while let Some((record, key, read)) = told.recv().await {
            self.weigh(&record, &key, read, verdicts, absent).await?;
        }
        while let Some(ended) = readers.join_next().await {
            ended.map_err(|error| Trouble::Join(error.to_string()))?;
        }
        Ok(())
    }

    async fn weigh(
        &self,
        record: &Record,
        key: &str,
        read: Read,
        verdicts: &mut Verdicts,
        absent: &mut Vec<Record>,
    ) -> Result<(), Trouble> {
        let (observed, meta) = match read {
            Read::Absent => {
                verdicts.denied.insert(record.digest);
                absent.push(*record);
                return Ok(());
            }
            // Without its store an object is not unknown: the pass cannot go on.
            Read::Unknown(error) if error.fault == StoreFault::NoSuchStore => {
                return Err(Trouble::Listing(error));
            }
            Read::Unknown(error) => {
                self.unread(record, key, &error, verdicts).await;
                return Ok(());
            }
            Read::Whole { digest, meta } => (digest, meta),
        };
        verdicts.bytes_verified = verdicts.bytes_verified.saturating_add(meta.size);
        let standing = self.known.corruptions.get(key);
        if observed == record.digest {
            verdicts.add_present(record);
            verdicts.verified += 1;
            if record.size() != 0 && record.size() != meta.size {
                verdicts.size_mismatches.push((record.digest, meta.size));
            }
            if let Some(standing) = standing {
                self.unkept.note(self.auditor.ledger.clear_corruption(key).await);
                self.tell_right_again(standing);
            }
            return Ok(());
        }
        let corrupt = Corrupt {
            digest: record.digest,
            observed_digest: observed,
            meta: meta.clone(),
            read_now: true,
            found_at: self.started_at,
        };
        let corruption = corrupt.under(key.to_owned());
        self.unkept.note(self.auditor.ledger.put_corruption(&corruption).await);
        // What stands unhealed is read again in every cycle, and is not detected anew each time.
        if standing.is_none_or(|known| known.meta != meta) {
            self.auditor.observer.notice(&Event::Corrupted(&corruption));
        }
        verdicts.corrupt.push(corrupt);
        Ok(())
    }

    /// Somebody else put the right bytes there: with the corruption its last trace would go.
    fn tell_right_again(&self, was: &Corruption) {
        let line = format!(
            "{} was corrupt and is right again, but restock did not heal it: on {} its bytes had \
             digest {}",
            was.key,
            was.found_at.format("%Y-%m-%d %H:%M UTC"),
            was.observed_digest
        );
        self.auditor.observer.notice(&Event::Warning(&line));
    }
}

impl Context<'_> {
    /// What an object is whose bytes did not come. A corruption stands on, unless another version
    /// lies there now: of that one nobody knows anything.
    async fn unread(
        &self,
        record: &Record,
        key: &str,
        error: &StoreError,
        verdicts: &mut Verdicts,
    ) {
        if let Some(corruption) = self.known.corruptions.get(key) {
            match self.auditor.store.probe(key).await {
                Probe::Present(now) if now != corruption.meta => {}
                Probe::Present(_) | Probe::Absent | Probe::Unknown(_) => {
                    verdicts.corrupt.push(Corrupt::standing(corruption));
                    return;
                }
            }
        }
        let archived = self.auditor.settings.archived;
        if error.fault == StoreFault::Archived && archived == Archived::Present {
            verdicts.add_present(record);
        } else {
            verdicts.unknown.push(Unknown::because(record.digest, error));
        }
    }
}

fn next(queue: &Mutex<vec::IntoIter<Record>>) -> Option<Record> {
    queue.lock().unwrap_or_else(PoisonError::into_inner).next()
}

/// Reads one object to its end, no faster than `pace` allows.
async fn read(
    store: &dyn Store,
    key: &str,
    observer: &dyn Observer,
    pace: Option<Arc<Pace>>,
) -> Read {
    let read = async {
        let mut reading = store.read(key).await?;
        if let Some(pace) = pace {
            reading.body = paced(reading.body, pace);
        }
        hash(reading, key, |bytes| observer.notice(&Event::Verified { bytes, done: false })).await
    };
    match read.await {
        Ok((digest, meta)) => {
            observer.notice(&Event::Verified { bytes: 0, done: true });
            Read::Whole { digest, meta }
        }
        Err(error) if error.fault == StoreFault::NotFound => Read::Absent,
        Err(error) => Read::Unknown(error),
    }
}

fn paced(body: Body, pace: Arc<Pace>) -> Body {
    let paced = body.and_then(move |chunk| {
        let pace = Arc::clone(&pace);
        async move {
            pace.wait_for(chunk.len()).await;
            Ok(chunk)
        }
    });
    paced.boxed()
}
