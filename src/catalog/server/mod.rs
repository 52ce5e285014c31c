//! What MySQL and PostgreSQL have in common as servers: where they are, how the connection is
//! encrypted, and what can go wrong on the way.

mod trouble;

use std::path::Path;
use std::time::Duration;

use super::{CatalogError, CatalogOptions, CatalogProblem, Remark};
use crate::database::{self, BadFile, Files, Misfit};

pub(super) use crate::database::{Address, Mode, Place, Product, Tls, lacks_tls};
pub(super) use trouble::Trouble;

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
        database::parse(product, url).map_err(|problem| CatalogProblem { key: "url", problem })?;
    let tls = Tls::settle(asked, &files(options), &address.place)
        .map_err(|Misfit { key, problem }| CatalogProblem { key, problem })?;
    Ok((address, tls))
}

fn files(options: &CatalogOptions) -> Files<'_> {
    Files {
        ca: ("tls_ca_file", options.tls_ca_file.as_ref()),
        cert: ("tls_cert_file", options.tls_cert_file.as_ref()),
        key: ("tls_key_file", options.tls_key_file.as_ref()),
    }
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

    /// Looks into the files for TLS, whose contents a failed connection would not name.
    pub(super) async fn check_files(&self) -> Result<(), CatalogError> {
        let checked = self.tls.check_files(&files(&CatalogOptions::default())).await;
        checked.map_err(|BadFile { key, path, problem }| {
            let path = path.display();
            CatalogError::Configuration(format!(
                "cannot use `{key}` of [catalog], {path}: {problem}"
            ))
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
        if *is_encrypted && !place.is_local() && !self.tls.mode.verifies() {
            remarks.push(Remark::Warning(format!(
                "the certificate of {place} is not verified: whoever stands on the way may take its \
                 place, read the password and change what restock sees; set `tls_ca_file` in \
                 [catalog], or sslmode=verify-full in its `url` for an authority that this system \
                 trusts"
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
