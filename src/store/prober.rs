//! [`Prober`]: probes whose 404 is believed only where the store itself was shown to exist.

use crate::model::{ObjectMeta, error_chain};

use super::{Probe, Store, StoreError, StoreFault};

/// Probes single keys without a listing that would show that the store is there.
pub struct Prober<'a> {
    store: &'a dyn Store,
    /// Why the store could not be shown to exist.
    doubt: Option<StoreError>,
}

/// What can be said of a key for sure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Certainty {
    /// The object is there.
    Present(ObjectMeta),
    /// The store exists, and said that the object does not.
    Absent,
    /// Nobody can say, and why.
    Unknown(String),
}

impl<'a> Prober<'a> {
    /// Asks whether the store is there at all; an error where it says itself that it is not.
    pub async fn new(store: &'a dyn Store) -> Result<Self, StoreError> {
        match store.check().await {
            Err(error) if error.fault == StoreFault::NoSuchStore => Err(error),
            checked => Ok(Self { store, doubt: checked.err() }),
        }
    }

    /// Asks for one key.
    pub async fn ask(&self, key: &str) -> Certainty {
        // To ask where nobody answers would only take longer.
        if let Some(error) = &self.doubt
            && matches!(error.fault, StoreFault::Timeout | StoreFault::Unreachable)
        {
            return Certainty::Unknown(error_chain(error));
        }
        match (self.store.probe(key).await, &self.doubt) {
            (Probe::Present(meta), _) => Certainty::Present(meta),
            // The answer to a HEAD is a number; the one to a LIST says in words what is wrong.
            (Probe::Unknown(error), Some(doubt)) if doubt.fault == error.fault => {
                Certainty::Unknown(error_chain(doubt))
            }
            (Probe::Unknown(error), _) => Certainty::Unknown(error_chain(&error)),
            (Probe::Absent, Some(doubt)) => Certainty::Unknown(format!(
                "the store answers 404, and could not be shown to exist: {}",
                error_chain(doubt)
            )),
            (Probe::Absent, None) => Certainty::Absent,
        }
    }
}
