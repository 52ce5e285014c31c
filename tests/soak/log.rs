//! What anybody but restock did to the store, as it was about to be done.

use std::collections::HashSet;
use std::sync::Mutex;

use restock::model::Digest;
use tokio::time::Instant;

/// One write or deletion.
#[derive(Debug, Clone)]
pub(crate) struct Deed {
    pub(crate) key: String,
    /// What was put there; nothing for a deletion.
    pub(crate) wrote: Option<Digest>,
    pub(crate) began: Instant,
    /// When it was certainly done.
    pub(crate) ended: Option<Instant>,
}

/// All of them, in the order in which they began.
#[derive(Debug, Default)]
pub(crate) struct Log {
    deeds: Mutex<Vec<Deed>>,
    contents: Mutex<HashSet<(String, Digest)>>,
}

impl Log {
    /// Notes what is about to be done; gives what [`Log::done`] asks for.
    pub(crate) fn begin(&self, key: &str, wrote: Option<Digest>) -> usize {
        if let Some(wrote) = wrote {
            self.contents.lock().unwrap().insert((key.to_owned(), wrote));
        }
        let mut deeds = self.deeds.lock().unwrap();
        deeds.push(Deed { key: key.to_owned(), wrote, began: Instant::now(), ended: None });
        deeds.len() - 1
    }

    pub(crate) fn done(&self, deed: usize) {
        self.deeds.lock().unwrap()[deed].ended = Some(Instant::now());
    }

    /// Whether somebody but restock ever put this there.
    pub(crate) fn knows(&self, key: &str, content: Digest) -> bool {
        self.contents.lock().unwrap().contains(&(key.to_owned(), content))
    }

    pub(crate) fn deeds(&self) -> Vec<Deed> {
        self.deeds.lock().unwrap().clone()
    }
}
