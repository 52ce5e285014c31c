//! The conformance suite of the catalog port: what every database behind it has to do, written
//! over a fixture that can run SQL and open the catalog.

use std::collections::BTreeSet;
use std::sync::Arc;

use futures::TryStreamExt;
use restock::catalog::{Catalog, CatalogError, CollectionOptions, ScannedRow};
use restock::model::{CatalogRow, Collection, Digest, Sources};

/// A fresh, empty database.
pub(crate) trait CatalogFixture: Sized {
    /// Makes it.
    async fn new() -> Self;
    /// Runs one statement with all rights.
    async fn execute(&self, sql: &str);
    /// Opens it as a catalog of preset "custom".
    async fn open(
        &self,
        collections: &[CollectionOptions],
    ) -> Result<Arc<dyn Catalog>, CatalogError>;
    /// The type of a column that holds raw bytes.
    const BYTES: &'static str;
    /// Raw bytes as an SQL literal.
    fn bytes(raw: &[u8]) -> String {
        let hex: Vec<_> = raw.iter().map(|byte| format!("{byte:02x}")).collect();
        format!("X'{}'", hex.concat())
    }
}

/// The n-th digest of a test.
pub(crate) fn digest(n: u64) -> Digest {
    let mut bytes = [0xab; 32];
    // Spread over the digest space, as digests are.
    bytes[..8].copy_from_slice(&n.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes());
    bytes[24..].copy_from_slice(&n.to_be_bytes());
    Digest::new(bytes)
}

/// A digest in mixed case: its first hex letter is upper case, the others lower case.
pub(crate) fn mixed_case(digest: &Digest) -> String {
    let hex = digest.to_string();
    let letter = hex.find(|c: char| c.is_ascii_lowercase()).unwrap();
    let (head, tail) = hex.split_at(letter);
    format!("{head}{}{}", tail[..1].to_uppercase(), &tail[1..])
}

/// A collection `packages` with this query.
pub(crate) fn packages(query: &str) -> CollectionOptions {
    CollectionOptions {
        name: "packages".to_owned(),
        query: Some(query.to_owned()),
        key: "packages/{digest}".parse().unwrap(),
        heal: true,
    }
}

/// The only collection of a catalog.
pub(crate) fn only(catalog: &dyn Catalog) -> Collection {
    assert_eq!(catalog.collections().len(), 1);
    catalog.collections()[0].clone()
}

/// All rows of the scan of the only collection, and the size of the largest batch.
pub(crate) async fn scan(catalog: &dyn Catalog) -> Result<(Vec<ScannedRow>, usize), CatalogError> {
    let collection = only(catalog);
    let batches: Vec<_> = catalog.scan(&collection).try_collect().await?;
    let largest = batches.iter().map(Vec::len).max().unwrap_or(0);
    Ok((batches.into_iter().flatten().collect(), largest))
}

/// An error with its causes, as people see it.
pub(crate) fn chain(error: &CatalogError) -> String {
    let mut message = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        message = format!("{message}: {cause}");
        source = cause.source();
    }
    message
}

fn refused(opened: Result<Arc<dyn Catalog>, CatalogError>) -> CatalogError {
    opened.map(|catalog| catalog.identity().to_owned()).unwrap_err()
}

const FULL: &str = "SELECT digest, url AS source_url, name, size, updated_at, id AS ref FROM t";

async fn table<F: CatalogFixture>(digest_type: &str) -> F {
    let fixture = F::new().await;
    fixture
        .execute(&format!(
            "CREATE TABLE t (id INTEGER PRIMARY KEY, digest {digest_type}, url TEXT, \
             name VARCHAR(200), size BIGINT, updated_at VARCHAR(40))"
        ))
        .await;
    fixture
}

/// Values are what they are, and NULL, 0 and '' mean not known.
pub(crate) async fn a_scan_reads_values_and_takes_null_zero_and_blank_as_not_known<
    F: CatalogFixture,
>() {
    let fixture: F = table("VARCHAR(64)").await;
    let (one, two) = (digest(1), digest(2));
    let insert = format!(
        "INSERT INTO t VALUES (1, '{one}', 'https://h/1', 'a', 10, '2023-11-14 22:13:20'), \
         (2, '{two}', '', '', 0, NULL), (3, '{two}', NULL, NULL, NULL, 'long ago')"
    );
    fixture.execute(&insert).await;
    let catalog = fixture.open(&[packages(FULL)]).await.unwrap();
    let (mut rows, _) = scan(&*catalog).await.unwrap();
    rows.sort_by_key(|row| row.digest);
    let bare =
        ScannedRow { digest: Some(two), size: None, updated_at: None, sources: Sources::default() };
    let full = ScannedRow {
        digest: Some(one),
        size: Some(10),
        updated_at: Some(1_700_000_000),
        sources: Sources::of_url("https://h/1"),
    };
    let mut expected = vec![full, bare.clone(), bare];
    expected.sort_by_key(|row| row.digest);
    assert_eq!(rows, expected);

    let row = catalog.rows(&only(&*catalog), &[one]).await.unwrap().pop().unwrap();
    assert_eq!(
        row,
        CatalogRow {
            digest: one,
            name: Some("a".to_owned()),
            sources: Sources::of_url("https://h/1"),
            size: Some(10),
            updated_at: chrono::DateTime::from_timestamp(1_700_000_000, 0),
            reference: Some("1".to_owned()),
            active: true,
        }
    );
}

/// Duplicates are no concern of the port: each row is told, and each is found again.
pub(crate) async fn every_row_of_a_digest_is_told<F: CatalogFixture>() {
    let fixture: F = table("VARCHAR(64)").await;
    let one = digest(1);
    for id in 0..3 {
        fixture
            .execute(&format!(
                "INSERT INTO t VALUES ({id}, '{one}', 'https://h/{id}', 'n', 1, NULL)"
            ))
            .await;
    }
    let catalog = fixture.open(&[packages(FULL)]).await.unwrap();
    assert_eq!(scan(&*catalog).await.unwrap().0.len(), 3);
    let rows = catalog.rows(&only(&*catalog), &[one, one]).await.unwrap();
    let urls: BTreeSet<_> = rows.iter().filter_map(|row| row.sources.url.as_deref()).collect();
    assert_eq!(rows.len(), 3);
    assert_eq!(urls, BTreeSet::from(["https://h/0", "https://h/1", "https://h/2"]));
}

/// Hex text in any case is found, before a scan and after it.
pub(crate) async fn hex_digests_in_any_case_are_scanned_and_found<F: CatalogFixture>() {
    let fixture: F = table("VARCHAR(64)").await;
    let spelled =
        [digest(1).to_string(), digest(2).to_string().to_uppercase(), mixed_case(&digest(3))];
    for (id, hex) in spelled.iter().enumerate() {
        fixture.execute(&format!("INSERT INTO t (id, digest) VALUES ({id}, '{hex}')")).await;
    }
    finds_each_of_three::<F>(&fixture).await;
}

/// Raw digests are found too.
pub(crate) async fn raw_digests_are_scanned_and_found<F: CatalogFixture>() {
    let fixture: F = table(F::BYTES).await;
    for id in 1..=3 {
        let raw = F::bytes(digest(id).as_bytes());
        fixture.execute(&format!("INSERT INTO t (id, digest) VALUES ({id}, {raw})")).await;
    }
    finds_each_of_three::<F>(&fixture).await;
}

/// Looks for digests 1 to 3, which are there, and 4, which is not: before a scan, after it, and as
/// part of so many that all rows are read.
async fn finds_each_of_three<F: CatalogFixture>(fixture: &F) {
    let catalog = fixture.open(&[packages(FULL)]).await.unwrap();
    let collection = only(&*catalog);
    let three = BTreeSet::from([digest(1), digest(2), digest(3)]);
    let few: Vec<_> = (1..=4).map(digest).collect();
    let many: Vec<_> = (1..=2000).map(digest).collect();
    let found = |rows: Vec<CatalogRow>| rows.iter().map(|row| row.digest).collect::<BTreeSet<_>>();
    assert_eq!(found(catalog.rows(&collection, &few).await.unwrap()), three);
    let (scanned, _) = scan(&*catalog).await.unwrap();
    assert_eq!(scanned.iter().filter_map(|row| row.digest).collect::<BTreeSet<_>>(), three);
    assert_eq!(found(catalog.rows(&collection, &few).await.unwrap()), three);
    assert_eq!(found(catalog.rows(&collection, &many).await.unwrap()), three);
    for one in &three {
        assert_eq!(found(catalog.rows(&collection, &[*one]).await.unwrap()), [*one].into());
    }
    assert!(catalog.rows(&collection, &[]).await.unwrap().is_empty());
}

/// A row in mixed case that comes after the scan is found by the second look all the same.
pub(crate) async fn a_row_in_mixed_case_that_came_after_the_scan_is_found<F: CatalogFixture>() {
    let fixture: F = table("VARCHAR(64)").await;
    fixture.execute(&format!("INSERT INTO t (id, digest) VALUES (1, '{}')", digest(1))).await;
    let catalog = fixture.open(&[packages(FULL)]).await.unwrap();
    scan(&*catalog).await.unwrap();
    let late = mixed_case(&digest(2));
    fixture.execute(&format!("INSERT INTO t (id, digest) VALUES (2, '{late}')")).await;
    let rows = catalog.rows(&only(&*catalog), &[digest(2)]).await.unwrap();
    assert_eq!(rows.len(), 1);
}

/// What is no digest is told with its name and reference, and stops nothing.
pub(crate) async fn malformed_digests_are_told_by_name_and_stop_nothing<F: CatalogFixture>() {
    let fixture: F = table("VARCHAR(80)").await;
    let insert = format!(
        "INSERT INTO t (id, digest, name) VALUES (1, 'xyz', 'Bad One'), (2, '{}', 'Good'), \
         (3, '', 'Empty'), (4, NULL, 'None'), (5, '{}0', 'Long')",
        digest(1),
        digest(1)
    );
    fixture.execute(&insert).await;
    let catalog = fixture.open(&[packages(FULL)]).await.unwrap();
    let (rows, _) = scan(&*catalog).await.unwrap();
    assert_eq!(rows.len(), 5);
    assert_eq!(rows.iter().filter(|row| row.digest.is_none()).count(), 4);
    let malformed = catalog.malformed(&only(&*catalog), 10).await.unwrap();
    let told: BTreeSet<_> = malformed
        .iter()
        .map(|row| (row.reference.as_deref(), row.name.as_deref(), row.shown.as_str()))
        .collect();
    let long = format!("`{}0`", digest(1));
    let expected = BTreeSet::from([
        (Some("1"), Some("Bad One"), "`xyz`"),
        (Some("3"), Some("Empty"), "``"),
        (Some("4"), Some("None"), "NULL"),
        (Some("5"), Some("Long"), long.as_str()),
    ]);
    assert_eq!(told, expected);
    assert_eq!(catalog.malformed(&only(&*catalog), 2).await.unwrap().len(), 2);
}

/// 100,000 rows come in batches of at most 1,000.
pub(crate) async fn a_large_scan_comes_in_flat_batches<F: CatalogFixture>() {
    let fixture: F = table("VARCHAR(64)").await;
    let numbers: Vec<u64> = (0..100_000).collect();
    for part in numbers.chunks(5000) {
        let values: Vec<_> =
            part.iter().map(|n| format!("({n}, '{}', 'https://h/{n}', 7)", digest(*n))).collect();
        let values = values.join(", ");
        fixture.execute(&format!("INSERT INTO t (id, digest, url, size) VALUES {values}")).await;
    }
    let catalog = fixture.open(&[packages(FULL)]).await.unwrap();
    let (rows, largest) = scan(&*catalog).await.unwrap();
    assert_eq!(largest, 1000);
    let distinct: BTreeSet<_> = rows.iter().filter_map(|row| row.digest).collect();
    assert_eq!((rows.len(), distinct.len()), (100_000, 100_000));
    let asked: Vec<_> = (0..200_000).step_by(4).map(digest).collect();
    assert_eq!(catalog.rows(&only(&*catalog), &asked).await.unwrap().len(), 25_000);
}

/// Very long URLs come whole, in smaller batches.
pub(crate) async fn very_long_urls_come_whole_in_smaller_batches<F: CatalogFixture>() {
    let fixture: F = table("VARCHAR(64)").await;
    let url = format!("https://h/{}", "x".repeat(200_000));
    for id in 0..20 {
        let insert =
            format!("INSERT INTO t (id, digest, url) VALUES ({id}, '{}', '{url}')", digest(id));
        fixture.execute(&insert).await;
    }
    let catalog = fixture.open(&[packages(FULL)]).await.unwrap();
    let (rows, largest) = scan(&*catalog).await.unwrap();
    assert!(rows.len() == 20 && largest < 10, "{} rows, {largest} at once", rows.len());
    assert!(rows.iter().all(|row| row.sources.url.as_ref() == Some(&url)));
}

/// Column names count in any case, and views are as good as tables.
pub(crate) async fn columns_in_capitals_and_views_are_read<F: CatalogFixture>() {
    let fixture: F = table("VARCHAR(64)").await;
    fixture
        .execute(&format!("INSERT INTO t (id, digest, size) VALUES (1, '{}', 5)", digest(1)))
        .await;
    fixture.execute("CREATE VIEW v AS SELECT digest AS \"DIGEST\", size AS \"Size\" FROM t").await;
    let catalog =
        fixture.open(&[packages("SELECT * FROM v -- everything; that counts")]).await.unwrap();
    let (rows, _) = scan(&*catalog).await.unwrap();
    assert_eq!((rows[0].digest, rows[0].size), (Some(digest(1)), Some(5)));
    assert_eq!(catalog.rows(&only(&*catalog), &[digest(1)]).await.unwrap().len(), 1);
}

/// A query without a digest is refused, with the columns that it has.
pub(crate) async fn a_query_without_a_digest_is_refused_with_its_columns<F: CatalogFixture>() {
    let fixture: F = table("VARCHAR(64)").await;
    let error = refused(fixture.open(&[packages("SELECT id, name FROM t")]).await);
    assert!(matches!(error, CatalogError::Query { .. }), "{error:?}");
    let message = chain(&error);
    assert!(
        message.contains("no column `digest`") && message.contains("`id`, `name`"),
        "{message}"
    );
}

/// What the database says of a query is handed on.
pub(crate) async fn a_query_that_the_database_refuses_is_told_with_its_words<F: CatalogFixture>() {
    let fixture: F = table("VARCHAR(64)").await;
    for (query, word) in [
        ("SELECT digest FROM", "syntax"),
        ("SELECT digest FROM no_such_table", "no_such_table"),
        ("SELECT no_such_column AS digest FROM t", "no_such_column"),
    ] {
        let error = refused(fixture.open(&[packages(query)]).await);
        assert!(matches!(error, CatalogError::Query { .. }), "{error:?}");
        assert!(chain(&error).contains(word), "{}", chain(&error));
    }
}

/// Nothing but one SELECT is run.
pub(crate) async fn two_statements_and_other_statements_are_refused<F: CatalogFixture>() {
    let fixture: F = table("VARCHAR(64)").await;
    for query in ["SELECT digest FROM t; DROP TABLE t", "SELECT digest FROM t;", "DELETE FROM t"] {
        let error = refused(fixture.open(&[packages(query)]).await);
        assert!(matches!(error, CatalogError::Query { .. }), "{error:?}");
    }
    fixture.open(&[packages("SELECT digest FROM t")]).await.unwrap();
}

/// The clock is that of the database, to the second at least.
pub(crate) async fn the_clock_tells_the_time<F: CatalogFixture>() {
    let fixture: F = table("VARCHAR(64)").await;
    let catalog = fixture.open(&[packages(FULL)]).await.unwrap();
    let (one, two) = (catalog.now().await.unwrap(), catalog.now().await.unwrap());
    assert!(one <= two && (two - one).num_seconds() < 60, "{one} {two}");
    assert!(one.timestamp() > 1_700_000_000);
}

/// A collection of another catalog is refused, not read as empty.
pub(crate) async fn a_collection_of_another_catalog_is_refused<F: CatalogFixture>() {
    let fixture: F = table("VARCHAR(64)").await;
    let catalog = fixture.open(&[packages(FULL)]).await.unwrap();
    let other = Collection { name: "other".to_owned(), ..only(&*catalog) };
    assert!(catalog.scan(&other).try_collect::<Vec<_>>().await.is_err());
    assert!(catalog.rows(&other, &[digest(1)]).await.is_err());
}

/// One `#[tokio::test]` for each property of the suite.
macro_rules! catalog_suite {
    ($fixture:ty: $($test:ident),* $(,)?) => {$(
        #[tokio::test]
        async fn $test() {
            suite::$test::<$fixture>().await;
        }
    )*};
}
