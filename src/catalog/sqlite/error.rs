//! [`Said`]: what the database engine said, and what to do about it.

use std::time::Duration;

/// What a database said, without the library's words around it.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub(in crate::catalog) struct Said {
    /// The message.
    pub(in crate::catalog) message: String,
    /// What to do, where that is known.
    pub(in crate::catalog) hint: Option<&'static str>,
    /// Whether the SQL is at fault, and not the file.
    pub(in crate::catalog) is_of_statement: bool,
    /// Whether asking again at once may help.
    pub(in crate::catalog) is_passing: bool,
}

impl Said {
    /// What an error of the library says.
    pub(in crate::catalog) fn of(error: &sqlx::Error) -> Self {
        let sqlx::Error::Database(database) = error else {
            return Self::plain(error.to_string());
        };
        let code: i32 = database.code().and_then(|code| code.parse().ok()).unwrap_or_default();
        // The extended code carries the primary one in its lowest byte.
        let primary = code & 0xff;
        let hint = match (primary, code) {
            (5 | 6, _) => Some("another program holds it locked: try again when that is done"),
            (_, 776) => Some(
                "a program crashed while it wrote: open the file once with that program, or with \
                 `sqlite3`, to roll its journal back",
            ),
            (8, _) => Some(
                "its write-ahead log needs recovery: open the file once with the program that \
                 writes it",
            ),
            (11, _) => Some("the file is damaged: restore it from a backup"),
            (14 | 23, _) => Some("check that this user may read the file and enter its folder"),
            (26, _) => Some("the file is no SQLite database: check `url` in [catalog]"),
            _ => None,
        };
        let message = database.message().to_owned();
        Self { message, hint, is_of_statement: primary == 1, is_passing: false }
    }

    /// A limit of time was passed.
    pub(in crate::catalog) fn timed_out(what: &str, option: &str, limit: Duration) -> Self {
        let limit = humantime::format_duration(limit);
        Self::plain(format!("{what} took longer than `{option}` in [catalog], {limit}"))
    }

    /// The file was written while it was read without locks.
    pub(in crate::catalog) fn changed() -> Self {
        Self {
            hint: Some("run again"),
            is_passing: true,
            ..Self::plain("the file was written while it was read".to_owned())
        }
    }

    pub(in crate::catalog) fn plain(message: String) -> Self {
        Self { message, hint: None, is_of_statement: false, is_passing: false }
    }

    /// The same with its hint in the message, for errors that have no place for a hint.
    pub(in crate::catalog) fn with_hint(self) -> Self {
        let Some(hint) = self.hint else { return self };
        Self { message: format!("{} ({hint})", self.message), hint: None, ..self }
    }
}
