//! [`Dialect`]: the little in which the databases' SQL differs.

use std::borrow::Cow;
use std::fmt::Write as _;

use sha2::{Digest as _, Sha256};

use crate::model::Digest;

/// Bytes of a text that is part of a key. An index of `PostgreSQL` or `InnoDB` holds little more.
const KEY_BYTES_AT_MOST: usize = 1024;

/// Whose SQL it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::ledger) enum Dialect {
    Sqlite,
    Postgres,
    /// MySQL, or MariaDB.
    MySql,
}

/// A table as rows of it are put in place of older ones.
pub(in crate::ledger) struct Table {
    pub(in crate::ledger) name: &'static str,
    /// The columns of its primary key.
    pub(in crate::ledger) key: &'static [&'static str],
    /// The others. Those that are merged come before those that their expressions look at.
    pub(in crate::ledger) columns: &'static [Column],
}

/// What becomes of a column where a row is there already.
pub(in crate::ledger) enum Column {
    /// It takes the new value.
    New(&'static str),
    /// It takes the value of an expression, in which `{new.x}` is the new value of column x, and
    /// `table.x` the one that stands.
    Merged(&'static str, &'static str),
}

impl Column {
    const fn name(&self) -> &'static str {
        match self {
            Self::New(name) | Self::Merged(name, _) => name,
        }
    }
}

impl Dialect {
    /// The text as this database reads it: `PostgreSQL` numbers its placeholders.
    pub(super) fn spell(self, text: &str) -> String {
        if self != Self::Postgres {
            return text.to_owned();
        }
        let mut spelled = String::with_capacity(text.len() + 32);
        for (at, part) in text.split('?').enumerate() {
            if at > 0 {
                // Writing into a string cannot fail.
                _ = write!(spelled, "${at}");
            }
            spelled.push_str(part);
        }
        spelled
    }

    /// Puts so many rows into a table, in place of those with the same keys.
    pub(super) fn upsert(self, table: &Table, rows: usize) -> String {
        let names: Vec<_> =
            table.key.iter().copied().chain(table.columns.iter().map(Column::name)).collect();
        let row = format!("({})", vec!["?"; names.len()].join(", "));
        let values = vec![row.as_str(); rows].join(", ");
        let changed: Vec<_> = table.columns.iter().map(|column| self.changed(column)).collect();
        let (name, names, changed) = (table.name, names.join(", "), changed.join(", "));
        let on_conflict = match self {
            Self::Sqlite | Self::Postgres => {
                format!("ON CONFLICT ({}) DO UPDATE SET", table.key.join(", "))
            }
            Self::MySql => "ON DUPLICATE KEY UPDATE".to_owned(),
        };
        format!("INSERT INTO {name} ({names}) VALUES {values} {on_conflict} {changed}")
    }

    fn changed(self, column: &Column) -> String {
        let (name, expression) = match column {
            Column::New(name) => (*name, Cow::Owned(format!("{{new.{name}}}"))),
            Column::Merged(name, expression) => (*name, Cow::Borrowed(*expression)),
        };
        let (before, after) = match self {
            Self::Sqlite | Self::Postgres => ("excluded.", ""),
            Self::MySql => ("VALUES(", ")"),
        };
        let expression = expression.replace("{new.", before).replace('}', after);
        format!("{name} = {expression}")
    }

    /// Puts one row into a table, unless one with the same key is there.
    pub(in crate::ledger) fn insert_absent(self, table: &str, columns: &[&str]) -> String {
        let (ignore, on_conflict) = match self {
            Self::Sqlite | Self::Postgres => ("", " ON CONFLICT DO NOTHING"),
            Self::MySql => ("IGNORE ", ""),
        };
        let values = vec!["?"; columns.len()].join(", ");
        let columns = columns.join(", ");
        format!("INSERT {ignore}INTO {table} ({columns}) VALUES ({values}){on_conflict}")
    }

    /// The server's own clock, in milliseconds since 1970.
    pub(in crate::ledger) fn now_ms(self) -> &'static str {
        match self {
            Self::Sqlite => "CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER)",
            Self::Postgres => "CAST(extract(epoch FROM clock_timestamp()) * 1000 AS BIGINT)",
            Self::MySql => "CAST(UNIX_TIMESTAMP(NOW(3)) * 1000 AS SIGNED)",
        }
    }

    /// Behind a SELECT: reads what is committed now, and lets nobody change it before the end of
    /// this transaction.
    pub(in crate::ledger) fn lock_shared(self) -> &'static str {
        match self {
            // Whoever writes has locked the whole file.
            Self::Sqlite => "",
            Self::Postgres => " FOR SHARE",
            Self::MySql => " LOCK IN SHARE MODE",
        }
    }

    /// A text as it stands in a key. One that is too long there, or holds what the database
    /// cannot, keeps its beginning and is told apart by its SHA-256.
    pub(in crate::ledger) fn key(self, text: &str) -> Cow<'_, str> {
        let fits = text.len() <= KEY_BYTES_AT_MOST && !text.contains('\0');
        if self == Self::Sqlite || fits {
            return Cow::Borrowed(text);
        }
        let hash = Digest::new(Sha256::digest(text).into());
        let room = KEY_BYTES_AT_MOST - 65;
        let end = text.floor_char_boundary(room);
        let head = text.get(..end).unwrap_or_default().replace('\0', "\u{fffd}");
        // A replaced NUL is longer than it was.
        let end = head.floor_char_boundary(room);
        Cow::Owned(format!("{}#{hash}", head.get(..end).unwrap_or_default()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: Table = Table {
        name: "t",
        key: &["store", "k"],
        columns: &[Column::Merged("a", "CASE WHEN t.b = {new.b} THEN t.a END"), Column::New("b")],
    };

    #[test]
    fn each_database_replaces_rows_in_its_own_words() {
        assert_eq!(
            Dialect::Sqlite.upsert(&TABLE, 2),
            "INSERT INTO t (store, k, a, b) VALUES (?, ?, ?, ?), (?, ?, ?, ?) \
             ON CONFLICT (store, k) DO UPDATE SET \
             a = CASE WHEN t.b = excluded.b THEN t.a END, b = excluded.b"
        );
        assert_eq!(
            Dialect::MySql.upsert(&TABLE, 1),
            "INSERT INTO t (store, k, a, b) VALUES (?, ?, ?, ?) ON DUPLICATE KEY UPDATE \
             a = CASE WHEN t.b = VALUES(b) THEN t.a END, b = VALUES(b)"
        );
    }

    #[test]
    fn placeholders_are_numbered_where_that_is_the_custom() {
        let text = "SELECT a FROM t WHERE b = ? AND c IN (?, ?)";
        assert_eq!(Dialect::MySql.spell(text), text);
        assert_eq!(Dialect::Postgres.spell(text), "SELECT a FROM t WHERE b = $1 AND c IN ($2, $3)");
    }

    #[test]
    fn keys_that_do_not_fit_are_still_told_apart() {
        let long = "\u{20ac}".repeat(2_000);
        for dialect in [Dialect::Postgres, Dialect::MySql] {
            assert_eq!(dialect.key(&"k".repeat(1024)), "k".repeat(1024));
            let one = dialect.key(&long);
            assert!(one.len() <= 1024 && one.starts_with("\u{20ac}\u{20ac}"), "{one}");
            assert_ne!(one, dialect.key(&format!("{long}.")));
            let nul = dialect.key("a\0b");
            assert!(nul.starts_with("a\u{fffd}b#"), "{nul}");
            assert_ne!(nul, dialect.key("a\u{fffd}b"));
            assert!(dialect.key(&"\0".repeat(1_000)).len() <= 1024);
        }
        assert_eq!(Dialect::Sqlite.key(&long), long);
    }
}
