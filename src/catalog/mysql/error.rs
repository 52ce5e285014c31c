//! What MySQL and MariaDB say, and what to do about it.

use std::borrow::Cow;

use sqlx::mysql::MySqlDatabaseError;

use crate::catalog::said::Said;
use crate::catalog::server::{Server, Trouble};

/// What an error of the library says to this account, where it is known.
pub(super) fn said(server: &Server, account: Option<&str>, error: &sqlx::Error) -> Said {
    let database = error.as_database_error().and_then(|error| error.try_downcast_ref());
    let Some::<&MySqlDatabaseError>(database) = database else {
        return Trouble(server).on_the_way(error);
    };
    let (number, message) = (database.number(), database.message());
    let class = database.code().unwrap_or_default();
    let is_of_statement = ["21", "22", "25", "42"].iter().any(|known| class.starts_with(known))
        || [1267, 1271, 1356, 1449].contains(&number);
    let said = Said { is_of_statement, ..Said::plain(message) };
    let of_database = &server.address.database;
    let hint: Cow<'static, str> = match number {
        1045 | 1698 | 1251 => {
            "check user and password of `url` in [catalog], and whether that user has to encrypt \
             or to show a certificate"
                .into()
        }
        1044 => match account_in(message).or(account.map(str::to_owned)) {
            Some(account) => format!("run: GRANT SELECT ON `{of_database}`.* TO {account};").into(),
            None => format!("grant this user SELECT on `{of_database}`.*").into(),
        },
        1049 => "check the database's name in `url` of [catalog]".into(),
        1142 | 1143 | 1370 => grant(message, of_database, account),
        1146 => "check the table's name; one of another database is written database.table".into(),
        1130 | 1129 => "the server does not let this machine in: ask who runs it".into(),
        3159 => "the server insists on encryption: write sslmode=require, or set `tls_ca_file` in \
                 [catalog]"
            .into(),
        1792 | 1290 => "restock only reads: leave out of the query whatever writes".into(),
        3024 | 1969 => return Trouble::too_slow(message),
        1040 | 1203 | 1226 => {
            "the server has too many connections: try again, or allow it more".into()
        }
        1317 | 1927 | 1053 | 1077 | 1079 | 2006 | 2013 => {
            "the server was stopped, or somebody ended the statement".into()
        }
        _ => return said,
    };
    said.advising(hint)
}

/// The statement that lets this user read what it may not, as far as the message names it.
fn grant(message: &str, database: &str, account: Option<&str>) -> Cow<'static, str> {
    let right = message.split_once(" command denied").map_or("SELECT", |(right, _)| right);
    // The account, and not where the user comes from, which the message says.
    let account = account.map(str::to_owned).or_else(|| account_in(message));
    let account = account.unwrap_or_else(|| "this user".to_owned());
    let (kind, name) = match (message.rsplit_once("table "), message.rsplit_once("routine ")) {
        (Some((_, table)), _) => ("", table),
        (None, Some((_, routine))) => ("FUNCTION ", routine),
        (None, None) => return format!("grant {account} SELECT on what the query reads").into(),
    };
    let name = name.trim_matches(['\'', '`']);
    // A routine comes with its database; a table does on MariaDB alone.
    let (of, name) = name
        .split_once("`.`")
        .or_else(|| name.split_once('.').filter(|_| !kind.is_empty()))
        .unwrap_or((database, name));
    let name = format!("`{of}`.`{name}`");
    format!("run: GRANT {right} ON {kind}{name} TO {account};").into()
}

/// The user that a message names, with where it comes from.
fn account_in(message: &str) -> Option<String> {
    let (_, rest) = message.split_once("user ")?;
    let account = rest.split(" for ").next()?.split(" to ").next()?;
    account.starts_with('\'').then(|| account.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_names_the_grant_that_is_missing() {
        for (message, hint) in [
            (
                "SELECT command denied to user 'r'@'10.0.0.1' for table `db`.`t`",
                "run: GRANT SELECT ON `db`.`t` TO 'r'@'%';",
            ),
            (
                "SELECT command denied to user 'r'@'10.0.0.1' for table 't'",
                "run: GRANT SELECT ON `fleet`.`t` TO 'r'@'%';",
            ),
            (
                "SELECT command denied to user 'r'@'h' for column 'c' in table 't'",
                "run: GRANT SELECT ON `fleet`.`t` TO 'r'@'%';",
            ),
            (
                "execute command denied to user 'r'@'h' for routine 'fleet.f'",
                "run: GRANT execute ON FUNCTION `fleet`.`f` TO 'r'@'%';",
            ),
            ("something else", "grant 'r'@'%' SELECT on what the query reads"),
        ] {
            assert_eq!(grant(message, "fleet", Some("'r'@'%'")), hint);
        }
        let message = "Access denied for user 'r'@'h' to database 'db'";
        assert_eq!(account_in(message).as_deref(), Some("'r'@'h'"));
    }
}
