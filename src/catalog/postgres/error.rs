//! What PostgreSQL says, and what to do about it.

use std::borrow::Cow;

use sqlx::postgres::PgDatabaseError;

use crate::catalog::said::Said;
use crate::catalog::server::{Server, Trouble};

/// What an error of the library says to this user.
pub(super) fn said(server: &Server, user: &str, error: &sqlx::Error) -> Said {
    let database = error.as_database_error().and_then(|error| error.try_downcast_ref());
    let Some::<&PgDatabaseError>(database) = database else {
        return Trouble(server).on_the_way(error);
    };
    let (code, message) = (database.code(), database.message());
    let is_of_statement =
        ["0A", "21", "22", "25", "42"].iter().any(|class| code.starts_with(class));
    let said = Said { is_of_statement, ..Said::plain(message) };
    let hint: Cow<'static, str> = match code {
        "28000" | "28P01" if message.contains("certificate") => {
            "the server asks for a certificate that it knows: set `tls_cert_file` and \
             `tls_key_file` in [catalog]"
                .into()
        }
        "28000" | "28P01" => {
            "check user and password of `url` in [catalog], and the server's pg_hba.conf".into()
        }
        "3D000" => "check the database's name in `url` of [catalog]".into(),
        "42501" => grant(message, user),
        "42P01" | "3F000" => {
            "check the name; a table outside of the search path is written schema.table".into()
        }
        "25006" => "restock only reads: leave out of the query whatever writes".into(),
        "40001" => {
            "the server is a replica: let `url` in [catalog] name the primary, or run again".into()
        }
        "53300" => "the server has too many connections: try again, or allow it more".into(),
        "57014" => return Trouble::too_slow(message),
        "57P03" => "the server is starting or stopping: try again".into(),
        "57P01" | "57P02" | "57P05" => {
            "the server was stopped, or somebody ended the connection".into()
        }
        _ => return said,
    };
    said.advising(hint)
}

/// The statement that lets this user read what it may not, as far as the message names it.
fn grant(message: &str, user: &str) -> Cow<'static, str> {
    let named = message.strip_prefix("permission denied for ").unwrap_or_default();
    let (user, quoted) = (quote(user), |kind: &str| named.strip_prefix(kind).map(quote));
    for kind in ["materialized view ", "foreign table ", "relation ", "table ", "view "] {
        if let Some(name) = quoted(kind) {
            return format!("run: GRANT SELECT ON {name} TO {user};").into();
        }
    }
    for kind in ["schema ", "function "] {
        if let Some(name) = quoted(kind) {
            let (right, kind) = match kind {
                "schema " => ("USAGE", "SCHEMA"),
                _ => ("EXECUTE", "FUNCTION"),
            };
            return format!("run: GRANT {right} ON {kind} {name} TO {user};").into();
        }
    }
    if let Some(name) = quoted("database ") {
        return format!("run: GRANT CONNECT ON DATABASE {name} TO {user};").into();
    }
    format!("grant {user} SELECT on what the query reads").into()
}

/// A name as SQL, quoted where it has to be.
fn quote(name: &str) -> String {
    let name = name.trim_matches('"');
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    if name.chars().all(plain) && !name.starts_with(|c: char| c.is_ascii_digit()) {
        return name.to_owned();
    }
    format!("\"{}\"", name.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_names_the_grant_that_is_missing() {
        for (message, hint) in [
            ("permission denied for table t", "run: GRANT SELECT ON t TO reader;"),
            ("permission denied for view My View", "run: GRANT SELECT ON \"My View\" TO reader;"),
            ("permission denied for schema s", "run: GRANT USAGE ON SCHEMA s TO reader;"),
            ("permission denied for function f", "run: GRANT EXECUTE ON FUNCTION f TO reader;"),
            (
                "permission denied for database \"db\"",
                "run: GRANT CONNECT ON DATABASE db TO reader;",
            ),
            ("keine Berechtigung", "grant reader SELECT on what the query reads"),
        ] {
            assert_eq!(grant(message, "reader"), hint);
        }
    }
}
