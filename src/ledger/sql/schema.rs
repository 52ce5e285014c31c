//! The schema: which versions there are, and how a database is brought to the newest.

use sqlx::SqlSafeStr;
use sqlx::migrate::{Migrate, MigrateError, Migration, MigrationType, Migrator};

use super::Dialect;
use crate::ledger::place::OpenError;

/// The table in which a server's ledger keeps the versions that it has; by it, a database is known
/// as a ledger. `SQLite`'s has the library's name, and an id in the file to be known by.
pub(super) const SERVER_VERSIONS: &str = "restock_migrations";

/// The newest version, the same number for every kind of database.
pub(super) const NEWEST: i64 = 3;

/// Those that a kind of database has: servers came with the third.
fn migrations(dialect: Dialect) -> Vec<Migration> {
    let migration = |version, name: &'static str, sql: &'static str| {
        Migration::new(version, name.into(), MigrationType::Simple, sql.into_sql_str(), false)
    };
    macro_rules! file {
        ($name:literal) => {
            include_str!(concat!("../../../migrations/ledger/", $name, ".sql"))
        };
    }
    match dialect {
        Dialect::Sqlite => vec![
            migration(1, "ledger", file!("sqlite/0001_ledger")),
            migration(2, "notes", file!("sqlite/0002_notes")),
            migration(3, "counts", file!("sqlite/0003_counts")),
        ],
        Dialect::Postgres => vec![migration(3, "ledger", file!("postgres/0003_ledger"))],
        Dialect::MySql => vec![migration(3, "ledger", file!("mysql/0003_ledger"))],
    }
}

/// Brings a database to the newest version. `PostgreSQL` lets one process do it while the others
/// wait; for the other two, the caller sees to that.
pub(super) async fn migrate(
    connection: &mut impl Migrate,
    dialect: Dialect,
) -> Result<(), OpenError> {
    let mut migrator = Migrator::with_migrations(migrations(dialect));
    migrator.set_locking(dialect == Dialect::Postgres);
    if dialect != Dialect::Sqlite {
        migrator.dangerous_set_table_name(SERVER_VERSIONS);
    }
    migrator.run_direct(None, connection, false).await.map_err(|error| {
        if let MigrateError::VersionMissing(found) = error {
            return newer(found);
        }
        OpenError::Migrate(error)
    })
}

/// The refusal of a ledger that a newer restock wrote.
pub(super) const fn newer(found: i64) -> OpenError {
    OpenError::Newer { found, known: NEWEST }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_database_ends_at_the_same_version() {
        for dialect in [Dialect::Sqlite, Dialect::Postgres, Dialect::MySql] {
            let newest = migrations(dialect).iter().map(|migration| migration.version).max();
            assert_eq!(newest, Some(NEWEST), "{dialect:?}");
        }
    }
}
