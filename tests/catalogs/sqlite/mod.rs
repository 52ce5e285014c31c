//! `SQLite`: what is special about a file.

mod embedded;
mod fixture;

use std::path::PathBuf;
use std::time::Duration;

use fixture::{SqliteFixture, options};
use futures::StreamExt;
use restock::catalog::{Catalog, CatalogError, CatalogOptions, Preset};
use restock::model::Span;
use sqlx::{AssertSqlSafe, Connection};

use crate::suite::{CatalogFixture, chain, digest, only, packages, scan};

suite!(SqliteFixture);

const QUERY: &str = "SELECT digest FROM t";

async fn refusal(fixture: &SqliteFixture, query: &str) -> CatalogError {
    fixture.open(&[packages(query)]).await.map(drop).unwrap_err()
}

#[tokio::test]
async fn each_row_may_hold_another_type_and_none_stops_the_scan() {
    let fixture = SqliteFixture::new();
    fixture.execute("CREATE TABLE t (id, digest, size, updated_at, url, name)").await;
    let hex = digest(1).to_string();
    let raw = SqliteFixture::bytes(digest(1).as_bytes());
    let hex_bytes = SqliteFixture::bytes(hex.to_uppercase().as_bytes());
    fixture
        .execute(&format!(
            "INSERT INTO t VALUES (1, '{hex}', 5, 1700000000, 'https://h', 'a'), \
             (2, {raw}, 5.0, '2023-11-14T22:13:20Z', CAST('https://h' AS BLOB), 7), \
             (3, {hex_bytes}, '5', 1700000000.9, 'https://h', NULL), \
             (4, 17, -1, X'ff', 9, 'integer'), (5, 1.5, 1.5, 'x', X'ff', 'real'), \
             (6, CAST(X'ff00ff' AS TEXT), 'five', NULL, '', 'garbled')"
        ))
        .await;
    let query = "SELECT digest, size, updated_at, url AS source_url, name, id AS ref FROM t";
    let catalog = fixture.open(&[packages(query)]).await.unwrap();
    let (rows, _) = scan(&*catalog).await.unwrap();
    for row in &rows[..3] {
        assert_eq!((row.digest, row.size), (Some(digest(1)), Some(5)));
        assert_eq!(row.updated_at, Some(1_700_000_000));
        assert_eq!(row.sources.url.as_deref(), Some("https://h"));
    }
    for row in &rows[3..] {
        assert_eq!((row.digest, row.size, row.updated_at), (None, None, None), "{row:?}");
    }
    let rows = catalog.rows(&only(&*catalog), &[digest(1)]).await.unwrap();
    let names: Vec<_> = rows.iter().map(|row| row.name.as_deref()).collect();
    assert_eq!(names, [Some("a"), Some("7"), None]);
    let malformed = catalog.malformed(&only(&*catalog), 9).await.unwrap();
    let shown: Vec<_> = malformed.iter().map(|row| row.shown.as_str()).collect();
    assert_eq!(shown[..2], ["`17`", "`1.5`"]);
}

#[tokio::test]
async fn a_database_in_utf_16_is_read_like_any_other() {
    let fixture = SqliteFixture::new();
    fixture.execute("PRAGMA encoding = 'UTF-16le'; CREATE TABLE t (digest TEXT, name TEXT)").await;
    fixture.execute(&format!("INSERT INTO t VALUES ('{}', 'é'), ('x', 'ü')", digest(1))).await;
    let catalog = fixture.open(&[packages("SELECT digest, name FROM t")]).await.unwrap();
    let (rows, _) = scan(&*catalog).await.unwrap();
    assert_eq!(rows[0].digest, Some(digest(1)));
    let rows = catalog.rows(&only(&*catalog), &[digest(1)]).await.unwrap();
    assert_eq!(rows[0].name.as_deref(), Some("é"));
    let malformed = catalog.malformed(&only(&*catalog), 9).await.unwrap();
    assert_eq!((malformed[0].shown.as_str(), malformed[0].name.as_deref()), ("`x`", Some("ü")));
}

/// Everything that a pass asks of a catalog.
async fn read_everything(catalog: &dyn Catalog) -> usize {
    let collection = only(catalog);
    let (rows, _) = scan(catalog).await.unwrap();
    catalog.rows(&collection, &[digest(0), digest(1_000_000)]).await.unwrap();
    catalog.malformed(&collection, 10).await.unwrap();
    catalog.now().await.unwrap();
    rows.len()
}

#[tokio::test]
async fn reading_leaves_the_file_and_its_folder_as_they_were() {
    for mode in ["DELETE", "TRUNCATE", "PERSIST", "WAL"] {
        let fixture = SqliteFixture::with_rows(3).await;
        fixture.execute(&format!("PRAGMA journal_mode = {mode}")).await;
        fixture.execute(&format!("INSERT INTO t VALUES ('{}')", digest(3))).await;
        let before = fixture.files();
        let catalog = fixture.open(&[packages(QUERY)]).await.unwrap();
        assert_eq!(read_everything(&*catalog).await, 4);
        assert!(fixture.files() == before, "{mode}: {:?}", fixture.names());
    }
}

#[tokio::test]
async fn a_wal_database_with_an_open_writer_shows_what_is_committed() {
    let fixture = SqliteFixture::with_rows(2).await;
    fixture.execute("PRAGMA journal_mode = WAL").await;
    let mut writer = fixture.writer().await;
    let insert = format!("INSERT INTO t VALUES ('{}')", digest(2));
    sqlx::raw_sql(AssertSqlSafe(insert)).execute(&mut writer).await.unwrap();
    let mut open = writer.begin().await.unwrap();
    sqlx::raw_sql("INSERT INTO t VALUES ('uncommitted')").execute(&mut *open).await.unwrap();
    let (names, before) = (fixture.names(), std::fs::read(fixture.path()).unwrap());
    assert_eq!(names, ["catalog.db", "catalog.db-shm", "catalog.db-wal"]);

    let catalog = fixture.open(&[packages(QUERY)]).await.unwrap();
    assert_eq!(read_everything(&*catalog).await, 3);
    open.rollback().await.unwrap();
    assert_eq!(fixture.names(), names);
    assert_eq!(std::fs::read(fixture.path()).unwrap(), before);

    writer.close().await.unwrap();
    assert_eq!(fixture.names(), ["catalog.db"]);
    assert_eq!(read_everything(&*catalog).await, 3);
    assert_eq!(fixture.names(), ["catalog.db"]);
}

#[tokio::test]
async fn a_wal_database_that_is_written_during_a_scan_gives_no_verdict() {
    let fixture = SqliteFixture::with_rows(0).await;
    let many = "INSERT INTO t WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n \
                WHERE i < 20000) SELECT printf('%064x', i) FROM n";
    fixture.execute(many).await;
    fixture.execute("PRAGMA journal_mode = WAL").await;
    let catalog = fixture.open(&[packages(QUERY)]).await.unwrap();
    let collection = only(&*catalog);
    let mut scanning = catalog.scan(&collection);
    assert_eq!(scanning.next().await.unwrap().unwrap().len(), 1000);
    fixture.execute("DELETE FROM t").await;
    let mut last = Ok(Vec::new());
    while let Some(batch) = scanning.next().await {
        last = batch;
    }
    let message = chain(&last.unwrap_err());
    assert!(message.contains("was written while it was read (run again)"), "{message}");
    assert_eq!(scan(&*catalog).await.unwrap().0.len(), 0);
}

#[tokio::test]
async fn a_log_without_its_index_is_refused_and_nothing_is_made() {
    let fixture = SqliteFixture::with_rows(1).await;
    fixture.execute("PRAGMA journal_mode = WAL").await;
    let mut writer = fixture.writer().await;
    let insert = format!("INSERT INTO t VALUES ('{}')", digest(2));
    sqlx::raw_sql(AssertSqlSafe(insert)).execute(&mut writer).await.unwrap();
    let copy = SqliteFixture::new();
    for name in ["catalog.db", "catalog.db-wal"] {
        std::fs::copy(fixture.folder.path().join(name), copy.folder.path().join(name)).unwrap();
    }
    let before = copy.files();
    let message = chain(&refusal(&copy, QUERY).await);
    assert!(message.contains("no -shm file") && message.contains("open it once"), "{message}");
    assert!(copy.files() == before);
}

#[tokio::test]
async fn a_journal_that_a_crash_left_is_refused_and_not_rolled_back() {
    let fixture = SqliteFixture::with_rows(1).await;
    let mut writer = fixture.writer().await;
    // A cache of one page makes the writer spill, so that the journal is hot.
    let spill = "PRAGMA cache_size = 1; BEGIN; INSERT INTO t WITH RECURSIVE n(i) AS (SELECT 1 \
                 UNION ALL SELECT i + 1 FROM n WHERE i < 9000) SELECT hex(randomblob(32)) FROM n";
    sqlx::raw_sql(spill).execute(&mut writer).await.unwrap();
    let copy = SqliteFixture::new();
    for name in ["catalog.db", "catalog.db-journal"] {
        std::fs::copy(fixture.folder.path().join(name), copy.folder.path().join(name)).unwrap();
    }
    let before = copy.files();
    let message = chain(&refusal(&copy, QUERY).await);
    assert!(message.contains("roll its journal back"), "{message}");
    assert!(copy.files() == before);
}

#[tokio::test]
async fn a_locked_database_is_told_as_locked_within_the_connect_time_out() {
    let fixture = SqliteFixture::with_rows(1).await;
    let catalog = fixture.open(&[packages(QUERY)]).await.unwrap();
    let mut writer = fixture.writer().await;
    sqlx::raw_sql("BEGIN EXCLUSIVE").execute(&mut writer).await.unwrap();
    let message = chain(&refusal(&fixture, QUERY).await);
    assert!(message.contains("another program holds it locked"), "{message}");
    let message = chain(&scan(&*catalog).await.unwrap_err());
    assert!(message.contains("another program holds it locked"), "{message}");
    sqlx::raw_sql("ROLLBACK").execute(&mut writer).await.unwrap();
    assert_eq!(scan(&*catalog).await.unwrap().0.len(), 1);
}

#[tokio::test]
async fn a_statement_that_takes_too_long_is_told_and_ended() {
    let fixture = SqliteFixture::with_rows(1).await;
    let endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) \
                   SELECT i AS digest FROM n, t WHERE i < 0";
    let options = CatalogOptions {
        statement_timeout: Span(Duration::from_millis(200)),
        ..options(Preset::Custom)
    };
    let catalog = fixture.open_with(options, &[packages(endless)]).await.unwrap();
    let message = chain(&scan(&*catalog).await.unwrap_err());
    assert!(message.contains("longer than `statement_timeout` in [catalog], 200ms"), "{message}");
    // Waits for the reader's lock, for 5 s at most: the statement does not run on unheard.
    fixture.execute("BEGIN EXCLUSIVE; COMMIT").await;
}

#[tokio::test]
async fn garbage_a_truncated_file_and_an_empty_one_are_no_catalog() {
    let fixture = SqliteFixture::with_rows(0).await;
    let many = "INSERT INTO t WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n \
                WHERE i < 2000) SELECT printf('%064x', i) FROM n";
    fixture.execute(many).await;
    let whole = std::fs::read(fixture.path()).unwrap();
    for bytes in [&b"not a database, but long enough to be one"[..], b"", b"SQLite", &whole[..20]] {
        std::fs::write(fixture.path(), bytes).unwrap();
        let error = refusal(&fixture, QUERY).await;
        assert!(matches!(error, CatalogError::Connect { .. }), "{error:?}");
        assert_eq!(fixture.names(), ["catalog.db"]);
    }
    std::fs::write(fixture.path(), &whole[..whole.len() / 2]).unwrap();
    let read = match fixture.open(&[packages(QUERY)]).await {
        Ok(catalog) => scan(&*catalog).await.map(|(rows, _)| rows.len()),
        Err(error) => Err(error),
    };
    let message = chain(&read.unwrap_err());
    assert!(message.contains("the file is damaged"), "{message}");
}

#[tokio::test]
async fn an_absent_catalog_is_told_and_never_made() {
    let fixture = SqliteFixture::new();
    let error = refusal(&fixture, QUERY).await;
    assert!(matches!(error, CatalogError::Absent { .. }), "{error:?}");
    assert!(chain(&error).contains("catalog.db"), "{}", chain(&error));
    let fixture = SqliteFixture::with_rows(1).await;
    let catalog = fixture.open(&[packages(QUERY)]).await.unwrap();
    std::fs::remove_file(fixture.path()).unwrap();
    let error = scan(&*catalog).await.unwrap_err();
    assert!(matches!(error, CatalogError::Absent { .. }), "{error:?}");
    assert!(fixture.names().is_empty());
}

#[tokio::test]
async fn a_url_file_names_the_catalog() {
    let fixture = SqliteFixture::with_rows(1).await;
    std::fs::write(fixture.folder.path().join("url"), " sqlite://catalog.db \n").unwrap();
    let options = CatalogOptions {
        url: None,
        url_file: Some(PathBuf::from("url")),
        ..options(Preset::Custom)
    };
    let catalog = fixture.open_with(options, &[packages(QUERY)]).await.unwrap();
    let path = fixture.path().canonicalize().unwrap();
    assert_eq!(catalog.identity(), format!("sqlite://{}", path.display()));
}

#[tokio::test]
async fn a_scan_that_nobody_reads_to_its_end_lets_go_of_the_file() {
    let fixture = SqliteFixture::with_rows(1).await;
    let endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) \
                   SELECT i AS digest FROM n, t";
    let catalog = fixture.open(&[packages(endless)]).await.unwrap();
    let collection = only(&*catalog);
    let first = catalog.scan(&collection).next().await.unwrap().unwrap();
    assert_eq!(first.len(), 1000);
    assert_eq!(catalog.malformed(&collection, 5).await.unwrap().len(), 5);
    // Waits for the readers' locks, for 5 s at most.
    fixture.execute("BEGIN EXCLUSIVE; INSERT INTO t VALUES ('x'); COMMIT").await;
}

#[tokio::test]
async fn a_look_up_uses_the_index_once_a_scan_has_shown_that_it_can() {
    let fixture = SqliteFixture::with_rows(0).await;
    let many = "INSERT INTO t WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n \
                WHERE i < 50000) SELECT lower(hex(randomblob(32))) FROM n";
    fixture.execute(many).await;
    fixture.execute(&format!("INSERT INTO t VALUES ('{}')", digest(1))).await;
    fixture.execute("CREATE INDEX by_digest ON t (digest)").await;
    let catalog = fixture.open(&[packages("SELECT digest, rowid AS ref FROM t")]).await.unwrap();
    let collection = only(&*catalog);
    let rows = async || {
        let asked_at = tokio::time::Instant::now();
        let rows = catalog.rows(&collection, &[digest(1)]).await.unwrap();
        assert_eq!(rows.len(), 1);
        asked_at.elapsed()
    };
    scan(&*catalog).await.unwrap();
    let by_index = rows().await;
    let other = fixture.open(&[packages("SELECT digest, rowid AS ref FROM t")]).await.unwrap();
    let asked_at = tokio::time::Instant::now();
    other.rows(&collection, &[digest(1)]).await.unwrap();
    let by_scan = asked_at.elapsed();
    assert!(by_index * 5 < by_scan, "by index {by_index:?}, by scan {by_scan:?}");
}
