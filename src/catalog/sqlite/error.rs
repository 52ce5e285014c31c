//! What the engine says, and what to do about it.

use crate::catalog::said::Said;

/// What an error of the library says.
pub(in crate::catalog) fn said(error: &sqlx::Error) -> Said {
    let sqlx::Error::Database(database) = error else {
        return Said::plain(error.to_string());
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
            "its write-ahead log needs recovery: open the file once with the program that writes \
             it",
        ),
        (11, _) => Some("the file is damaged: restore it from a backup"),
        (14 | 23, _) => Some("check that this user may read the file and enter its folder"),
        (26, _) => Some("the file is no SQLite database: check `url` in [catalog]"),
        _ => None,
    };
    Said {
        message: database.message().to_owned(),
        hint: hint.map(Into::into),
        is_of_statement: primary == 1,
        is_passing: false,
    }
}

/// The file was written while it was read without locks.
pub(super) fn changed() -> Said {
    let said = Said::plain("the file was written while it was read").advising("run again");
    Said { is_passing: true, ..said }
}
