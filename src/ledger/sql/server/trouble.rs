//! What goes wrong with a server, in words that help.

use std::io::ErrorKind;

use sqlx::mysql::MySqlDatabaseError;

use super::Server;
use crate::database::Files;

/// An error of a server with what to do about it.
#[derive(Debug, thiserror::Error)]
#[error("{said}")]
pub(super) struct Explained {
    said: String,
    #[source]
    source: Option<sqlx::Error>,
}

/// The error as the users of this server should read it. Where there is nothing to add, it is the
/// library's own.
pub(super) fn explained(
    server: &Server,
    error: sqlx::Error,
) -> Box<dyn std::error::Error + Send + Sync> {
    if let sqlx::Error::PoolTimedOut = error {
        // Its own words speak of the library's settings.
        let said =
            format!("{} gave no connection in time; check that it runs", server.address.place);
        return Explained { said, source: None }.into();
    }
    match hint(server, &error) {
        Some(hint) => {
            Explained { said: format!("{}: {hint}", server.address.place), source: Some(error) }
                .into()
        }
        None => error.into(),
    }
}

/// What to do about an error, where it says enough.
pub(super) fn hint(server: &Server, error: &sqlx::Error) -> Option<String> {
    if let sqlx::Error::Io(io) = error {
        if io.get_ref().is_some_and(<dyn std::error::Error + Send + Sync>::is::<rustls::Error>) {
            return Some(of_tls(server));
        }
        return of_io(io.kind()).map(str::to_owned);
    }
    if let sqlx::Error::Tls(_) = error {
        return Some(of_tls(server));
    }
    let database = error.as_database_error()?;
    match database.try_downcast_ref::<MySqlDatabaseError>() {
        Some(mysql) => of_mysql(server, mysql.number()),
        None => of_postgres(server, database.code()?.as_ref()),
    }
}

fn of_io(kind: ErrorKind) -> Option<&'static str> {
    let hints: [(&[ErrorKind], _); 3] = [
        (
            &[ErrorKind::ConnectionRefused, ErrorKind::NotFound],
            "nothing listens there; check that the database runs, and host and port in `ledger.url`",
        ),
        (&[ErrorKind::TimedOut], "it does not answer; check host and port in `ledger.url`"),
        (
            &[ErrorKind::ConnectionReset, ErrorKind::ConnectionAborted, ErrorKind::UnexpectedEof],
            "it closed the connection; is it going down?",
        ),
    ];
    hints.into_iter().find(|(kinds, _)| kinds.contains(&kind)).map(|(_, hint)| hint)
}

fn of_tls(server: &Server) -> String {
    let Files { ca: (ca, _), cert: (cert, _), key: _ } = Files::of_url(server.address.product);
    format!(
        "TLS failed; the parameter `{ca}` of `ledger.url` names the authority that signed the \
         server's certificate, in which the host stands as the URL has it, and `{cert}` what the \
         server asks of its clients"
    )
}

fn of_postgres(server: &Server, code: &str) -> Option<String> {
    let database = &server.address.database;
    let user = server.address.user.as_deref().unwrap_or("restock");
    Some(match code {
        "3D000" => format!(
            "there is no database `{database}`; make it with CREATE DATABASE {database} OWNER {user}"
        ),
        "3F000" => {
            "no schema of its search path exists; make one, or let `ledger.url` name another \
                    by options[search_path]=NAME"
                .to_owned()
        }
        "28000" | "28P01" => {
            "check user and password in `ledger.url`, and the server's pg_hba.conf".to_owned()
        }
        "42501" => format!(
            "user `{user}` lacks a right; make it the owner of database `{database}`, or at least \
             of its tables, which takes GRANT USAGE, CREATE ON SCHEMA public TO {user}"
        ),
        "25006" => "it is a replica; let `ledger.url` name the primary".to_owned(),
        "53300" => "it has too many connections; allow it more".to_owned(),
        "57P03" => "it is starting or stopping; try again".to_owned(),
        "22P05" => format!("database `{database}` is not in UTF8; make another with ENCODING UTF8"),
        _ => return None,
    })
}

fn of_mysql(server: &Server, number: u16) -> Option<String> {
    let database = &server.address.database;
    let user = server.address.user.as_deref().unwrap_or("restock");
    Some(match number {
        1049 => format!(
            "there is no database `{database}`; make it with CREATE DATABASE {database}, and GRANT \
             ALL ON {database}.* TO {user}"
        ),
        1045 => "check user and password in `ledger.url`".to_owned(),
        1044 | 1142 | 1227 => {
            format!("user `{user}` lacks a right; GRANT ALL ON {database}.* TO {user}")
        }
        1040 | 1203 => "it has too many connections; allow it more".to_owned(),
        1290 | 1836 => "it only reads; let `ledger.url` name the primary".to_owned(),
        _ => return None,
    })
}
