//! Statements from beginning to end: as a stream of batches, or collected.

use futures::stream::{self, BoxStream, StreamExt};
use sqlx::sqlite::SqliteRow;
use tokio::sync::mpsc;
use tokio_util::task::AbortOnDropHandle;

use super::error::Said;
use super::session::{CatalogFile, Question};
use crate::catalog::CatalogError;

/// Batches on their way to a listener.
const BATCHES_AHEAD: usize = 2;

/// How often a statement is run where the file is written while it is read without locks.
const TRIES: u32 = 3;

/// Why a statement was not read to its end.
pub(super) enum Failure {
    /// The catalog could not be opened.
    Opening(CatalogError),
    /// The database said so.
    Reading(Said),
}

impl From<Said> for Failure {
    fn from(said: Said) -> Self {
        Self::Reading(said)
    }
}

impl Failure {
    /// The failure as one of reading a collection.
    pub(super) fn of_collection(self, collection: &str) -> CatalogError {
        match self {
            Self::Opening(error) => error,
            Self::Reading(said) => CatalogError::Read {
                collection: collection.to_owned(),
                source: Box::new(said.with_hint()),
            },
        }
    }

    /// The failure as one of the catalog itself.
    pub(super) fn of_file(self, file: &CatalogFile) -> CatalogError {
        match self {
            Self::Opening(error) => error,
            Self::Reading(said) => file.cannot_open(said),
        }
    }
}

/// Streams what `decode` makes of a statement's rows, each with its weight in bytes. `at_end` is
/// called when all rows were read and the file is shown to have stood still, and not otherwise.
pub(super) fn batches<T: Send + 'static>(
    file: CatalogFile,
    question: Question,
    decode: impl FnMut(&SqliteRow) -> Option<(T, usize)> + Send + 'static,
    at_end: impl FnOnce() + Send + 'static,
) -> BoxStream<'static, Result<Vec<T>, Failure>> {
    let (listener, heard) = mpsc::channel(BATCHES_AHEAD);
    // The connection lives in a task of its own, so that the stream borrows nothing. Dropping the
    // stream ends the task.
    let task = AbortOnDropHandle::new(tokio::spawn(async move {
        let mut session = file.open().await.map_err(Failure::Opening)?;
        session.read(question, decode, &listener).await?;
        session.finish().await?;
        at_end();
        Ok::<_, Failure>(())
    }));
    stream::unfold((heard, Some(task)), |(mut heard, task)| async move {
        if let Some(batch) = heard.recv().await {
            return Some((Ok(batch), (heard, task)));
        }
        let failure = match task?.await {
            Ok(Ok(())) => return None,
            Ok(Err(failure)) => failure,
            Err(error) => Said::plain(format!("reading broke off: {error}")).into(),
        };
        Some((Err(failure), (heard, None)))
    })
    .boxed()
}

/// Reads a statement to its end, or to `limit`; again where the file was written meanwhile.
pub(super) async fn collect<T: Send + 'static>(
    file: &CatalogFile,
    question: &Question,
    decode: impl FnMut(&SqliteRow) -> Option<T> + Clone + Send + 'static,
    at_end: impl FnOnce() + Clone + Send + 'static,
    limit: usize,
) -> Result<Vec<T>, Failure> {
    if limit == 0 {
        return Ok(Vec::new());
    }
    let mut tries = 0;
    loop {
        tries += 1;
        let mut decode = decode.clone();
        let weighed = move |row: &SqliteRow| decode(row).map(|item| (item, 0));
        let stream = batches(file.clone(), question.clone(), weighed, at_end.clone());
        match gather(stream, limit).await {
            Err(Failure::Reading(said)) if said.is_passing && tries < TRIES => {}
            result => return result,
        }
    }
}

async fn gather<T>(
    mut stream: BoxStream<'static, Result<Vec<T>, Failure>>,
    limit: usize,
) -> Result<Vec<T>, Failure> {
    let mut items = Vec::new();
    while let Some(batch) = stream.next().await {
        items.extend(batch?);
        if items.len() >= limit {
            items.truncate(limit);
            break;
        }
    }
    Ok(items)
}
