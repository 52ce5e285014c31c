//! Values are what they are, and digests are found however they are spelled.

use std::collections::BTreeSet;

use restock::catalog::ScannedRow;
use restock::model::{CatalogRow, Slice, Sources};

use super::{CatalogFixture, FULL, digest, mixed_case, only, packages, scan, table};

/// Values are what they are, and NULL, 0 and '' mean not known.
pub(crate) async fn a_scan_reads_values_and_takes_null_zero_and_blank_as_not_known<
    F: CatalogFixture,
>(
    fixture: F,
) {
    table(&fixture, "VARCHAR(64)").await;
    let (one, two) = (digest(1), digest(2));
    let insert = format!(
        "INSERT INTO t VALUES (1, '{one}', 'https://h/1', 'a', 10, '2023-11-14 22:13:20'), \
         (2, '{two}', '', '', 0, NULL), (3, '{two}', NULL, NULL, NULL, 'long ago')"
    );
    fixture.execute(&insert).await;
    let catalog = fixture.open(&[packages(FULL)]).await.unwrap();
    let (mut rows, _) = scan(&*catalog).await.unwrap();
    rows.sort_by_key(|row| (row.digest, row.is_mistimed));
    let bare = |is_mistimed| ScannedRow {
        digest: Some(two),
        is_unreadable: false,
        is_mistimed,
        size: None,
        updated_at: None,
        sources: Sources::default(),
    };
    let full = ScannedRow {
        digest: Some(one),
        is_unreadable: false,
        is_mistimed: false,
        size: Some(10),
        updated_at: Some(1_700_000_000),
        sources: Sources::of_url("https://h/1"),
    };
    let mut expected = vec![full, bare(false), bare(true)];
    expected.sort_by_key(|row| (row.digest, row.is_mistimed));
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

/// A time means the same in every database, however it is spelled, and what is none is told.
pub(crate) async fn times_are_read_alike_and_those_that_are_none_are_told<F: CatalogFixture>(
    fixture: F,
) {
    table(&fixture, "VARCHAR(64)").await;
    let spelled = [
        "2023-11-14 22:13:20",
        "2023-11-14T22:13:20Z",
        "2023-11-14 22:13:20 UTC",
        "2023-11-15 00:13:20+02",
        "2023-11-15 00:13:20 +0200",
        "2023-11-15T00:13:20.000+02:00",
        "Tue, 14 Nov 2023 22:13:20 GMT",
        "1700000000",
        "1700000000000",
    ];
    let none = ["soon", "14.11.2023 22:13", "2023-11-14 22:13:20 CET"];
    let later = ["9999-12-31 23:59:59", "infinity"];
    let all = spelled.iter().chain(&none).chain(&later);
    for (n, time) in (1..).zip(all) {
        let insert = format!(
            "INSERT INTO t (id, digest, name, updated_at) VALUES ({n}, '{}', 'n', '{time}')",
            digest(n)
        );
        fixture.execute(&insert).await;
    }
    let catalog = fixture.open(&[packages(FULL)]).await.unwrap();
    let (rows, _) = scan(&*catalog).await.unwrap();
    let read = rows.iter().filter(|row| row.updated_at == Some(1_700_000_000)).count();
    assert_eq!(read, spelled.len());
    assert_eq!(rows.iter().filter(|row| row.is_mistimed).count(), none.len());
    let (collection, latest) = (only(&*catalog), 1_800_000_000);
    let told = catalog.mistimed(&collection, Slice::WHOLE, latest, 9).await.unwrap();
    let told: BTreeSet<_> = told
        .into_iter()
        .map(|row| (row.shown, row.is_future, row.name, row.reference.is_some()))
        .collect();
    let row =
        |is_future| move |time: &&str| ((*time).to_owned(), is_future, Some("n".to_owned()), true);
    let expected: BTreeSet<_> =
        none.iter().map(row(false)).chain(later.iter().map(row(true))).collect();
    assert_eq!(told, expected);
    assert_eq!(catalog.mistimed(&collection, Slice::WHOLE, latest, 2).await.unwrap().len(), 2);
    let mut halves = Vec::new();
    for index in [1, 2] {
        let half = Slice::new(index, 2).unwrap();
        halves.extend(catalog.mistimed(&collection, half, latest, 9).await.unwrap());
    }
    assert_eq!(halves.len(), expected.len());
}

/// Duplicates are no concern of the port: each row is told, and each is found again.
pub(crate) async fn every_row_of_a_digest_is_told<F: CatalogFixture>(fixture: F) {
    table(&fixture, "VARCHAR(64)").await;
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

/// Also where each row spells it in another way that an index finds.
pub(crate) async fn every_row_of_a_digest_is_told_however_it_is_spelled<F: CatalogFixture>(
    fixture: F,
) {
    table(&fixture, "VARCHAR(80)").await;
    let hex = digest(1).to_string();
    for (id, text) in [format!("sha256:{hex}"), hex.to_uppercase(), hex].iter().enumerate() {
        fixture.execute(&format!("INSERT INTO t (id, digest) VALUES ({id}, '{text}')")).await;
    }
    let catalog = fixture.open(&[packages(FULL)]).await.unwrap();
    for _ in 0..2 {
        let rows = catalog.rows(&only(&*catalog), &[digest(1)]).await.unwrap();
        let refs: BTreeSet<_> = rows.into_iter().filter_map(|row| row.reference).collect();
        assert_eq!(refs, BTreeSet::from(["0", "1", "2"].map(str::to_owned)));
        scan(&*catalog).await.unwrap();
    }
}

/// Hex text in any case is found, before a scan and after it.
pub(crate) async fn hex_digests_in_any_case_are_scanned_and_found<F: CatalogFixture>(fixture: F) {
    table(&fixture, "VARCHAR(64)").await;
    let spelled =
        [digest(1).to_string(), digest(2).to_string().to_uppercase(), mixed_case(&digest(3))];
    for (id, hex) in spelled.iter().enumerate() {
        fixture.execute(&format!("INSERT INTO t (id, digest) VALUES ({id}, '{hex}')")).await;
    }
    finds_each_of_three::<F>(&fixture).await;
}

/// Raw digests are found too.
pub(crate) async fn raw_digests_are_scanned_and_found<F: CatalogFixture>(fixture: F) {
    table(&fixture, F::BYTES).await;
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

/// A prefix and white space are no part of a digest, and hide it from no look-up.
pub(crate) async fn digests_with_a_prefix_or_white_space_are_scanned_and_found<
    F: CatalogFixture,
>(
    fixture: F,
) {
    let prefixed = |n| format!("sha256:{}", digest(n));
    for (n, spelled) in [
        [prefixed(1), prefixed(2), prefixed(3)],
        [format!("SHA256:{}", digest(1)), format!("0x{}", digest(2)), format!(" {} ", digest(3))],
        [digest(1).to_string(), prefixed(2), format!("Sha256: 0X{}", digest(3))],
    ]
    .iter()
    .enumerate()
    {
        for kind in ["VARCHAR(80)", F::BYTES] {
            fixture.execute("DROP TABLE IF EXISTS t").await;
            table(&fixture, kind).await;
            for (id, text) in spelled.iter().enumerate() {
                let is_text = kind != F::BYTES;
                let value = if is_text { format!("'{text}'") } else { F::bytes(text.as_bytes()) };
                let insert = format!("INSERT INTO t (id, digest) VALUES ({id}, {value})");
                fixture.execute(&insert).await;
            }
            finds_each_of_three::<F>(&fixture).await;
            let catalog = fixture.open(&[packages(FULL)]).await.unwrap();
            let malformed = catalog.malformed(&only(&*catalog), 9).await.unwrap();
            assert!(malformed.is_empty(), "{n}: {malformed:?}");
        }
    }
}

/// A row in mixed case that comes after the scan is found by the second look all the same.
pub(crate) async fn a_row_in_mixed_case_that_came_after_the_scan_is_found<F: CatalogFixture>(
    fixture: F,
) {
    table(&fixture, "VARCHAR(64)").await;
    fixture.execute(&format!("INSERT INTO t (id, digest) VALUES (1, '{}')", digest(1))).await;
    let catalog = fixture.open(&[packages(FULL)]).await.unwrap();
    scan(&*catalog).await.unwrap();
    let late = mixed_case(&digest(2));
    fixture.execute(&format!("INSERT INTO t (id, digest) VALUES (2, '{late}')")).await;
    let rows = catalog.rows(&only(&*catalog), &[digest(2)]).await.unwrap();
    assert_eq!(rows.len(), 1);
}

/// What is no digest is told with its name and reference, and stops nothing.
pub(crate) async fn malformed_digests_are_told_by_name_and_stop_nothing<F: CatalogFixture>(
    fixture: F,
) {
    table(&fixture, "VARCHAR(80)").await;
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
    assert_eq!(rows.iter().filter(|row| row.is_unreadable).count(), 3, "NULL wants nothing");
    let malformed = catalog.malformed(&only(&*catalog), 10).await.unwrap();
    let told: BTreeSet<_> = malformed
        .iter()
        .map(|row| (row.reference.as_deref(), row.name.as_deref(), row.shown.as_str()))
        .collect();
    let long = format!("`{}0`", digest(1));
    let expected = BTreeSet::from([
        (Some("1"), Some("Bad One"), "`xyz`"),
        (Some("3"), Some("Empty"), "``"),
        (Some("5"), Some("Long"), long.as_str()),
    ]);
    assert_eq!(told, expected);
    assert_eq!(catalog.malformed(&only(&*catalog), 2).await.unwrap().len(), 2);
}

/// What preset "fleet" tells of a row, any query may tell.
pub(crate) async fn other_sources_and_whether_a_row_is_active_are_told<F: CatalogFixture>(
    fixture: F,
) {
    let create = "CREATE TABLE t (id INTEGER PRIMARY KEY, digest VARCHAR(64), app VARCHAR(80), \
                  script INTEGER, active SMALLINT)";
    fixture.execute(create).await;
    let insert = format!(
        "INSERT INTO t VALUES (1, '{}', 'slack/darwin', 7, 1), (2, '{}', ' ', NULL, 0), \
         (3, '{}', NULL, NULL, NULL)",
        digest(1),
        digest(2),
        digest(3)
    );
    fixture.execute(&insert).await;
    let query = "SELECT digest, app AS restock_maintained_app, script AS restock_script, \
                 active AS restock_active, id AS ref FROM t";
    let catalog = fixture.open(&[packages(query)]).await.unwrap();
    let full = Sources {
        url: None,
        maintained_app: Some("maintained-app:slack/darwin".to_owned()),
        script: Some("script:7".to_owned()),
    };
    let (scanned, _) = scan(&*catalog).await.unwrap();
    let with_sources: Vec<_> =
        scanned.iter().filter(|row| row.sources != Sources::default()).collect();
    assert_eq!((with_sources.len(), &with_sources[0].sources), (1, &full));
    let wanted = [digest(1), digest(2), digest(3)];
    let mut rows = catalog.rows(&only(&*catalog), &wanted).await.unwrap();
    rows.sort_by_key(|row| row.reference.clone());
    let told: Vec<_> = rows.iter().map(|row| (&row.sources, row.active)).collect();
    let none = Sources::default();
    assert_eq!(told, [(&full, true), (&none, false), (&none, true)]);
    assert_eq!(catalog.script("7").await.unwrap(), None, "no preset, no scripts");
}
