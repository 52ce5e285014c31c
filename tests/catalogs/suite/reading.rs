//! How much is read, of what, and by which query.

use std::collections::BTreeSet;

use futures::TryStreamExt;
use restock::catalog::CatalogError;
use restock::model::Collection;

use super::{CatalogFixture, FULL, chain, digest, only, packages, refused, scan, table};

/// 100,000 rows come in batches of at most 1,000.
pub(crate) async fn a_large_scan_comes_in_flat_batches<F: CatalogFixture>(fixture: F) {
    table(&fixture, "VARCHAR(64)").await;
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
pub(crate) async fn very_long_urls_come_whole_in_smaller_batches<F: CatalogFixture>(fixture: F) {
    table(&fixture, "VARCHAR(64)").await;
    let url = format!("https://h/{}", "x".repeat(1 << 20));
    for id in 0..20 {
        let insert =
            format!("INSERT INTO t (id, digest, url) VALUES ({id}, '{}', '{url}')", digest(id));
        fixture.execute(&insert).await;
    }
    let catalog = fixture.open(&[packages(FULL)]).await.unwrap();
    let (rows, largest) = scan(&*catalog).await.unwrap();
    assert!(rows.len() == 20 && largest == 1, "{} rows, {largest} at once", rows.len());
    assert!(rows.iter().all(|row| row.sources.url.as_ref() == Some(&url)));
}

/// A name and a reference are for people, who read the beginning.
pub(crate) async fn very_long_names_and_references_are_cut<F: CatalogFixture>(fixture: F) {
    table(&fixture, "VARCHAR(64)").await;
    let (long, one) = ("x".repeat(100_000), digest(1));
    for (id, digest) in [(1, one.to_string()), (2, "none".to_owned())] {
        let values = format!("{id}, '{digest}', '{long}'");
        fixture.execute(&format!("INSERT INTO t (id, digest, url) VALUES ({values})")).await;
    }
    let query = "SELECT digest, url AS name, url AS ref FROM t";
    let catalog = fixture.open(&[packages(query)]).await.unwrap();
    let collection = only(&*catalog);
    let rows = catalog.rows(&collection, &[one]).await.unwrap();
    let malformed = catalog.malformed(&collection, 9).await.unwrap();
    let (row, malformed) = (&rows[0], &malformed[0]);
    for text in [&row.name, &row.reference, &malformed.name, &malformed.reference] {
        assert_eq!(text.as_ref().map(String::len), Some(1024));
    }
}

/// Column names count in any case, and views are as good as tables.
pub(crate) async fn columns_in_capitals_and_views_are_read<F: CatalogFixture>(fixture: F) {
    table(&fixture, "VARCHAR(64)").await;
    fixture
        .execute(&format!("INSERT INTO t (id, digest, size) VALUES (1, '{}', 5)", digest(1)))
        .await;
    let (digest_name, size_name) = (F::quoted("DIGEST"), F::quoted("Size"));
    let view =
        format!("CREATE VIEW v AS SELECT digest AS {digest_name}, size AS {size_name} FROM t");
    fixture.execute(&view).await;
    let catalog =
        fixture.open(&[packages("SELECT * FROM v -- everything; that counts")]).await.unwrap();
    let (rows, _) = scan(&*catalog).await.unwrap();
    assert_eq!((rows[0].digest, rows[0].size), (Some(digest(1)), Some(5)));
    assert_eq!(catalog.rows(&only(&*catalog), &[digest(1)]).await.unwrap().len(), 1);
}

/// A query without a digest is refused, with the columns that it has.
pub(crate) async fn a_query_without_a_digest_is_refused_with_its_columns<F: CatalogFixture>(
    fixture: F,
) {
    table(&fixture, "VARCHAR(64)").await;
    let error = refused(fixture.open(&[packages("SELECT id, name FROM t")]).await);
    assert!(matches!(error, CatalogError::Query { .. }), "{error:?}");
    let message = chain(&error);
    assert!(
        message.contains("no column `digest`") && message.contains("`id`, `name`"),
        "{message}"
    );
}

/// What the database says of a query is handed on.
pub(crate) async fn a_query_that_the_database_refuses_is_told_with_its_words<F: CatalogFixture>(
    fixture: F,
) {
    table(&fixture, "VARCHAR(64)").await;
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
pub(crate) async fn two_statements_and_other_statements_are_refused<F: CatalogFixture>(fixture: F) {
    table(&fixture, "VARCHAR(64)").await;
    for query in ["SELECT digest FROM t; DROP TABLE t", "SELECT digest FROM t;", "DELETE FROM t"] {
        let error = refused(fixture.open(&[packages(query)]).await);
        assert!(matches!(error, CatalogError::Query { .. }), "{error:?}");
    }
    fixture.open(&[packages("SELECT digest FROM t")]).await.unwrap();
}

/// The clock is that of the database, to the second at least.
pub(crate) async fn the_clock_tells_the_time<F: CatalogFixture>(fixture: F) {
    table(&fixture, "VARCHAR(64)").await;
    let catalog = fixture.open(&[packages(FULL)]).await.unwrap();
    let (one, two) = (catalog.now().await.unwrap(), catalog.now().await.unwrap());
    assert!(one <= two && (two - one).num_seconds() < 60, "{one} {two}");
    assert!(one.timestamp() > 1_700_000_000);
}

/// A collection of another catalog is refused, not read as empty.
pub(crate) async fn a_collection_of_another_catalog_is_refused<F: CatalogFixture>(fixture: F) {
    table(&fixture, "VARCHAR(64)").await;
    let catalog = fixture.open(&[packages(FULL)]).await.unwrap();
    let other = Collection { name: "other".to_owned(), ..only(&*catalog) };
    assert!(catalog.scan(&other).try_collect::<Vec<_>>().await.is_err());
    assert!(catalog.rows(&other, &[digest(1)]).await.is_err());
}

/// A look-up by a list of values takes an index, once a scan has shown that it finds all.
pub(crate) async fn a_look_up_uses_the_index_once_a_scan_has_shown_that_it_can<
    F: CatalogFixture,
>(
    fixture: F,
) {
    table(&fixture, "VARCHAR(64)").await;
    for part in (0..50_000_u64).collect::<Vec<_>>().chunks(5000) {
        let values: Vec<_> = part.iter().map(|n| format!("({n}, '{}')", digest(*n))).collect();
        let insert = format!("INSERT INTO t (id, digest) VALUES {}", values.join(", "));
        fixture.execute(&insert).await;
    }
    fixture.execute("CREATE INDEX by_digest ON t (digest)").await;
    let catalog = fixture.open(&[packages(FULL)]).await.unwrap();
    let collection = only(&*catalog);
    let look = async |wanted: u64| {
        let asked_at = tokio::time::Instant::now();
        let rows = catalog.rows(&collection, &[digest(wanted)]).await.unwrap();
        assert_eq!(rows.len(), 1);
        asked_at.elapsed()
    };
    // The first one reads all rows, and sees that all are plain.
    let by_scan = look(7).await;
    let by_index = look(8).await;
    assert!(by_index * 5 < by_scan, "by index {by_index:?}, by scan {by_scan:?}");
}
