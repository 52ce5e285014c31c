//! Statements from beginning to end: as a stream of batches, or collected.

use std::time::Duration;

use futures::FutureExt;
use futures::stream::{self, BoxStream, StreamExt};
use sqlx::{Database, Either};
use tokio::sync::mpsc;
use tokio::time::error::Elapsed;
use tokio::time::{Instant, timeout};
use tokio_util::task::AbortOnDropHandle;

use super::CatalogError;
use super::engine::{Engine, Rows, Session};
use super::said::Said;

/// Batches on their way to a listener.
const BATCHES_AHEAD: usize = 2;

/// How often a statement is run where the catalog is written while it is read without locks.
const TRIES: u32 = 3;

/// Rows in a batch, at most.
const BATCH_ROWS: usize = 1000;

/// Bytes of text at which a batch ends: rows with very long URLs come in smaller batches.
const BATCH_BYTES: usize = 1 << 20;

/// A row of an engine's.
pub(super) type RowOf<E> = <<E as Engine>::Database as Database>::Row;

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
    pub(super) fn of_catalog(self, engine: &impl Engine) -> CatalogError {
        match self {
            Self::Opening(error) => error,
            Self::Reading(said) => engine.cannot_open(said),
        }
    }
}

/// Streams what `decode` makes of a statement's rows, each with its weight in bytes. `at_end` is
/// called when all rows were read and the catalog is shown to have stood still, and not otherwise.
pub(super) fn batches<E: Engine, T: Send + 'static>(
    engine: E,
    sql: String,
    decode: impl FnMut(&RowOf<E>) -> Option<(T, usize)> + Send + 'static,
    at_end: impl FnOnce() + Send + 'static,
) -> BoxStream<'static, Result<Vec<T>, Failure>> {
    let (listener, heard) = mpsc::channel(BATCHES_AHEAD);
    // The connection lives in a task of its own, so that the stream borrows nothing. Dropping the
    // stream ends the task.
    let task = AbortOnDropHandle::new(tokio::spawn(async move {
        let mut session = engine.open().await.map_err(Failure::Opening)?;
        if !read(&engine, session.rows(sql), decode, &listener).await? {
            return Ok(());
        }
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

/// Sends what `decode` makes of rows in batches; a batch ends at [`BATCH_ROWS`] or where the
/// weights, in bytes, reach [`BATCH_BYTES`]. Stops early where nobody listens, and tells whether it
/// came to the end. The time for which the listener is slow does not count.
async fn read<E: Engine, T: Send>(
    engine: &E,
    mut rows: Rows<'_, E::Database>,
    mut decode: impl FnMut(&RowOf<E>) -> Option<(T, usize)> + Send,
    listener: &mpsc::Sender<Vec<T>>,
) -> Result<bool, Said> {
    let limit = engine.statement_timeout();
    let (mut left, mut n_rows, mut all_told) = (limit, 0_u64, false);
    let (mut batch, mut bytes) = (Vec::new(), 0);
    loop {
        let Ok(next) = next(&mut rows, &mut left).await else {
            return Err(Said::timed_out("the statement", "statement_timeout", limit));
        };
        let Some(next) = next else { break };
        let row = match next.map_err(|error| engine.said(&error))? {
            Either::Left(all) => {
                all_told = E::told(&all).is_none_or(|told| told == n_rows);
                continue;
            }
            Either::Right(row) => row,
        };
        (n_rows, all_told) = (n_rows + 1, false);
        let Some((item, weight)) = decode(&row) else { continue };
        batch.push(item);
        bytes += weight;
        if batch.len() < BATCH_ROWS && bytes < BATCH_BYTES {
            continue;
        }
        bytes = 0;
        if listener.send(std::mem::take(&mut batch)).await.is_err() {
            return Ok(false);
        }
    }
    if !all_told {
        return Err(Said::broke_off());
    }
    Ok(batch.is_empty() || listener.send(batch).await.is_ok())
}

/// The next row, and as much less patience as it was waited for.
async fn next<T>(rows: &mut BoxStream<'_, T>, left: &mut Duration) -> Result<Option<T>, Elapsed> {
    // Most rows are there already, and no clock has to be asked.
    if let Some(row) = rows.next().now_or_never() {
        return Ok(row);
    }
    let asked_at = Instant::now();
    let row = timeout(*left, rows.next()).await?;
    *left = left.saturating_sub(asked_at.elapsed());
    Ok(row)
}

/// Reads a statement to its end, or to `limit`; again where the catalog was written meanwhile.
pub(super) async fn collect<E: Engine, T: Send + 'static>(
    engine: &E,
    sql: &str,
    decode: impl FnMut(&RowOf<E>) -> Option<T> + Clone + Send + 'static,
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
        let weighed = move |row: &RowOf<E>| decode(row).map(|item| (item, 0));
        let stream = batches(engine.clone(), sql.to_owned(), weighed, at_end.clone());
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
