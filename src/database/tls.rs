//! [`Tls`]: how the connection to a server is encrypted, and what is checked of it.

use std::path::{Path, PathBuf};

use rustls::RootCertStore;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::ParsedCertificate;

use super::{Place, Product};

/// What the library says where a server cannot encrypt.
const LACKS_TLS: &str = "server does not support TLS";

/// How much a connection has to be trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
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
pub(crate) struct Tls {
    pub(crate) mode: Mode,
    /// The authority that is trusted beside those of the system.
    pub(crate) ca: Option<PathBuf>,
    /// This client's certificate and its key.
    pub(crate) identity: Option<(PathBuf, PathBuf)>,
}

/// What a URL says of encryption.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Asked {
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
    pub(crate) fn verifies(self) -> bool {
        matches!(self, Self::VerifyCa | Self::VerifyFull)
    }
}

/// The files that a configuration names beside the URL, and how they are called there.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Files<'a> {
    pub(crate) ca: (&'static str, Option<&'a PathBuf>),
    pub(crate) cert: (&'static str, Option<&'a PathBuf>),
    pub(crate) key: (&'static str, Option<&'a PathBuf>),
}

/// A URL, or a key beside it, that does not fit the rest. Holds no secrets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Misfit {
    pub(crate) key: &'static str,
    /// What is wrong, completing "`key` …".
    pub(crate) problem: String,
}

/// A file that cannot be used. Holds no secrets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct BadFile {
    pub(crate) key: &'static str,
    pub(crate) path: PathBuf,
    pub(crate) problem: String,
}

impl Files<'static> {
    /// Where a URL alone names them, by parameters of these names.
    pub(crate) const fn of_url(product: Product) -> Self {
        let ca = match product {
            Product::MySql => "ssl-ca",
            Product::Postgres => "sslrootcert",
        };
        Self { ca: (ca, None), cert: ("sslcert", None), key: ("sslkey", None) }
    }
}

impl Tls {
    /// What the URL and the configuration come to.
    pub(crate) fn settle(asked: Asked, files: &Files<'_>, place: &Place) -> Result<Self, Misfit> {
        let refuse = |key, problem: String| Err(Misfit { key, problem });
        let (ca_key, cert_key, key_key) = (files.ca.0, files.cert.0, files.key.0);
        let Asked { mode, ca, cert, key } = asked;
        let (ca, cert) = (one(files.ca, ca)?, one(files.cert, cert)?);
        let key = one(files.key, key)?;
        if matches!(place, Place::Socket(_)) {
            let of_network = "belongs to a network, and `url` names a socket: leave it out";
            for (name, file) in [(ca_key, &ca), (cert_key, &cert)] {
                if file.is_some() {
                    return refuse(name, of_network.to_owned());
                }
            }
        }
        let identity = match (cert, key) {
            (Some(cert), Some(key)) => Some((cert, key)),
            (None, None) => None,
            (Some(_), None) => return refuse(cert_key, format!("needs `{key_key}` beside it")),
            (None, Some(_)) => return refuse(key_key, format!("needs `{cert_key}` beside it")),
        };
        let mode = match (mode, ca.is_some(), identity.is_some()) {
            (None, true, _) => Mode::VerifyFull,
            (None | Some(Mode::Prefer), false, true) => Mode::Require,
            (None, false, false) => Mode::Prefer,
            (Some(mode), true, _) if !mode.verifies() => {
                return refuse(
                    "url",
                    format!(
                        "has an sslmode that does not look at `{ca_key}`: leave it out, or write \
                         sslmode=verify-full or verify-ca"
                    ),
                );
            }
            (Some(Mode::Disable), _, true) => {
                return refuse(
                    "url",
                    format!(
                        "has an sslmode that does not encrypt, and so cannot show `{cert_key}`: \
                         leave one of them out"
                    ),
                );
            }
            (Some(mode), _, _) => mode,
        };
        Ok(Self { mode, ca, identity })
    }

    /// The same with files that start at `base`.
    pub(crate) fn under(self, base: &Path) -> Self {
        let Self { mode, ca, identity } = self;
        let ca = ca.map(|path| base.join(path));
        Self { mode, ca, identity: identity.map(|(cert, key)| (base.join(cert), base.join(key))) }
    }

    /// Looks into the files, whose contents a failed connection would not name.
    pub(crate) async fn check_files(&self, files: &Files<'_>) -> Result<(), BadFile> {
        let (ca_key, cert_key, key_key) = (files.ca.0, files.cert.0, files.key.0);
        if let Some(ca) = &self.ca {
            let pem = read(ca_key, ca).await?;
            let certificates = certificates(ca_key, ca, &pem)?;
            let mut roots = RootCertStore::empty();
            for certificate in certificates {
                roots.add(certificate).map_err(|error| refuse(ca_key, ca, error))?;
            }
        }
        if let Some((cert, key)) = &self.identity {
            certificates(cert_key, cert, &read(cert_key, cert).await?)?;
            let pem = read(key_key, key).await?;
            PrivateKeyDer::from_pem_slice(&pem).map_err(|_| {
                refuse(key_key, key, "it holds no private key as PEM without a password")
            })?;
        }
        Ok(())
    }
}

/// Whether a server refused no more than to encrypt.
pub(crate) fn lacks_tls(error: &sqlx::Error) -> bool {
    matches!(error, sqlx::Error::Tls(source) if source.to_string() == LACKS_TLS)
}

/// A file that the URL or the configuration names.
fn one(
    (key, of_file): (&'static str, Option<&PathBuf>),
    of_url: Option<PathBuf>,
) -> Result<Option<PathBuf>, Misfit> {
    match (of_url, of_file) {
        (Some(_), Some(_)) => {
            let problem = "is named in `url` too: keep one of them".to_owned();
            Err(Misfit { key, problem })
        }
        (of_url, of_file) => Ok(of_url.or_else(|| of_file.cloned())),
    }
}

async fn read(key: &'static str, path: &Path) -> Result<Vec<u8>, BadFile> {
    tokio::fs::read(path).await.map_err(|error| refuse(key, path, error))
}

fn certificates(
    key: &'static str,
    path: &Path,
    pem: &[u8],
) -> Result<Vec<CertificateDer<'static>>, BadFile> {
    let read: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    match read {
        Ok(certificates) if certificates.is_empty() => {
            Err(refuse(key, path, "it holds no certificate as PEM"))
        }
        Ok(certificates) => {
            for certificate in &certificates {
                ParsedCertificate::try_from(certificate)
                    .map_err(|error| refuse(key, path, error))?;
            }
            Ok(certificates)
        }
        Err(_) => Err(refuse(key, path, "it holds a certificate that is no PEM")),
    }
}

fn refuse(key: &'static str, path: &Path, problem: impl std::fmt::Display) -> BadFile {
    BadFile { key, path: path.to_owned(), problem: problem.to_string() }
}
