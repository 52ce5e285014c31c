//! The lock: at most one instance changes a store.

mod file;
mod keeper;
mod lease;

use std::path::{Path, PathBuf};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, SecondsFormat, Utc};
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;

use super::Ledger;
use super::place::{self, OpenError};
use super::sql::server::Server;
use file::FileLock;
use lease::Lease;

pub use lease::{Fence, LeaseTerms};

/// Who holds a lock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    /// Its machine or container; `None` where the lock is a file, which is on this one.
    pub host: Option<String>,
    /// The process, as its own machine or container counts them.
    pub pid: u32,
    /// Since when, by the clock of the file system or of the database.
    pub since: DateTime<Utc>,
    /// How long it holds a lease that is not renewed from here on.
    pub expires_in: Option<Duration>,
}

/// Why the lock is not ours.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LockError {
    /// Another instance holds it: exit code 5.
    #[error(
        "another restock {}works on this store and holds its lock, {place}; wait with --wait-lock, \
         or stop it",
        described(holder.as_ref())
    )]
    Busy {
        /// The lock's file, or the ledger that keeps the lease.
        place: String,
        /// Who holds it, where that could be read.
        holder: Option<Holder>,
    },
    /// The ledger's URL cannot be used, or what it names.
    #[error("cannot lock the ledger {ledger}")]
    Place {
        /// The ledger, redacted.
        ledger: String,
        /// The cause.
        #[source]
        source: OpenError,
    },
    /// The file cannot be made, locked or written.
    #[error("cannot {action} the lock file {}; its folder must be writable by restock", path.display())]
    File {
        /// The lock's file.
        path: PathBuf,
        /// What was tried.
        action: &'static str,
        /// The cause.
        #[source]
        source: std::io::Error,
    },
    /// The lease cannot be read or written.
    #[error("cannot use the lease in the ledger {ledger}")]
    Lease {
        /// The ledger, redacted.
        ledger: String,
        /// The cause.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// It was ours, and is no more: what was under way was ended.
    #[error(
        "the lock was lost: another instance has taken it over, or its lease in the ledger {ledger} \
         could not be renewed in time; what was under way was ended"
    )]
    Lost {
        /// The ledger, redacted.
        ledger: String,
    },
}

fn described(holder: Option<&Holder>) -> String {
    let Some(Holder { host, pid, since, expires_in }) = holder else { return String::new() };
    let since = since.to_rfc3339_opts(SecondsFormat::Secs, true);
    let host = host.as_ref().map(|host| format!(" on {host}")).unwrap_or_default();
    let ends = expires_in
        .map(|left| format!("; if it is gone, the lock is free in {} s", left.as_secs() + 1))
        .unwrap_or_default();
    format!("(process {pid}{host}, since {since}{ends}) ")
}

/// The lock of one store, held as long as this value lives. Where the ledger is a file, it is a
/// file lock; on a server, a lease that is renewed, and may be lost.
#[derive(Debug)]
pub struct Lock(Kind);

#[derive(Debug)]
enum Kind {
    File(FileLock),
    Lease(Lease),
}

impl Lock {
    /// Takes the lock of the store with this identity in the ledger at `url` (relative paths start
    /// at `base`). If another holds it, tries again for as long as `wait` says, and not at all
    /// without. Who waits outlasts a database that is away for a while.
    pub async fn acquire(
        url: &str,
        store_identity: &str,
        base: &Path,
        wait: Option<Duration>,
    ) -> Result<Self, LockError> {
        Self::acquire_on(LeaseTerms::default(), url, store_identity, base, wait).await
    }

    /// The same with other terms of a lease.
    pub async fn acquire_on(
        terms: LeaseTerms,
        url: &str,
        store_identity: &str,
        base: &Path,
        wait: Option<Duration>,
    ) -> Result<Self, LockError> {
        let kind = match Place::of(url, base)? {
            Place::File(ledger) => {
                Kind::File(FileLock::acquire(&ledger, store_identity, wait).await?)
            }
            Place::Server(server) => {
                let name = place::shown(url);
                Kind::Lease(Lease::acquire(terms, &server, name, store_identity, wait).await?)
            }
        };
        Ok(Self(kind))
    }

    /// Who holds the lock of a store now, without taking it.
    pub async fn holder(
        url: &str,
        store_identity: &str,
        base: &Path,
    ) -> Result<Option<Holder>, LockError> {
        match Place::of(url, base)? {
            Place::File(ledger) => FileLock::holder(&ledger, store_identity),
            Place::Server(server) => {
                Lease::holder(&server, place::shown(url), store_identity).await
            }
        }
    }

    /// The lock's file, where it is one.
    pub fn path(&self) -> Option<&Path> {
        match &self.0 {
            Kind::File(file) => Some(&file.path),
            Kind::Lease(_) => None,
        }
    }

    /// The ledger for the holder of this lock: nothing is written to it once another instance has
    /// taken over.
    pub fn guard(&self, ledger: &Arc<dyn Ledger>) -> Arc<dyn Ledger> {
        match &self.0 {
            Kind::File(_) => Arc::clone(ledger),
            Kind::Lease(lease) => ledger.fenced(&lease.fence),
        }
    }

    /// Ends when the lock is lost, some seconds before another instance can have it. A file lock
    /// never is.
    pub fn lost(&self) -> impl Future<Output = ()> + Send + 'static {
        let lease = match &self.0 {
            Kind::File(_) => None,
            Kind::Lease(lease) => Some(lease.lost()),
        };
        async move {
            match lease {
                Some(lost) => lost.await,
                None => std::future::pending().await,
            }
        }
    }

    /// Does some work, and ends it if the lock is lost: `cancel` is set, and what has not drained
    /// shortly after is dropped.
    pub async fn hold<T>(
        &self,
        cancel: &CancellationToken,
        work: impl Future<Output = T>,
    ) -> Result<T, LockError> {
        let mut work = pin!(work);
        tokio::select! {
            biased;
            done = &mut work => return Ok(done),
            () = self.lost() => {}
        }
        cancel.cancel();
        match &self.0 {
            // It is never lost.
            Kind::File(_) => Ok(work.await),
            Kind::Lease(lease) => {
                drop(timeout(lease.terms.drain(), work).await);
                Err(LockError::Lost { ledger: lease.ledger.clone() })
            }
        }
    }

    /// Gives the lock back, and waits until it is free. Dropping it does the same a little later,
    /// if the process goes on.
    pub async fn release(self) {
        match self.0 {
            Kind::File(_) => {}
            Kind::Lease(lease) => lease.release().await,
        }
    }
}

/// Where the lock of a ledger is.
enum Place {
    /// Beside this file.
    File(PathBuf),
    Server(Box<Server>),
}

impl Place {
    fn of(url: &str, base: &Path) -> Result<Self, LockError> {
        let place = if Server::is_named_by(url) {
            place::server_of(url, base).map(Box::new).map(Self::Server)
        } else {
            place::file_of(url, base).map(Self::File)
        };
        place.map_err(|source| LockError::Place { ledger: place::shown(url), source })
    }
}

/// The patience of one who waits.
struct Waiting {
    asked_at: Instant,
    wait: Duration,
    poll: Duration,
}

impl Waiting {
    fn of(wait: Option<Duration>, poll: Duration) -> Self {
        Self { asked_at: Instant::now(), wait: wait.unwrap_or_default(), poll }
    }

    /// Waits for a moment; `false` where there is no time left.
    async fn again(&self) -> bool {
        let left = self.wait.saturating_sub(self.asked_at.elapsed());
        if !left.is_zero() {
            tokio::time::sleep(left.min(self.poll)).await;
        }
        !left.is_zero()
    }
}
