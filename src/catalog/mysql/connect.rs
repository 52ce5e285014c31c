//! Connecting: once to learn what the server is, and then for every statement.

use std::sync::Arc;
use std::time::Duration;

use sqlx::mysql::{MySqlConnectOptions, MySqlConnection, MySqlRow, MySqlSslMode};
use sqlx::{AssertSqlSafe, Column, ConnectOptions, Connection, Row};
use tokio::time::timeout;

use super::session::MySqlSession;
use super::{Inner, MySqlEngine, error};
use crate::catalog::said::Said;
use crate::catalog::server::{Address, Mode, Place, Seen, Server, Tls, Trouble, lacks_tls};
use crate::catalog::{CatalogError, Remark};

/// The server's version, whether it takes writes, and who is asking.
const ABOUT: &str = "SELECT VERSION(), CAST(@@global.read_only AS CHAR), \
                     CAST(@@global.innodb_read_only AS CHAR), CURRENT_USER()";

/// The longest that the server counts.
const LONGEST: Duration = Duration::from_hours(365 * 24);

impl MySqlEngine {
    /// Connects once, to learn what the server is.
    pub(in crate::catalog) async fn connect(
        server: Server,
    ) -> Result<(Self, Vec<Remark>), CatalogError> {
        server.tls.check_files().await?;
        let mut options = options(&server.address, &server.tls);
        let refuse = |said| Trouble(&server).cannot_open(said);
        let connected = timeout(server.connect_timeout, negotiate(&mut options, &server)).await;
        let (mut connection, is_encrypted) = connected
            .map_err(|_| refuse(Trouble(&server).no_connection()))?
            .map_err(|error| refuse(error::said(&server, None, &error)))?;
        let limit = server.statement_timeout;
        let asked = timeout(limit, ask(&mut connection)).await;
        let about = asked
            .map_err(|_| Said::timed_out("the server", "statement_timeout", limit))
            .and_then(|answer| answer.map_err(|error| error::said(&server, None, &error)));
        let About { version, is_replica, account } = about.map_err(refuse)?;
        // What it said is known; how it takes leave does not matter.
        drop(timeout(server.connect_timeout, connection.close()).await);
        let is_mariadb = version.contains("MariaDB");
        let number = version.split('-').next().unwrap_or(&version);
        let product = format!("{} {number}", if is_mariadb { "MariaDB" } else { "MySQL" });
        let remarks = server.remarks(&Seen { product, is_encrypted, is_replica });
        let begin = begin(&server, is_mariadb);
        let identity = server.address.identity();
        let inner = Inner { server, identity, options, begin, account };
        Ok((Self(Arc::new(inner)), remarks))
    }

    /// Connects for one statement, into a session and a transaction that read.
    pub(super) async fn begin(&self) -> Result<MySqlSession, Said> {
        let Inner { server, options, begin, account, .. } = &*self.0;
        let session = async {
            let mut connection = options.connect().await?;
            for statement in begin {
                let statement = sqlx::raw_sql(AssertSqlSafe(statement.as_str()));
                statement.execute(&mut connection).await?;
            }
            Ok(MySqlSession { connection, engine: self.clone() })
        };
        match timeout(server.connect_timeout, session).await {
            Ok(session) => {
                session.map_err(|error: sqlx::Error| error::said(server, Some(account), &error))
            }
            Err(_) => Err(Trouble(server).no_connection()),
        }
    }
}

/// Connects, encrypted if the server can and nothing else is wanted; leaves in the options what
/// came of it, so that no later connection is less than the first. Tells whether it is encrypted.
async fn negotiate(
    options: &mut MySqlConnectOptions,
    server: &Server,
) -> Result<(MySqlConnection, bool), sqlx::Error> {
    let mode = match (server.tls.mode, &server.address.place) {
        (Mode::Disable, _) | (Mode::Prefer, Place::Socket(_)) => MySqlSslMode::Disabled,
        (Mode::Prefer | Mode::Require, _) => MySqlSslMode::Required,
        (Mode::VerifyCa, _) => MySqlSslMode::VerifyCa,
        (Mode::VerifyFull, _) => MySqlSslMode::VerifyIdentity,
    };
    *options = options.clone().ssl_mode(mode);
    match options.connect().await {
        Ok(connection) => Ok((connection, !matches!(mode, MySqlSslMode::Disabled))),
        Err(error) if server.tls.mode == Mode::Prefer && lacks_tls(&error) => {
            *options = options.clone().ssl_mode(MySqlSslMode::Disabled);
            Ok((options.connect().await?, false))
        }
        Err(error) => Err(error),
    }
}

/// What a server is.
struct About {
    version: String,
    is_replica: bool,
    account: String,
}

async fn ask(connection: &mut MySqlConnection) -> Result<About, sqlx::Error> {
    let row = sqlx::raw_sql(ABOUT).fetch_one(&mut *connection).await?;
    let text = |index: usize| row.try_get_unchecked::<String, _>(index);
    let version = text(0)?;
    let is_off = |text: String| matches!(text.as_str(), "0" | "OFF");
    let takes_writes = is_off(text(1)?) && is_off(text(2)?);
    let account = account(&text(3)?);
    let follows = follows(connection, version.contains("MariaDB")).await;
    Ok(About { version, is_replica: !takes_writes || follows, account })
}

/// Whether the server says that it follows another. Few users may ask.
async fn follows(connection: &mut MySqlConnection, is_mariadb: bool) -> bool {
    let question = if is_mariadb { "SHOW ALL SLAVES STATUS" } else { "SHOW REPLICA STATUS" };
    let rows = sqlx::raw_sql(question).fetch_all(connection).await.unwrap_or_default();
    rows.iter().any(is_receiving)
}

/// Whether one of another server's followers has not been stopped.
fn is_receiving(row: &MySqlRow) -> bool {
    let receives = |column: &sqlx::mysql::MySqlColumn| column.name().ends_with("_IO_Running");
    let column = row.columns().iter().find(|column| receives(column));
    let state = column.and_then(|column| row.try_get_unchecked(column.ordinal()).ok());
    state.is_some_and(|state: String| state != "No")
}

/// `user@host` as `GRANT` takes it.
fn account(user: &str) -> String {
    let quote = |text: &str| format!("'{}'", text.replace('\'', "''"));
    match user.rsplit_once('@') {
        Some((user, host)) => format!("{}@{}", quote(user), quote(host)),
        None => quote(user),
    }
}

/// The statements with which a session begins: the server's own way to read SQL, which the library
/// changes; times in UTC; as long as a slow reader may take; and nothing but reading.
fn begin(server: &Server, is_mariadb: bool) -> [String; 2] {
    let limit = server.server_limit().min(LONGEST);
    let (seconds, milliseconds) = (limit.as_secs().max(1), limit.as_millis());
    let (limit, read_only) = if is_mariadb {
        (format!("max_statement_time = {}", limit.as_secs_f64()), "tx_read_only")
    } else {
        (format!("max_execution_time = {milliseconds}"), "transaction_read_only")
    };
    let mut names = "NAMES utf8mb4".to_owned();
    for (name, value) in &server.address.parameters {
        if name == "collation" {
            names = format!("{names} COLLATE {value}");
        }
    }
    let set = format!(
        "SET SESSION sql_mode = @@GLOBAL.sql_mode, time_zone = '+00:00', \
         net_write_timeout = {seconds}, {limit}, {read_only} = 1, {names}"
    );
    [set, "START TRANSACTION READ ONLY".to_owned()]
}

fn options(address: &Address, tls: &Tls) -> MySqlConnectOptions {
    let Address { product: _, place, user, password, database, parameters: _ } = address;
    let mut options = MySqlConnectOptions::new()
        .database(database)
        .statement_cache_capacity(0)
        .pipes_as_concat(false)
        .no_engine_substitution(false)
        .timezone(None)
        .set_names(false)
        .disable_statement_logging();
    match place {
        Place::Tcp { host, port } => options = options.host(host).port(*port),
        Place::Socket(path) => options = options.socket(path),
    }
    if let Some(user) = user {
        options = options.username(user);
    }
    if let Some(password) = password {
        options = options.password(password);
    }
    if let Some(ca) = &tls.ca {
        options = options.ssl_ca(ca);
    }
    if let Some((cert, key)) = &tls.identity {
        options = options.ssl_client_cert(cert).ssl_client_key(key);
    }
    options
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_is_quoted_as_grant_takes_it() {
        assert_eq!(account("restock@%"), "'restock'@'%'");
        assert_eq!(account("o'brien@x@10.0.0.%"), "'o''brien@x'@'10.0.0.%'");
        assert_eq!(account("nobody"), "'nobody'");
    }
}
