//! [`Schema`]: which tables and columns of Fleet a user sees.

use std::collections::{BTreeMap, BTreeSet};

use super::MIGRATIONS;

/// What was seen of Fleet's database.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::catalog) struct Schema {
    /// The database's name.
    pub(in crate::catalog) database: String,
    /// This user as `GRANT` names it, e.g. `'restock'@'%'`.
    pub(in crate::catalog) user: String,
    /// The columns of each table that this user may read, in lower case.
    pub(in crate::catalog) tables: BTreeMap<String, BTreeSet<String>>,
    /// The newest migration, where [`MIGRATIONS`] could be read: a time in 14 digits.
    pub(in crate::catalog) newest_migration: Option<String>,
    /// The tables of which the database itself said that they do not exist.
    pub(in crate::catalog) absent: BTreeSet<String>,
}

/// Why a table is not seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::catalog) enum Missing {
    /// It is not there.
    Absent,
    /// It is there, and this user may not read it.
    Denied,
    /// It is one or the other: a database tells a user without rights neither.
    Doubtful,
}

impl Schema {
    /// Notes a column as `information_schema` tells it.
    pub(in crate::catalog) fn note(&mut self, table: &str, column: &str) {
        self.tables.entry(table.to_lowercase()).or_default().insert(column.to_lowercase());
    }

    /// Whether a table has a column that this user may read.
    pub(super) fn has_column(&self, table: &str, column: &str) -> bool {
        self.tables.get(table).is_some_and(|columns| columns.contains(column))
    }

    /// Whether the migrations can be read.
    pub(in crate::catalog) fn sees_migrations(&self) -> bool {
        self.has_column(MIGRATIONS, "version_id") && self.has_column(MIGRATIONS, "is_applied")
    }

    /// Why a table is not seen that the migration `since` made; `None` where it is seen.
    pub(super) fn missing(&self, table: &str, since: &str) -> Option<Missing> {
        if self.tables.contains_key(table) {
            return None;
        }
        if self.absent.contains(table) {
            return Some(Missing::Absent);
        }
        Some(match self.newest_migration.as_deref() {
            Some(newest) if newest < since => Missing::Absent,
            Some(_) => Missing::Denied,
            None => Missing::Doubtful,
        })
    }

    /// The statement that lets this user read a table.
    pub(super) fn grant(&self, table: &str) -> String {
        format!("GRANT SELECT ON `{}`.`{table}` TO {};", self.database, self.user)
    }

    /// How old this Fleet is, as a remark says it.
    pub(super) fn age(&self) -> String {
        let database = &self.database;
        match &self.newest_migration {
            Some(newest) => format!("Fleet's database `{database}`, newest migration {newest}"),
            None => format!("Fleet's database `{database}`, of unknown age"),
        }
    }
}
