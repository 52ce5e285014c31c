//! Opening a ledger: which adapter its URL asks for.

use std::path::Path;
use std::sync::Arc;

use super::place::{self, OpenError};
use super::sqlite::SqliteLedger;
use super::{Ledger, LedgerError};

/// Opens the ledger at `url` for the store with this identity, and makes it if it is absent.
///
/// Relative `sqlite:` paths start at `base`. The source of an error is an [`OpenError`], which
/// says what to do.
pub async fn open(
    url: &str,
    store_identity: &str,
    base: &Path,
) -> Result<Arc<dyn Ledger>, LedgerError> {
    let opened = open_sqlite(url, store_identity, base).await;
    let ledger = opened.map_err(|source| LedgerError {
        ledger: place::shown(url),
        action: "open it",
        source: Box::new(source),
    })?;
    Ok(Arc::new(ledger))
}

async fn open_sqlite(
    url: &str,
    store_identity: &str,
    base: &Path,
) -> Result<SqliteLedger, OpenError> {
    let file = place::file_of(url, base)?;
    SqliteLedger::open(&file, place::shown(url), store_identity).await
}
