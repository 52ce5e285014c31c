//! Reads a file, and notices when it is changed meanwhile.

use std::io::Read;
use std::sync::Arc;

use bytes::Bytes;
use cap_std::fs::File;
use futures::StreamExt;
use futures::stream;

use super::place::{check_key, meta, no_file};
use super::root::{Root, blocking, io_error};
use crate::model::ObjectMeta;
use crate::store::keys::printable;
use crate::store::{Reading, StoreError, StoreFault};

/// Bytes of a chunk. A file that fits into one is read in a single hop to another thread.
const CHUNK_BYTES: u64 = 256 << 10;

/// Starts to read; the first chunk is read already.
pub(super) async fn read(root: Arc<Root>, key: &str) -> Result<Reading, StoreError> {
    let action = format!("read {}", printable(key));
    let (key, named) = (key.to_owned(), action.clone());
    let (opened, chunk) = blocking(&action, move || OpenFile::new(&root, &key, named)).await?;
    let meta = opened.meta.clone();
    let body =
        stream::once(async move { Ok(chunk) }).chain(stream::try_unfold(opened, OpenFile::next));
    Ok(Reading { meta, body: body.filter(|chunk| not_empty(chunk.as_ref().ok())).boxed() })
}

/// The chunk of an empty file is none.
fn not_empty(chunk: Option<&Bytes>) -> std::future::Ready<bool> {
    std::future::ready(chunk.is_none_or(|chunk| !chunk.is_empty()))
}

struct OpenFile {
    file: File,
    meta: ObjectMeta,
    action: String,
    left: u64,
}

impl OpenFile {
    fn new(root: &Root, key: &str, action: String) -> Result<(Self, Bytes), StoreError> {
        check_key(key)?;
        // Opening a pipe would wait for its writer.
        let found = root.dir.metadata(key).map_err(|error| io_error(&action, error))?;
        if !found.is_file() {
            return Err(no_file(action, &found));
        }
        let file = root.dir.open(key).map_err(|error| io_error(&action, error))?;
        let opened = file.metadata().map_err(|error| io_error(&action, error))?;
        let meta = meta(&opened);
        let mut this = Self { file, left: meta.size, meta, action };
        let chunk = this.chunk()?;
        Ok((this, chunk))
    }

    async fn next(mut self) -> Result<Option<(Bytes, Self)>, StoreError> {
        if self.left == 0 {
            return Ok(None);
        }
        let action = self.action.clone();
        let (chunk, this) = blocking(&action, move || Ok((self.chunk()?, self))).await?;
        Ok(Some((chunk, this)))
    }

    /// The next bytes. With the last of them, the file has to be the one that was opened.
    fn chunk(&mut self) -> Result<Bytes, StoreError> {
        let wanted = self.left.min(CHUNK_BYTES);
        let mut chunk = Vec::with_capacity(usize::try_from(wanted).unwrap_or(0));
        let mut part = (&mut self.file).take(wanted);
        let read = part.read_to_end(&mut chunk).map_err(|error| io_error(&self.action, error))?;
        self.left -= wanted;
        let whole = u64::try_from(read).is_ok_and(|read| read == wanted);
        if whole && self.left > 0 {
            return Ok(Bytes::from(chunk));
        }
        let now = self.file.metadata().map_err(|error| io_error(&self.action, error))?;
        if whole && meta(&now) == self.meta {
            return Ok(Bytes::from(chunk));
        }
        Err(StoreError {
            fault: StoreFault::Conflict,
            action: self.action.clone(),
            hint: Some("it was changed while it was read".to_owned()),
            source: None,
        })
    }
}
