//! [`Tls`]: how the connection to a server is encrypted, and what is checked of it.

use std::path::{Path, PathBuf};

use rustls::RootCertStore;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use super::Place;
use crate::catalog::{CatalogError, CatalogOptions, CatalogProblem};

/// How much a connection has to be trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::catalog) enum Mode {
    /// Plain text.
    Disable,
    /// Encrypted where the server can.
    Prefer,
    /// Encrypted, with whomever.
    Require,
    /// Encrypted, with somebody whom an authority knows, under whatever name.
    VerifyCa,
    /// Encrypted, with the server of that name.
    VerifyFull,
}

/// How a connection is encrypted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::catalog) struct Tls {
    pub(in crate::catalog) mode: Mode,
    /// The authority that is trusted beside those of the system.
    pub(in crate::catalog) ca: Option<PathBuf>,
    /// This client's certificate and its key.
    pub(in crate::catalog) identity: Option<(PathBuf, PathBuf)>,
}

/// What a URL says of encryption.
#[derive(Debug, Default, PartialEq, Eq)]
pub(in crate::catalog) struct Asked {
    pub(super) mode: Option<Mode>,
    pub(super) ca: Option<PathBuf>,
    pub(super) cert: Option<PathBuf>,
    pub(super) key: Option<PathBuf>,
}

impl Mode {
    /// Reads a mode in the words of either product.
    pub(super) fn parse(text: &str) -> Option<Self> {
        Some(match text.to_ascii_lowercase().replace('_', "-").as_str() {
            "disable" | "disabled" => Self::Disable,
            "prefer" | "preferred" => Self::Prefer,
            "require" | "required" => Self::Require,
            "verify-ca" => Self::VerifyCa,
            "verify-full" | "verify-identity" => Self::VerifyFull,
            _ => return None,
        })
    }

    /// Whether the server's certificate is checked.
    pub(in crate::catalog) fn verifies(self) -> bool {
        matches!(self, Self::VerifyCa | Self::VerifyFull)
    }
}

impl Tls {
    /// What the URL and `[catalog]` come to.
    pub(super) fn settle(
        asked: Asked,
        options: &CatalogOptions,
        place: &Place,
    ) -> Result<Self, CatalogProblem> {
        let refuse = |key, problem: &str| Err(CatalogProblem { key, problem: problem.to_owned() });
        let Asked { mode, ca, cert, key } = asked;
        let ca = one("tls_ca_file", ca, options.tls_ca_file.as_ref())?;
        let cert = one("tls_cert_file", cert, options.tls_cert_file.as_ref())?;
        let key = one("tls_key_file", key, options.tls_key_file.as_ref())?;
        if matches!(place, Place::Socket(_)) {
            let of_network = "belongs to a network, and `url` names a socket: leave it out";
            for (name, file) in [("tls_ca_file", &ca), ("tls_cert_file", &cert)] {
                if file.is_some() {
                    return refuse(name, of_network);
                }
            }
        }
        let identity = match (cert, key) {
            (Some(cert), Some(key)) => Some((cert, key)),
            (None, None) => None,
            (Some(_), None) => return refuse("tls_cert_file", "needs `tls_key_file` beside it"),
            (None, Some(_)) => return refuse("tls_key_file", "needs `tls_cert_file` beside it"),
        };
        let mode = match (mode, ca.is_some(), identity.is_some()) {
            (None, true, _) => Mode::VerifyFull,
            (None | Some(Mode::Prefer), false, true) => Mode::Require,
            (None, false, false) => Mode::Prefer,
            (Some(mode), true, _) if !mode.verifies() => {
                return refuse(
                    "url",
                    "has an sslmode that does not look at `tls_ca_file`: leave it out, or write \
                     sslmode=verify-full or verify-ca",
                );
            }
            (Some(Mode::Disable), _, true) => {
                return refuse(
                    "url",
                    "has an sslmode that does not encrypt, and so cannot show `tls_cert_file`: \
                     leave one of them out",
                );
            }
            (Some(mode), _, _) => mode,
        };
        Ok(Self { mode, ca, identity })
    }

    /// The same with files that start at `base`.
    pub(super) fn under(self, base: &Path) -> Self {
        let Self { mode, ca, identity } = self;
        let ca = ca.map(|path| base.join(path));
        Self { mode, ca, identity: identity.map(|(cert, key)| (base.join(cert), base.join(key))) }
    }

    /// Looks into the files, whose contents a failed connection would not name.
    pub(in crate::catalog) async fn check_files(&self) -> Result<(), CatalogError> {
        if let Some(ca) = &self.ca {
            let pem = read("tls_ca_file", ca).await?;
            let certificates = certificates("tls_ca_file", ca, &pem)?;
            let mut roots = RootCertStore::empty();
            for certificate in certificates {
                roots.add(certificate).map_err(|error| refuse("tls_ca_file", ca, error))?;
            }
        }
        if let Some((cert, key)) = &self.identity {
            certificates("tls_cert_file", cert, &read("tls_cert_file", cert).await?)?;
            let pem = read("tls_key_file", key).await?;
            PrivateKeyDer::from_pem_slice(&pem).map_err(|_| {
                refuse("tls_key_file", key, "it holds no private key as PEM without a password")
            })?;
        }
        Ok(())
    }
}

/// A file that the URL or `[catalog]` names.
fn one(
    key: &'static str,
    of_url: Option<PathBuf>,
    of_file: Option<&PathBuf>,
) -> Result<Option<PathBuf>, CatalogProblem> {
    match (of_url, of_file) {
        (Some(_), Some(_)) => {
            let problem = "is named in `url` too: keep one of them".to_owned();
            Err(CatalogProblem { key, problem })
        }
        (of_url, of_file) => Ok(of_url.or_else(|| of_file.cloned())),
    }
}

async fn read(name: &str, path: &Path) -> Result<Vec<u8>, CatalogError> {
    tokio::fs::read(path).await.map_err(|error| refuse(name, path, error))
}

fn certificates(
    name: &str,
    path: &Path,
    pem: &[u8],
) -> Result<Vec<CertificateDer<'static>>, CatalogError> {
    let read: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    match read {
        Ok(certificates) if certificates.is_empty() => {
            Err(refuse(name, path, "it holds no certificate as PEM"))
        }
        Ok(certificates) => Ok(certificates),
        Err(_) => Err(refuse(name, path, "it holds a certificate that is no PEM")),
    }
}

fn refuse(name: &str, path: &Path, problem: impl std::fmt::Display) -> CatalogError {
    CatalogError::Configuration(format!(
        "cannot use `{name}` of [catalog], {}: {problem}",
        path.display()
    ))
}
