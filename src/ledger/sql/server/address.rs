//! [`Server`]: where a ledger's database is, as a URL says it.

use std::path::Path;

use sqlx::mysql::{MySqlConnectOptions, MySqlSslMode};
use sqlx::postgres::{PgConnectOptions, PgSslMode};

use crate::database::{self, Address, BadFile, Files, Misfit, Mode, Place, Product, Tls};

/// A database on a server.
#[derive(Debug, Clone)]
pub(in crate::ledger) struct Server {
    pub(super) address: Address,
    pub(super) tls: Tls,
}

impl Server {
    /// Whether a URL is meant to name a server.
    pub(in crate::ledger) fn is_named_by(url: &str) -> bool {
        product(url).is_some()
    }

    /// Reads a URL; files that it names are relative to `base`. The refusal completes "its URL …"
    /// and repeats nothing that may be a part of a password.
    pub(in crate::ledger) fn read(url: &str, base: &Path) -> Result<Self, String> {
        let product = product(url).ok_or("has a scheme that no server has")?;
        let (address, asked) = database::parse(product, url)?;
        let settled = Tls::settle(asked, &Files::of_url(product), &address.place);
        let tls = settled.map_err(|Misfit { key, problem }| match key {
            "url" => problem,
            parameter => format!("has a parameter `{parameter}`, which {problem}"),
        })?;
        Ok(Self { address, tls: tls.under(base) })
    }

    /// Looks into the files for TLS, whose contents a failed connection would not name.
    pub(super) async fn check_files(&self) -> Result<(), String> {
        let checked = self.tls.check_files(&Files::of_url(self.address.product)).await;
        checked.map_err(|BadFile { key, path, problem }| {
            format!("has a parameter `{key}`, {}, which cannot be used: {problem}", path.display())
        })
    }

    pub(super) fn postgres_mode(&self) -> PgSslMode {
        match (self.tls.mode, &self.address.place) {
            (Mode::Disable, _) | (_, Place::Socket(_)) => PgSslMode::Disable,
            (Mode::Prefer, _) => PgSslMode::Prefer,
            (Mode::Require, _) => PgSslMode::Require,
            (Mode::VerifyCa, _) => PgSslMode::VerifyCa,
            (Mode::VerifyFull, _) => PgSslMode::VerifyFull,
        }
    }

    /// The library keeps what it prepares under a name as long as a migration takes, and nothing
    /// else is prepared so.
    pub(super) fn postgres_options(&self, mode: PgSslMode) -> PgConnectOptions {
        database::postgres_options(&self.address, &self.tls).ssl_mode(mode)
    }

    pub(super) fn mysql_options(&self) -> MySqlConnectOptions {
        let mode = match (self.tls.mode, &self.address.place) {
            (Mode::Disable, _) | (Mode::Prefer, Place::Socket(_)) => MySqlSslMode::Disabled,
            (Mode::Prefer, _) => MySqlSslMode::Preferred,
            (Mode::Require, _) => MySqlSslMode::Required,
            (Mode::VerifyCa, _) => MySqlSslMode::VerifyCa,
            (Mode::VerifyFull, _) => MySqlSslMode::VerifyIdentity,
        };
        let mut options = database::mysql_options(&self.address, &self.tls).ssl_mode(mode);
        if let Some(capacity) = self.statement_cache_capacity() {
            options = options.statement_cache_capacity(capacity);
        }
        options
    }

    /// 0 where a proxy on the way hands out another connection for each transaction.
    fn statement_cache_capacity(&self) -> Option<usize> {
        let mut parameters = self.address.parameters.iter();
        let given = parameters.find(|(name, _)| name == "statement-cache-capacity");
        given.and_then(|(_, value)| value.parse().ok())
    }
}

fn product(url: &str) -> Option<Product> {
    url.split_once(':').and_then(|(scheme, _)| Product::of_scheme(scheme))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(url: &str) -> Result<Server, String> {
        Server::read(url, Path::new("/etc/restock"))
    }

    #[test]
    fn a_url_says_where_and_how() {
        let url = "postgres://u@h/db?sslrootcert=ca.pem&statement-cache-capacity=0";
        let server = read(url).unwrap();
        assert_eq!(server.address.place.to_string(), "h:5432");
        assert_eq!(server.tls.ca.as_deref(), Some(Path::new("/etc/restock/ca.pem")));
        assert_eq!(server.tls.mode, Mode::VerifyFull);
        assert_eq!(server.statement_cache_capacity(), Some(0));
        assert_eq!(read("mariadb://u@h/db").unwrap().tls.mode, Mode::Prefer);
    }

    #[test]
    fn what_cannot_be_is_told_without_the_password() {
        for (url, part) in [
            ("mysql://u:SECRET@h", "names no database"),
            ("postgres://u:SE#CRET@h/db", "%23"),
            ("postgres://u:SECRET@h/db?ssl_mode=x", "`ssl_mode`, which restock does not know"),
            ("postgres://u:SECRET@h/db?sslcert=a", "`sslcert`, which needs `sslkey` beside it"),
            ("mysql://u@h/db?ssl-mode=REQUIRED&ssl-ca=a", "does not look at `ssl-ca`"),
            ("mysql://u@h/db?statement-cache-capacity=SECRET", "that is none"),
        ] {
            let problem = read(url).unwrap_err();
            assert!(problem.contains(part) && !problem.contains("SECRET"), "{url}: {problem}");
        }
    }
}
