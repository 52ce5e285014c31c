//! What goes wrong on the way to a server, in words that help.

use std::io::ErrorKind;

use rustls::{AlertDescription, CertificateError};

use super::{Place, Server};
use crate::catalog::CatalogError;
use crate::catalog::said::Said;
use crate::database::lacks_tls;

/// A server's trouble, as the engines of both products tell it.
pub(in crate::catalog) struct Trouble<'a>(pub(in crate::catalog) &'a Server);

impl Trouble<'_> {
    /// What an error says that did not come from the database itself.
    pub(in crate::catalog) fn on_the_way(&self, error: &sqlx::Error) -> Said {
        let place = &self.0.address.place;
        if let sqlx::Error::Io(io) = error {
            return self.of_io(io);
        }
        if lacks_tls(error) {
            return Said::plain(format!("{place} does not encrypt"))
                .advising("switch TLS on in the server, or leave `tls_ca_file` and sslmode out");
        }
        if let sqlx::Error::Tls(source) = error {
            return Said::plain(format!("TLS with {place} failed: {source}"))
                .advising("check `tls_ca_file`, `tls_cert_file` and `tls_key_file` in [catalog]");
        }
        Said::plain(error.to_string())
    }

    fn of_io(&self, io: &std::io::Error) -> Said {
        let place = &self.0.address.place;
        if let Some(tls) = io.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
            return self.of_tls(tls);
        }
        if matches!(io.kind(), ErrorKind::ConnectionRefused) {
            return Said::plain(format!("nothing listens at {place}"))
                .advising("check that the server runs, and host and port of `url` in [catalog]");
        }
        if matches!((io.kind(), place), (ErrorKind::NotFound, Place::Socket(_))) {
            return Said::plain(format!("there is no socket {place}"))
                .advising("check that the server runs, and the socket in `url` of [catalog]");
        }
        let is_closed = matches!(
            io.kind(),
            ErrorKind::UnexpectedEof
                | ErrorKind::ConnectionReset
                | ErrorKind::ConnectionAborted
                | ErrorKind::BrokenPipe
        );
        if is_closed {
            return Said::plain(format!("{place} closed the connection"))
                .advising("the server was stopped, or ended it: its log says why");
        }
        Said::plain(format!("cannot reach {place}: {io}"))
            .advising("check host and port of `url` in [catalog]")
    }

    fn of_tls(&self, error: &rustls::Error) -> Said {
        let place = &self.0.address.place;
        Said::plain(format!("TLS with {place} failed: {error}")).advising(tls_hint(error))
    }

    /// What was said as the failure to open this catalog.
    pub(in crate::catalog) fn cannot_open(&self, said: Said) -> CatalogError {
        let hint = said.hint.clone().unwrap_or("check `url` in [catalog]".into()).into_owned();
        let catalog = self.0.address.identity();
        CatalogError::Connect { catalog, hint, source: Box::new(said) }
    }

    /// Connecting took too long.
    pub(in crate::catalog) fn no_connection(&self) -> Said {
        let place = &self.0.address.place;
        let what = format!("connecting to {place}");
        Said::timed_out(&what, "connect_timeout", self.0.connect_timeout)
            .advising("check host and port of `url` in [catalog], and firewalls on the way")
    }

    /// The server itself says that a statement took too long.
    pub(in crate::catalog) fn too_slow(message: &str) -> Said {
        Said::plain(message).advising(
            "raise `statement_timeout` in [catalog], or make the query cheaper; the server may \
             have a limit of its own",
        )
    }
}

fn tls_hint(error: &rustls::Error) -> &'static str {
    if let rustls::Error::InvalidCertificate(problem) = error {
        let of_name = matches!(
            problem,
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. }
        );
        return if of_name {
            "write the host in `url` of [catalog] as the certificate names it; sslmode=verify-ca \
             behind it looks at no name"
        } else if matches!(problem, CertificateError::UnknownIssuer) {
            "`tls_ca_file` in [catalog] has to hold the authority that signed the server's \
             certificate"
        } else {
            "the server needs another certificate"
        };
    }
    let asks = [
        AlertDescription::CertificateRequired,
        AlertDescription::BadCertificate,
        AlertDescription::UnknownCA,
        AlertDescription::HandshakeFailure,
    ];
    if matches!(error, rustls::Error::AlertReceived(alert) if asks.contains(alert)) {
        "the server asks for a certificate that it knows: set `tls_cert_file` in [catalog]"
    } else if matches!(error, rustls::Error::InconsistentKeys(_)) {
        "`tls_key_file` is not the key of `tls_cert_file`"
    } else {
        "check the TLS settings of the server and of [catalog]"
    }
}
