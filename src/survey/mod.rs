//! Whether each object could be had again today: its sources are asked in turn, until one of them
//! offers the bytes. Nothing is downloaded, nothing is written down, and no offer proves anything.
//!
//! The catalog is read once and at full speed; only then is anybody asked. What this holds in
//! memory grows with what cannot be had, and not with what can.

mod ask;
mod hosts;
mod outcome;
mod parts;

use std::collections::HashMap;
use std::sync::Arc;

use futures::stream::{self, StreamExt, TryStreamExt};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::catalog::{Catalog, CatalogError};
use crate::clock::Clock;
use crate::model::{Collection, Digest};
use crate::observe::{Event, Observer};
use crate::source::Source;

use ask::Asker;
use hosts::Hosts;
use parts::{Parts, Wanted};

pub use outcome::{Availability, Surveyed, Totals};
pub use parts::PartsError;

/// Objects that are asked about at once; how many of them one host sees is another limit.
const AT_ONCE: usize = 64;

/// Row references that are told of an object, as in findings.
const REFS_TOLD: usize = 20;

/// One part of the objects of a collection.
type Objects = Result<Vec<Wanted>, PartsError>;

/// How sources are surveyed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SurveyOptions {
    /// How often one source is asked, where what keeps it from answering may pass.
    pub tries: u32,
    /// Requests at once to one host.
    pub per_host: usize,
    /// Larger objects cannot be healed, in bytes.
    pub max_object_size: u64,
    /// Rows in memory before they are spilled to temporary files, in bytes.
    pub memory_bytes: usize,
}

/// What ends a survey as a whole; the trouble of one source never does.
#[derive(Debug, thiserror::Error)]
pub enum SurveyError {
    /// The catalog could not be read.
    #[error("cannot survey the sources")]
    Catalog(#[from] CatalogError),
    /// The rows could not be kept until it was their turn.
    #[error("cannot survey the sources")]
    Parts(#[from] PartsError),
    /// Nobody wants to hear what was found any more.
    #[error("nobody hears what was found")]
    Unheard,
    /// It was told to end.
    #[error("the survey was told to end before it was done")]
    Cancelled,
}

/// Everything that a survey needs. Nothing in it can write.
pub struct Surveyor {
    /// What should exist, and where it can be had again.
    pub catalog: Arc<dyn Catalog>,
    /// Who is asked.
    pub source: Arc<dyn Source>,
    /// The time of day.
    pub clock: Arc<dyn Clock>,
    /// Who is told how far it is.
    pub observer: Arc<dyn Observer>,
    /// How it is done.
    pub options: SurveyOptions,
    /// Set to end early.
    pub cancel: CancellationToken,
}

impl Surveyor {
    /// Asks for every object of these collections (all of them where none is named), and hands on
    /// what is found. Of each collection, objects that can be had come first, by digest, then those
    /// that cannot.
    pub async fn survey(
        &self,
        collections: &[String],
        found: mpsc::Sender<Surveyed>,
    ) -> Result<Totals, SurveyError> {
        let mut totals = Totals::begin(self.clock.now());
        let hosts = Hosts::new(self.options.per_host);
        for collection in self.catalog.collections() {
            if !collections.is_empty() && !collections.contains(&collection.name) {
                continue;
            }
            let surveyed = self.survey_one(collection, &hosts, &mut totals, &found);
            tokio::select! {
                () = self.cancel.cancelled() => return Err(SurveyError::Cancelled),
                surveyed = surveyed => surveyed?,
            }
        }
        totals.end(self.clock.now());
        Ok(totals)
    }

    async fn survey_one(
        &self,
        collection: &Collection,
        hosts: &Hosts,
        totals: &mut Totals,
        found: &mpsc::Sender<Surveyed>,
    ) -> Result<(), SurveyError> {
        let (parts, malformed) = self.scan(collection).await?;
        totals.invalid_records += malformed;
        self.phase("asking sources");
        let asker = Asker { source: self.source.as_ref(), hosts, options: &self.options };
        let objects = stream::iter(parts).flat_map(|part| {
            let (objects, failure) = match part {
                Ok(objects) => (objects, None),
                Err(error) => (Vec::new(), Some(Err(error))),
            };
            stream::iter(objects.into_iter().map(Ok).chain(failure))
        });
        let asker = &asker;
        let mut surveyed = objects
            .map(|wanted: Result<Wanted, PartsError>| async move {
                Ok::<_, SurveyError>(asker.ask(collection, &wanted?).await)
            })
            .buffered(AT_ONCE);
        let mut lost: Vec<Surveyed> = Vec::new();
        while let Some(one) = surveyed.try_next().await? {
            self.observer.notice(&Event::Confirmed(1));
            totals.add(one.result);
            if one.result == Availability::Available {
                found.send(one).await.map_err(|_| SurveyError::Unheard)?;
            } else {
                lost.push(one);
            }
        }
        self.name(collection, &mut lost).await?;
        for one in lost {
            found.send(one).await.map_err(|_| SurveyError::Unheard)?;
        }
        Ok(())
    }

    /// The rows of a collection, read once, ready to be taken object by object; and how many of
    /// them have no digest.
    async fn scan(
        &self,
        collection: &Collection,
    ) -> Result<(impl Iterator<Item = Objects> + Send + use<>, u64), SurveyError> {
        self.phase("reading the catalog");
        let mut parts = Parts::within(self.options.memory_bytes);
        let mut malformed = 0;
        let mut batches = self.catalog.scan(collection);
        while let Some(batch) = batches.try_next().await? {
            self.observer.notice(&Event::Rows(u64::try_from(batch.len()).unwrap_or(u64::MAX)));
            for row in batch {
                malformed += u64::from(row.is_unreadable);
                if let Some(digest) = row.digest {
                    parts.push(digest, row.size, row.sources)?;
                }
            }
        }
        Ok((parts.finish()?, malformed))
    }

    /// Names and rows of what cannot be had, so that people know it and can mend it.
    async fn name(
        &self,
        collection: &Collection,
        lost: &mut [Surveyed],
    ) -> Result<(), SurveyError> {
        if lost.is_empty() {
            return Ok(());
        }
        let digests: Vec<Digest> = lost.iter().map(|one| one.digest).collect();
        let mut rows: HashMap<Digest, Vec<_>> = HashMap::new();
        for row in self.catalog.rows(collection, &digests).await? {
            rows.entry(row.digest).or_default().push((row.name, row.reference));
        }
        for one in lost {
            let (mut names, mut refs): (Vec<_>, Vec<_>) =
                rows.remove(&one.digest).unwrap_or_default().into_iter().unzip();
            names.sort();
            names.dedup();
            refs.sort();
            refs.dedup();
            one.names = names.into_iter().flatten().collect();
            one.refs = refs.into_iter().flatten().take(REFS_TOLD).collect();
        }
        Ok(())
    }

    fn phase(&self, name: &'static str) {
        self.observer.notice(&Event::Phase { name, total_objects: None, total_bytes: None });
    }
}
