//! [`Prober`]: probes that are believed only where the store has shown that it is one.

use crate::model::{ObjectMeta, error_chain};

use super::{Probe, Store, StoreError, StoreFault};

/// Probes single keys without a listing that would show that a store answers.
///
/// The answer to a HEAD is a number: a proxy that asks people to sign in gives 200 for every key,
/// and a wrong address 404. Only the answer to a LIST is of a form that nobody else gives.
pub struct Prober<'a> {
    store: &'a dyn Store,
    /// Why no store was shown to answer.
    doubt: Option<StoreError>,
}

/// What can be said of a key for sure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Certainty {
    /// A store says that the object is there.
    Present(ObjectMeta),
    /// A store says that the object is not.
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
        if let Some(doubt) = &self.doubt {
            return Certainty::Unknown(error_chain(doubt));
        }
        match self.store.probe(key).await {
            Probe::Present(meta) => Certainty::Present(meta),
            Probe::Absent => Certainty::Absent,
            Probe::Unknown(error) => Certainty::Unknown(error_chain(&error)),
        }
    }
}
