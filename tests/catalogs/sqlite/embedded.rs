//! restock's own catalog: written by `EmbeddedCatalog`, read by preset "restock".

use restock::catalog::{EmbeddedCatalog, Preset, Registration};

use super::fixture::{SqliteFixture, options};
use crate::suite::{chain, digest};

async fn registered(fixture: &SqliteFixture, registrations: &[Registration]) {
    let mut embedded = EmbeddedCatalog::create_or_open(&fixture.path()).await.unwrap();
    embedded.register(registrations).await.unwrap();
    embedded.close().await.unwrap();
}

fn registration(n: u64, collection: &str, source_url: Option<&str>) -> Registration {
    Registration {
        digest: digest(n),
        name: Some(format!("object {n}")),
        size: Some(10),
        collection: collection.to_owned(),
        source_url: source_url.map(str::to_owned),
    }
}

#[tokio::test]
async fn preset_restock_finds_its_collections_and_their_rows() {
    let fixture = SqliteFixture::new();
    let objects = [
        registration(1, "software-installers", Some("https://h/1")),
        registration(2, "icons", None),
        registration(3, "it's odd", Some("https://h/3")),
    ];
    registered(&fixture, &objects).await;
    registered(&fixture, &[registration(1, "software-installers", Some("https://h/other"))]).await;
    let before = fixture.files();
    let catalog = fixture.open_with(options(Preset::Restock), &[]).await.unwrap();
    let layouts: Vec<_> = catalog.collections().iter().map(|c| c.key.to_string()).collect();
    let expected = ["icons/{digest}", "it's odd/{digest}", "software-installers/{digest}"];
    assert_eq!(layouts, expected);
    let mut found = Vec::new();
    for collection in catalog.collections() {
        for row in catalog.rows(collection, &[digest(1), digest(2), digest(3)]).await.unwrap() {
            assert!(row.updated_at.is_some() && row.reference.is_some());
            found.push((row.digest, row.name.unwrap(), row.sources.url));
        }
    }
    found.sort();
    let mut expected = vec![
        (digest(1), "object 1".to_owned(), Some("https://h/1".to_owned())),
        (digest(1), "object 1".to_owned(), Some("https://h/other".to_owned())),
        (digest(2), "object 2".to_owned(), None),
        (digest(3), "object 3".to_owned(), Some("https://h/3".to_owned())),
    ];
    expected.sort();
    assert_eq!(found, expected);
    assert!(fixture.files() == before);
}

#[tokio::test]
async fn a_collection_name_that_is_no_key_segment_is_refused_by_name() {
    let fixture = SqliteFixture::new();
    registered(&fixture, &[registration(1, "a/b", None)]).await;
    let opened = fixture.open_with(options(Preset::Restock), &[]).await;
    let message = chain(&opened.map(drop).unwrap_err());
    assert!(message.contains("collection `a/b`"), "{message}");
}

#[tokio::test]
async fn preset_restock_over_other_tables_says_so() {
    let fixture = SqliteFixture::with_rows(1).await;
    let opened = fixture.open_with(options(Preset::Restock), &[]).await;
    let message = chain(&opened.map(drop).unwrap_err());
    assert!(message.contains("lacks the tables of preset \"restock\""), "{message}");
}

#[tokio::test]
async fn registering_again_changes_nothing_and_fills_in_what_was_not_known() {
    let fixture = SqliteFixture::new();
    let mut embedded = EmbeddedCatalog::create_or_open(&fixture.path()).await.unwrap();
    let bare = Registration { name: None, size: None, ..registration(1, "icons", None) };
    let changed = embedded.register(std::slice::from_ref(&bare)).await.unwrap();
    assert_eq!((changed[0].new_object, changed[0].new_source), (true, false));
    let full = registration(1, "elsewhere", Some("https://h/1"));
    let changed = embedded.register(&[full.clone(), full.clone()]).await.unwrap();
    assert_eq!((changed[0].new_object, changed[0].new_source), (false, true));
    assert_eq!((changed[1].new_object, changed[1].new_source), (false, false));
    let renamed = Registration { name: Some("another".to_owned()), ..full };
    embedded.register(&[renamed]).await.unwrap();
    assert_eq!(embedded.collection_of(&digest(1)).await.unwrap().as_deref(), Some("icons"));
    assert_eq!(embedded.collection_of(&digest(2)).await.unwrap(), None);
    embedded.close().await.unwrap();
    let catalog = fixture.open_with(options(Preset::Restock), &[]).await.unwrap();
    let rows = catalog.rows(&catalog.collections()[0], &[digest(1)]).await.unwrap();
    assert_eq!(
        (rows.len(), rows[0].name.as_deref(), rows[0].size),
        (1, Some("object 1"), Some(10))
    );
}

#[tokio::test]
async fn a_database_that_restock_did_not_make_is_never_written() {
    let fixture = SqliteFixture::with_rows(1).await;
    let before = fixture.files();
    let refused = EmbeddedCatalog::create_or_open(&fixture.path()).await.map(drop).unwrap_err();
    assert!(chain(&refused).contains("restock did not make"), "{}", chain(&refused));
    assert!(fixture.files() == before);
    std::fs::write(fixture.path(), "just a text file, and a valuable one").unwrap();
    let refused = EmbeddedCatalog::create_or_open(&fixture.path()).await.map(drop).unwrap_err();
    assert!(chain(&refused).contains("no SQLite database"), "{}", chain(&refused));
    assert_eq!(std::fs::read(fixture.path()).unwrap(), b"just a text file, and a valuable one");
}
