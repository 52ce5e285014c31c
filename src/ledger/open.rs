//! Opening a ledger: which kind of database its URL names.

use std::path::Path;
use std::sync::Arc;

use super::place::{self, OpenError};
use super::sql::server::Server;
use super::sql::{Opened, SqlLedger, server, sqlite};
use super::{Ledger, LedgerError};

/// Opens the ledger at `url` for the store with this identity. A file is made if it is absent, and
/// the tables are; a database on a server has to be there.
///
/// Relative paths start at `base`. The source of an error is an [`OpenError`], which says what to
/// do.
pub async fn open(
    url: &str,
    store_identity: &str,
    base: &Path,
) -> Result<Arc<dyn Ledger>, LedgerError> {
    let opened = open_for(url, store_identity, base).await;
    let ledger = opened.map_err(|source| LedgerError {
        ledger: place::shown(url),
        action: "open it",
        source: Box::new(source),
    })?;
    Ok(Arc::new(ledger))
}

/// The same for a command that is worth running though nothing of it can be kept: where the disk of
/// a file is so full that it cannot be opened, it is opened to be read, and each write fails.
pub async fn open_or_read(
    url: &str,
    store_identity: &str,
    base: &Path,
) -> Result<Arc<dyn Ledger>, LedgerError> {
    let refused = match open(url, store_identity, base).await {
        Ok(ledger) => return Ok(ledger),
        Err(refused) => refused,
    };
    let full = refused.source.downcast_ref().is_some_and(OpenError::is_disk_full);
    let read = async {
        let opened = sqlite::open_to_read(&place::file_of(url, base).ok()?, place::shown(url));
        SqlLedger::of(opened?, store_identity).await.ok()
    };
    match if full { read.await } else { None } {
        Some(ledger) => Ok(Arc::new(ledger)),
        None => Err(refused),
    }
}

async fn open_for(url: &str, store_identity: &str, base: &Path) -> Result<SqlLedger, OpenError> {
    let opened = open_database(url, base).await?;
    SqlLedger::of(opened, store_identity).await.map_err(OpenError::Unusable)
}

async fn open_database(url: &str, base: &Path) -> Result<Opened, OpenError> {
    let name = place::shown(url);
    if Server::is_named_by(url) {
        return server::open(&place::server_of(url, base)?, name).await;
    }
    sqlite::open(&place::file_of(url, base)?, name).await
}
