//! The library's options for a database, without what each of its users sets for itself: whether
//! the connection is encrypted, and what is kept of statements.

use sqlx::ConnectOptions;
use sqlx::mysql::MySqlConnectOptions;
use sqlx::postgres::PgConnectOptions;

use super::{Address, Place, Tls};

pub(crate) fn postgres_options(address: &Address, tls: &Tls) -> PgConnectOptions {
    let Address { product: _, place, user, password, database, parameters } = address;
    // A pooler refuses parameters that it does not know, of which `extra_float_digits` is one.
    let mut options = PgConnectOptions::new_without_pgpass()
        .database(database)
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

pub(crate) fn mysql_options(address: &Address, tls: &Tls) -> MySqlConnectOptions {
    let Address { product: _, place, user, password, database, parameters: _ } = address;
    let mut options = MySqlConnectOptions::new().database(database).disable_statement_logging();
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
