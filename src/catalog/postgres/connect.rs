//! Connecting: once to learn what the server is, and then for every statement.

use std::sync::Arc;

use sqlx::postgres::{PgConnectOptions, PgConnection, PgSslMode};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Row};
use tokio::time::timeout;

use super::session::PostgresSession;
use super::{Inner, PostgresEngine, error};
use crate::catalog::said::Said;
use crate::catalog::server::{Address, Mode, Place, Seen, Server, Tls, Trouble, lacks_tls};
use crate::catalog::{CatalogError, Remark};

/// The parameter that has the server look, while it computes, whether anybody still listens. Old
/// servers lack it, and some systems cannot.
const LOOK: &str = "SET LOCAL client_connection_check_interval = 1000";

/// The server's product, and whether it is a replica.
const ABOUT: &str = "SELECT split_part(version(), ' on ', 1), pg_is_in_recovery()::int4";

/// The longest that the server counts, in milliseconds.
const LONGEST: u128 = 2_147_483_647;

impl PostgresEngine {
    /// Connects once, to learn what the server is.
    pub(in crate::catalog) async fn connect(
        server: Server,
    ) -> Result<(Self, Vec<Remark>), CatalogError> {
        server.tls.check_files().await?;
        let mut options = options(&server.address, &server.tls);
        let refuse = |said| Trouble(&server).cannot_open(said);
        let say = |options: &PgConnectOptions, error: &sqlx::Error| {
            error::said(&server, options.get_username(), error)
        };
        let connected = timeout(server.connect_timeout, negotiate(&mut options, &server)).await;
        let (mut connection, is_encrypted) = connected
            .map_err(|_| refuse(Trouble(&server).no_connection()))?
            .map_err(|error| refuse(say(&options, &error)))?;
        let asked = timeout(server.statement_timeout, ask(&mut connection)).await;
        let about = asked
            .map_err(|_| {
                Said::timed_out("the server", "statement_timeout", server.statement_timeout)
            })
            .and_then(|answer| answer.map_err(|error| say(&options, &error)));
        let About { product, is_replica, looks } = about.map_err(refuse)?;
        // What it said is known; how it takes leave does not matter.
        drop(timeout(server.connect_timeout, connection.close()).await);
        let remarks = server.remarks(&Seen { product, is_encrypted, is_replica });
        let begin = begin(&server, looks);
        let identity = server.address.identity();
        Ok((Self(Arc::new(Inner { server, identity, options, begin })), remarks))
    }

    /// Connects for one statement, into a transaction that reads.
    pub(super) async fn begin(&self) -> Result<PostgresSession, Said> {
        let Inner { server, options, begin, .. } = &*self.0;
        let session = async {
            let mut connection = options.connect().await?;
            sqlx::raw_sql(AssertSqlSafe(begin.as_str())).execute(&mut connection).await?;
            Ok(PostgresSession { connection, engine: self.clone() })
        };
        match timeout(server.connect_timeout, session).await {
            Ok(begun) => begun
                .map_err(|error: sqlx::Error| error::said(server, options.get_username(), &error)),
            Err(_) => Err(Trouble(server).no_connection()),
        }
    }
}

/// Connects, encrypted if the server can and nothing else is wanted; leaves in the options what
/// came of it, so that no later connection is less than the first. Tells whether it is encrypted.
async fn negotiate(
    options: &mut PgConnectOptions,
    server: &Server,
) -> Result<(PgConnection, bool), sqlx::Error> {
    let is_socket = matches!(server.address.place, Place::Socket(_));
    let mode = match server.tls.mode {
        _ if is_socket => PgSslMode::Disable,
        Mode::Disable => PgSslMode::Disable,
        Mode::Prefer | Mode::Require => PgSslMode::Require,
        Mode::VerifyCa => PgSslMode::VerifyCa,
        Mode::VerifyFull => PgSslMode::VerifyFull,
    };
    *options = options.clone().ssl_mode(mode);
    match options.connect().await {
        Ok(connection) => Ok((connection, !matches!(mode, PgSslMode::Disable))),
        Err(error) if server.tls.mode == Mode::Prefer && lacks_tls(&error) => {
            *options = options.clone().ssl_mode(PgSslMode::Disable);
            Ok((options.connect().await?, false))
        }
        Err(error) => Err(error),
    }
}

/// What a server is.
struct About {
    product: String,
    is_replica: bool,
    looks: bool,
}

async fn ask(connection: &mut PgConnection) -> Result<About, sqlx::Error> {
    let row = sqlx::raw_sql(ABOUT).fetch_one(&mut *connection).await?;
    let is_replica: String = row.try_get_unchecked(1)?;
    let product = row.try_get_unchecked(0)?;
    let trial = format!("BEGIN; {LOOK}; ROLLBACK");
    let looks = sqlx::raw_sql(AssertSqlSafe(trial)).execute(&mut *connection).await.is_ok();
    Ok(About { product, is_replica: is_replica == "1", looks })
}

/// The statements with which a transaction begins. `LOCAL` lets a pooler hand its connection on as
/// it was.
fn begin(server: &Server, looks: bool) -> String {
    let limit = server.server_limit().as_millis().min(LONGEST);
    let look = if looks { format!("; {LOOK}") } else { String::new() };
    format!(
        "BEGIN ISOLATION LEVEL READ COMMITTED READ ONLY; \
         SET LOCAL statement_timeout = {limit}{look}"
    )
}

fn options(address: &Address, tls: &Tls) -> PgConnectOptions {
    let Address { product: _, place, user, password, database, parameters } = address;
    // A pooler refuses parameters that it does not know, of which `extra_float_digits` is one.
    let mut options = PgConnectOptions::new_without_pgpass()
        .database(database)
        .statement_cache_capacity(0)
        .extra_float_digits(None)
        .application_name("restock")
        .disable_statement_logging();
    match place {
        Place::Tcp { host, port } => options = options.host(host).port(*port),
        Place::Socket(path) => {
            let port = path.extension().and_then(|port| port.to_str()?.parse().ok());
            let folder = path.parent().unwrap_or(path);
            options = options.host("localhost").port(port.unwrap_or(5432)).socket(folder);
        }
    }
    if let Some(user) = user {
        options = options.username(user);
    }
    if let Some(password) = password {
        options = options.password(password);
    }
    if let Some(ca) = &tls.ca {
        options = options.ssl_root_cert(ca);
    }
    if let Some((cert, key)) = &tls.identity {
        options = options.ssl_client_cert(cert).ssl_client_key(key);
    }
    for (name, value) in parameters {
        let option = name.strip_prefix("options[").and_then(|name| name.strip_suffix(']'));
        options = match (name.as_str(), option) {
            ("application_name", _) => options.application_name(value),
            (_, Some(option)) => options.options([(option, value)]),
            _ => options,
        };
    }
    options
}
