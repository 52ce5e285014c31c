//! What MySQL and PostgreSQL have in common as servers: where they are, how the connection is
//! encrypted, and what can go wrong on the way.

mod address;
mod tls;
mod trouble;
mod url;

use std::path::Path;
use std::time::Duration;

use super::{CatalogError, CatalogOptions, CatalogProblem, Remark};

pub(super) use address::{Address, Place, Product};
pub(super) use tls::{Mode, Tls};
pub(super) use trouble::{Trouble, lacks_tls};

/// A server, and how patiently it is asked.
#[derive(Debug, Clone)]
pub(super) struct Server {
    pub(super) address: Address,
    pub(super) tls: Tls,
    pub(super) connect_timeout: Duration,
    pub(super) statement_timeout: Duration,
}

/// Whether a URL and `[catalog]` describe a server.
pub(super) fn judge(
    product: Product,
    url: &str,
    options: &CatalogOptions,
) -> Result<(), CatalogProblem> {
    read(product, url, options).map(drop)
}

fn read(
    product: Product,
    url: &str,
    options: &CatalogOptions,
) -> Result<(Address, Tls), CatalogProblem> {
    let (address, asked) =
        url::parse(product, url).map_err(|problem| CatalogProblem { key: "url", problem })?;
    let tls = Tls::settle(asked, options, &address.place)?;
    Ok((address, tls))
}

/// What connecting to a server showed.
#[derive(Debug)]
pub(super) struct Seen {
    /// What the server calls itself, with its version.
    pub(super) product: String,
    pub(super) is_encrypted: bool,
    pub(super) is_replica: bool,
}

impl Server {
    /// The server that a URL and `[catalog]` describe. Relative paths start at `base`.
    pub(super) fn of(
        product: Product,
        url: &str,
        options: &CatalogOptions,
        base: &Path,
    ) -> Result<Self, CatalogError> {
        let (address, tls) = read(product, url, options)
            .map_err(|problem| CatalogError::Configuration(problem.to_string()))?;
        Ok(Self {
            address,
            tls: tls.under(base),
            connect_timeout: options.connect_timeout.0,
            statement_timeout: options.statement_timeout.0,
        })
    }

    /// How long the server itself lets a statement run: longer than this side does, so that only a
    /// statement that nobody waits for any more is ended by it.
    pub(super) fn server_limit(&self) -> Duration {
        self.statement_timeout.saturating_mul(2).max(Duration::from_secs(1))
    }

    /// What people should know of the connection.
    pub(super) fn remarks(&self, seen: &Seen) -> Vec<Remark> {
        let Seen { product, is_encrypted, is_replica } = seen;
        let Address { place, database, .. } = &self.address;
        let how = match (place, *is_encrypted, self.tls.mode) {
            (Place::Socket(_), _, _) => "over a local socket",
            (Place::Tcp { .. }, false, _) => "not encrypted",
            (Place::Tcp { .. }, true, Mode::VerifyFull) => "encrypted and verified",
            (Place::Tcp { .. }, true, Mode::VerifyCa) => "encrypted, its name not verified",
            (Place::Tcp { .. }, true, Mode::Disable | Mode::Prefer | Mode::Require) => {
                "encrypted, its certificate not verified"
            }
        };
        let mut remarks =
            vec![Remark::Found(format!("{product}, database `{database}` at {place}, {how}"))];
        if !is_encrypted && !place.is_local() {
            remarks.push(Remark::Warning(format!(
                "the connection to {place} is not encrypted: whoever listens on the way reads the \
                 catalog and may change what restock sees of it; set `tls_ca_file` in [catalog]"
            )));
        }
        if *is_encrypted && self.tls.mode == Mode::VerifyCa {
            remarks.push(Remark::Warning(format!(
                "sslmode=verify-ca takes {place} for the catalog's server if any authority that \
                 this system trusts has signed its certificate, for whatever name: leave it out"
            )));
        }
        if *is_replica {
            remarks.push(Remark::Warning(format!(
                "{place} is a replica: rows may lag behind the primary, and an object whose row \
                 has not arrived looks like an orphan; let `url` in [catalog] name the primary"
            )));
        }
        remarks
    }
}
