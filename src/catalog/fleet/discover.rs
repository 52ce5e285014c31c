//! Finds out what a Fleet has, by asking its database.

use async_trait::async_trait;

use crate::catalog::CatalogError;

use super::schema::Schema;
use super::{NEWEST_MIGRATION, SINCE, TABLES};

/// Rows of columns; NULL is none.
pub(in crate::catalog) type Texts = Vec<Vec<Option<String>>>;

/// A database that answers small questions in texts.
#[async_trait]
pub(in crate::catalog) trait Asks: Send + Sync {
    /// The rows of a statement, every column as text.
    async fn texts(&self, sql: &str) -> Result<Texts, NoAnswer>;
}

/// Why a statement has no answer.
#[derive(Debug)]
pub(in crate::catalog) enum NoAnswer {
    /// The database says that a table of it does not exist.
    NoSuchTable,
    /// This user may not ask, and is not told whether there is anything to ask.
    Denied,
    /// All else.
    Failed(CatalogError),
}

/// Which database this is, and whose eyes it is seen with.
const WHO: &str = "SELECT CAST(DATABASE() AS CHAR), CAST(CURRENT_USER() AS CHAR)";

/// What this user sees of Fleet's database.
pub(in crate::catalog) async fn discover(database: &dyn Asks) -> Result<Schema, CatalogError> {
    let mut schema = Schema::default();
    let mut who = ask(database, WHO).await?.into_iter().flatten();
    schema.database = who.next().flatten().unwrap_or_default();
    schema.user = quoted(&who.next().flatten().unwrap_or_default());
    for row in ask(database, &columns_of_tables()).await? {
        if let [Some(table), Some(column)] = row.as_slice() {
            schema.note(table, column);
        }
    }
    if schema.sees_migrations() {
        let newest = ask(database, NEWEST_MIGRATION).await?;
        schema.newest_migration = newest.into_iter().flatten().next().flatten();
    }
    for (table, _) in SINCE {
        if schema.tables.contains_key(table) {
            continue;
        }
        let found = database.texts(&format!("SELECT '1' FROM {table} LIMIT 0")).await;
        match found {
            Err(NoAnswer::NoSuchTable) => {
                schema.absent.insert(table.to_owned());
            }
            // Whoever may ask it sees its columns too; the next opening will.
            Ok(_) | Err(NoAnswer::Denied) => {}
            Err(NoAnswer::Failed(error)) => return Err(error),
        }
    }
    Ok(schema)
}

fn columns_of_tables() -> String {
    let tables: Vec<_> = TABLES.iter().map(|table| format!("'{table}'")).collect();
    format!(
        "SELECT CAST(table_name AS CHAR), CAST(column_name AS CHAR) \
         FROM information_schema.columns \
         WHERE table_schema = DATABASE() AND LOWER(table_name) IN ({})",
        tables.join(", ")
    )
}

async fn ask(database: &dyn Asks, sql: &str) -> Result<Texts, CatalogError> {
    database.texts(sql).await.map_err(|error| match error {
        NoAnswer::Failed(error) => error,
        NoAnswer::NoSuchTable | NoAnswer::Denied => CatalogError::Configuration(
            "the database does not tell this user which tables it may read".to_owned(),
        ),
    })
}

/// `restock@%` as `GRANT` wants it.
fn quoted(user: &str) -> String {
    let (name, host) = user.rsplit_once('@').unwrap_or((user, "%"));
    let quote = |part: &str| format!("'{}'", part.replace('\'', "''"));
    format!("{}@{}", quote(name), quote(host))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A database of scripted answers.
    struct Scripted(fn(&str) -> Result<Texts, NoAnswer>);

    #[async_trait]
    impl Asks for Scripted {
        async fn texts(&self, sql: &str) -> Result<Texts, NoAnswer> {
            (self.0)(sql)
        }
    }

    fn row(texts: &[&str]) -> Vec<Option<String>> {
        texts.iter().map(|text| Some((*text).to_owned())).collect()
    }

    fn answer(sql: &str) -> Result<Texts, NoAnswer> {
        match sql {
            WHO => Ok(vec![row(&["fleet", "rest'ock@10.%"])]),
            NEWEST_MIGRATION => Ok(vec![row(&["20260911171044"])]),
            _ if sql.contains("information_schema") => Ok(vec![
                row(&["SOFTWARE_INSTALLERS", "STORAGE_ID"]),
                row(&["migration_status_tables", "version_id"]),
                row(&["migration_status_tables", "is_applied"]),
            ]),
            _ if sql.contains("in_house_apps") => Err(NoAnswer::NoSuchTable),
            _ => Err(NoAnswer::Denied),
        }
    }

    #[tokio::test]
    async fn what_is_seen_and_what_is_not_becomes_a_schema() {
        let schema = discover(&Scripted(answer)).await.unwrap();
        assert_eq!(schema.database, "fleet");
        assert_eq!(schema.user, "'rest''ock'@'10.%'");
        assert!(schema.has_column("software_installers", "storage_id"));
        assert_eq!(schema.newest_migration.as_deref(), Some("20260911171044"));
        assert_eq!(schema.absent.iter().collect::<Vec<_>>(), ["in_house_apps"]);
    }

    #[tokio::test]
    async fn a_database_that_fails_is_no_old_fleet() {
        let failing = Scripted(|sql| match sql {
            _ if sql.contains("software_title_icons") => {
                Err(NoAnswer::Failed(CatalogError::Configuration("gone".to_owned())))
            }
            _ => answer(sql),
        });
        assert_eq!(discover(&failing).await.unwrap_err().to_string(), "gone");
    }
}
