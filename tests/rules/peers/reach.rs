//! Paths and keys as people write them.

use restock::model::FindingKind;
use restock::store::{self, StoreOptions};

use crate::helper::{counts, exit, in_memory};
use crate::support::world::{COLLECTION, World, count};

#[tokio::test(flavor = "multi_thread")]
async fn relative_paths_name_one_store_and_hostile_keys_hide_nothing() {
    let (world, _) = World::healthy(5).await;
    for url in ["store", "./store", "store/../store", "store/"] {
        let options = StoreOptions { url: url.to_owned(), ..StoreOptions::default() };
        let store = store::open(&options, world.dir.path()).await.unwrap();
        assert_eq!(store.identity(), world.open_store().await.identity(), "{url}");
    }
    let names = [".hidden/x", " space ", "%41", "é", "~", "a b/c d", "x\ny", ".hidden-too"];
    for name in names {
        world.put(&format!("{COLLECTION}/{name}"), b"1");
    }
    let report = world.audit_deep().await;
    assert_eq!((exit(&report), counts(&report)), (0, [5, 5, 0, 0, 0, 0]));
    assert_eq!(count(&report, FindingKind::Foreign), names.len());

    let (world, store, _) = in_memory(5).await;
    for key in ["a//b", "../x", "./x", "x\u{1b}[2J"] {
        store.put_unaddressable(&format!("{COLLECTION}/{key}"));
    }
    let report = world.audit_deep().await;
    assert_eq!((exit(&report), counts(&report)), (0, [5, 5, 0, 0, 0, 0]));
    assert_eq!(count(&report, FindingKind::Foreign), 4);
}
