//! The conformance suite of the catalog port: what every database behind it has to do, written
//! over a fixture that can run SQL and open the catalog.

pub(crate) mod reading;
pub(crate) mod values;

use std::sync::Arc;

use futures::TryStreamExt;
use restock::catalog::{Catalog, CatalogError, CollectionOptions, ScannedRow};
use restock::model::{Collection, Digest};

/// A fresh, empty database.
pub(crate) trait CatalogFixture: Sized {
    /// Makes it; `None`, said aloud, where its server does not run.
    async fn fresh() -> Option<Self>;
    /// Runs one statement with all rights.
    async fn execute(&self, sql: &str);
    /// Opens it as a catalog of preset "custom".
    async fn open(
        &self,
        collections: &[CollectionOptions],
    ) -> Result<Arc<dyn Catalog>, CatalogError>;
    /// The type of a column that holds up to 80 raw bytes.
    const BYTES: &'static str;
    /// The type of a column that holds the longest texts.
    const LONG_TEXT: &'static str;
    /// A name in exactly this spelling.
    fn quoted(name: &str) -> String {
        format!("\"{name}\"")
    }
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

pub(crate) fn refused(opened: Result<Arc<dyn Catalog>, CatalogError>) -> CatalogError {
    opened.map(|catalog| catalog.identity().to_owned()).unwrap_err()
}

/// All columns of `t`.
pub(crate) const FULL: &str =
    "SELECT digest, url AS source_url, name, size, updated_at, id AS ref FROM t";

/// A table `t` with a column for everything.
pub(crate) async fn table<F: CatalogFixture>(fixture: &F, digest_type: &str) {
    let long = F::LONG_TEXT;
    fixture
        .execute(&format!(
            "CREATE TABLE t (id INTEGER PRIMARY KEY, digest {digest_type}, url {long}, \
             name VARCHAR(200), size BIGINT, updated_at VARCHAR(40))"
        ))
        .await;
}

/// One `#[tokio::test]` for each property of the suite.
macro_rules! suite {
    ($fixture:ty: $($part:ident { $($test:ident),* $(,)? })*) => {$($(
        #[tokio::test]
        async fn $test() {
            let Some(fixture) = <$fixture as $crate::suite::CatalogFixture>::fresh().await else {
                return;
            };
            $crate::suite::$part::$test(fixture).await;
        }
    )*)*};
    // Every property, so that no database misses one.
    ($fixture:ty) => {
        suite!($fixture:
            values {
                a_scan_reads_values_and_takes_null_zero_and_blank_as_not_known,
                times_are_read_alike_and_those_that_are_none_are_told,
                every_row_of_a_digest_is_told,
                every_row_of_a_digest_is_told_however_it_is_spelled,
                hex_digests_in_any_case_are_scanned_and_found,
                raw_digests_are_scanned_and_found,
                digests_with_a_prefix_or_white_space_are_scanned_and_found,
                a_row_in_mixed_case_that_came_after_the_scan_is_found,
                malformed_digests_are_told_by_name_and_stop_nothing,
                other_sources_and_whether_a_row_is_active_are_told,
            }
            reading {
                a_large_scan_comes_in_flat_batches,
                very_long_urls_come_whole_in_smaller_batches,
                very_long_names_and_references_are_cut,
                columns_in_capitals_and_views_are_read,
                a_query_without_a_digest_is_refused_with_its_columns,
                a_query_that_the_database_refuses_is_told_with_its_words,
                two_statements_and_other_statements_are_refused,
                the_clock_tells_the_time,
                a_collection_of_another_catalog_is_refused,
                a_look_up_uses_the_index_once_a_scan_has_shown_that_it_can,
            }
        );
    };
}
