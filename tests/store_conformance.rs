//! What every store promises, on each of them: a directory, the double in memory, an S3 server
//! that honours conditions and one that ignores them.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::indexing_slicing,
    clippy::as_conversions,
    clippy::disallowed_methods,
    reason = "a broken test should stop"
)]

#[path = "support/memory_store.rs"]
mod memory_store;
#[path = "store_conformance/removing.rs"]
mod removing;
#[path = "support/s3.rs"]
mod s3;
#[path = "support/worlds.rs"]
mod worlds;

use std::sync::Arc;

use bytes::Bytes;
use futures::StreamExt;
use restock::model::{Slice, TEMPORARY_MARK, Upload};
use restock::store::{Condition, Probe, StoreFault};

use removing::{
    another_version_than_the_one_looked_at_is_not_removed,
    folders_are_cleared_up_where_nothing_lies_in_them, keys_that_are_odd_are_removed_byte_for_byte,
    what_is_removed_is_gone_and_nothing_else_is,
};
use s3::Server;
use worlds::{Journal, Place, World, key, keys_of, listed, noise, present, read, stage};

const LAYOUT: &str = "installers/{digest}";

/// Runs each of the tests on each of the stores.
macro_rules! on_every_store {
    ($($test:ident)*) => {
        on_every_store! { @ directory $($test)* }
        on_every_store! { @ memory $($test)* }
        on_every_store! { @ moto $($test)* }
        on_every_store! { @ juicefs $($test)* }
    };
    (@ $world:ident $($test:ident)*) => {
        mod $world {
            $(#[tokio::test]
            async fn $test() {
                if let Some(world) = crate::worlds::World::$world().await {
                    super::$test(&world).await;
                }
            })*
        }
    };
}

on_every_store! {
    a_store_that_is_there_says_so_and_an_empty_folder_lists_nothing
    an_object_is_listed_probed_and_read_as_it_is
    thousands_of_objects_are_each_listed_once_whole_and_in_slices
    neighbours_of_the_prefix_folder_markers_and_temporary_names_are_not_listed
    keys_are_bytes
    an_absent_object_is_absent_and_a_folder_is_no_object
    keys_that_cannot_be_are_unknown_and_never_absent
    a_staged_object_is_invisible_until_it_is_published
    an_object_of_many_parts_is_published_whole
    an_object_in_chunks_of_one_byte_is_as_many_requests_as_in_one_piece
    what_is_discarded_leaves_nothing
    a_journal_that_fails_stops_the_upload
    an_object_that_appeared_meanwhile_is_not_replaced
    a_corrupt_object_is_replaced_only_if_it_is_the_one_that_was_read
    a_large_object_replaces_a_corrupt_one_whole
    setting_aside_copies_and_the_copy_survives_the_replacement
    an_upload_that_a_crash_left_is_swept_once_and_again
    what_is_removed_is_gone_and_nothing_else_is
    another_version_than_the_one_looked_at_is_not_removed
    keys_that_are_odd_are_removed_byte_for_byte
    folders_are_cleared_up_where_nothing_lies_in_them
}

async fn a_store_that_is_there_says_so_and_an_empty_folder_lists_nothing(world: &World) {
    world.store.check().await.unwrap();
    assert_eq!(keys_of(world, LAYOUT, Slice::WHOLE).await, Vec::<String>::new());
    assert_eq!(keys_of(world, "{digest:2}/{digest}", Slice::WHOLE).await, Vec::<String>::new());
}

async fn an_object_is_listed_probed_and_read_as_it_is(world: &World) {
    world.put(&key(1), b"bytes").await;
    let (objects, unaddressable) =
        listed(world.store.as_ref(), LAYOUT, Slice::WHOLE).await.unwrap();
    assert_eq!(unaddressable, Vec::<String>::new());
    assert_eq!((objects.len(), &objects[0].key, objects[0].size), (1, &key(1), 5));

    let meta = present(world, &key(1)).await;
    assert_eq!(meta.size, 5);
    let (told, listed) = (meta.modified.unwrap(), objects[0].modified.unwrap());
    assert!((told - listed).abs().num_seconds() <= 1, "{told} {listed}");

    let reading = world.store.read(&key(1)).await.unwrap();
    assert_eq!(reading.meta.etag, meta.etag);
    assert_eq!(read(world, &key(1)).await, b"bytes");
    world.put(&key(2), b"").await;
    assert_eq!(read(world, &key(2)).await, b"");

    let requests = world.store.requests();
    assert_eq!((requests.head, requests.get), (1, 3));
    assert!(requests.list > 0 && requests.put == 0, "{requests:?}");
}

async fn thousands_of_objects_are_each_listed_once_whole_and_in_slices(world: &World) {
    let mut expected: Vec<_> = (0..2_500).map(key).collect();
    expected.extend(["installers/!", "installers/8foreign", "installers/zz/y"].map(str::to_owned));
    expected.sort();
    let puts = expected.iter().map(|key| world.put(key, b"x"));
    futures::stream::iter(puts).buffer_unordered(32).collect::<Vec<_>>().await;

    assert_eq!(keys_of(world, LAYOUT, Slice::WHOLE).await, expected);
    if matches!(world.place, Place::Memory(_)) {
        return; // The double hands on everything; who asks has to sort it out.
    }
    let mut sliced = Vec::new();
    for index in 1..=3 {
        sliced.extend(keys_of(world, LAYOUT, Slice::new(index, 3).unwrap()).await);
    }
    sliced.sort();
    assert_eq!(sliced, expected);
}

async fn neighbours_of_the_prefix_folder_markers_and_temporary_names_are_not_listed(world: &World) {
    world.put(&key(1), b"x").await;
    for neighbour in ["installers-old/a", "installers.bak", "installer/a", "other/installers/a"] {
        world.put(neighbour, b"x").await;
    }
    world.put(&format!("installers/{TEMPORARY_MARK}1"), b"x").await;
    world.put(&format!("installers/deep/{TEMPORARY_MARK}2"), b"x").await;
    if let Place::S3(bucket) = &world.place
        && bucket.server == Server::Moto
    {
        bucket.put_raw("a%20store/%C3%A9%2541/installers/");
        bucket.put_raw("a%20store/%C3%A9%2541/installers/folder/");
    }
    let (objects, unaddressable) =
        listed(world.store.as_ref(), LAYOUT, Slice::WHOLE).await.unwrap();
    assert_eq!(unaddressable, Vec::<String>::new());
    assert_eq!(objects.into_iter().map(|o| o.key).collect::<Vec<_>>(), [key(1)]);
}

async fn keys_are_bytes(world: &World) {
    let hostile = [
        "installers/with space",
        "installers/ space",
        "installers/100%",
        "installers/%41",
        "installers/a~b",
        "installers/é",
        "installers/e\u{301}",
        "installers/日本/語",
        "installers/a+b&c=d?e#f",
        "installers/<>\"'`\\",
        "installers/...",
    ];
    for key in hostile {
        world.put(key, key.as_bytes()).await;
    }
    let mut expected = hostile.map(str::to_owned).to_vec();
    expected.sort();
    assert_eq!(keys_of(world, LAYOUT, Slice::WHOLE).await, expected);
    for key in hostile {
        assert_eq!(present(world, key).await.size, key.len() as u64, "{key}");
        assert_eq!(read(world, key).await, key.as_bytes(), "{key}");
        let journal = Arc::default();
        let staged = stage(world, &format!("{key}.new"), &journal, b"staged").await;
        staged.publish(Condition::Absent).await.unwrap();
        assert_eq!(world.get(&format!("{key}.new")).await.unwrap(), "staged", "{key}");
        world.store.set_aside(key, &format!("aside/{key}")).await.unwrap();
        assert_eq!(world.get(&format!("aside/{key}")).await.unwrap(), key, "{key}");
    }
}

async fn an_absent_object_is_absent_and_a_folder_is_no_object(world: &World) {
    world.put("installers/folder/file", b"x").await;
    for absent in [key(1).as_str(), "nowhere/at/all"] {
        let probe = world.store.probe(absent).await;
        assert!(matches!(probe, Probe::Absent), "{absent}: {probe:?}");
    }
    for no_object in ["installers/folder", "installers/folder/file/x"] {
        // Keys of a bucket stand in nobody's way; folders and files do.
        let probe = world.store.probe(no_object).await;
        let as_it_is = match (&world.place, &probe) {
            (Place::Directory(_), Probe::Unknown(error)) => error.fault == StoreFault::NotAFile,
            (Place::Directory(_), _) => false,
            (_, probe) => matches!(probe, Probe::Absent),
        };
        assert!(as_it_is, "{no_object}: {probe:?}");
    }
    let error = world.store.read(&key(1)).await.err().unwrap();
    assert_eq!(error.fault, StoreFault::NotFound, "{error}");
}

async fn keys_that_cannot_be_are_unknown_and_never_absent(world: &World) {
    if matches!(world.place, Place::Memory(_)) {
        return; // The double takes every text for a key.
    }
    for bad in
        ["installers//a", "installers/../a", "/etc/passwd", "../x", "a/./b", "a\nb", "a/", ""]
    {
        let probe = world.store.probe(bad).await;
        assert!(matches!(probe, Probe::Unknown(_)), "{bad:?}: {probe:?}");
        assert!(world.store.read(bad).await.is_err(), "{bad:?}");
        assert!(world.store.stage(bad, None, Arc::<Journal>::default()).await.is_err(), "{bad:?}");
    }
}

async fn a_staged_object_is_invisible_until_it_is_published(world: &World) {
    let journal = Arc::default();
    let mut staged = stage(world, &key(1), &journal, b"proven").await;
    staged.seal().await.unwrap();
    assert!(matches!(world.store.probe(&key(1)).await, Probe::Absent));
    assert_eq!(keys_of(world, LAYOUT, Slice::WHOLE).await, Vec::<String>::new());

    staged.publish(Condition::Absent).await.unwrap();
    assert_eq!(world.get(&key(1)).await.unwrap(), "proven");
    assert_eq!(keys_of(world, LAYOUT, Slice::WHOLE).await, [key(1)]);
    assert_eq!(world.keys().await, [key(1)]);
    assert_eq!(journal.open(), []);
    assert!(world.store.requests().put > 0);
}

async fn an_object_of_many_parts_is_published_whole(world: &World) {
    let bytes = noise((20 << 20) + 12_345);
    let journal = Arc::default();
    let mut staged = stage(world, &key(1), &journal, &bytes).await;
    assert_eq!(journal.open().len(), 1, "an upload of many parts is taken down");
    staged.seal().await.unwrap();
    assert!(matches!(world.store.probe(&key(1)).await, Probe::Absent));
    staged.publish(Condition::Absent).await.unwrap();
    assert_eq!(journal.open(), []);
    assert_eq!(present(world, &key(1)).await.size, bytes.len() as u64);
    assert!(world.get(&key(1)).await.unwrap() == bytes);
    assert!(read(world, &key(1)).await == bytes);
}

async fn an_object_in_chunks_of_one_byte_is_as_many_requests_as_in_one_piece(world: &World) {
    let bytes = noise(100_000);
    let mut asked = Vec::new();
    for (n, size) in [(1, bytes.len()), (2, 1)] {
        let before = world.store.requests();
        let (size_said, journal) = (Some(bytes.len() as u64), Arc::<Journal>::default());
        let mut staged = world.store.stage(&key(n), size_said, journal).await.unwrap();
        for chunk in bytes.chunks(size) {
            staged.write(Bytes::copy_from_slice(chunk)).await.unwrap();
        }
        staged.publish(Condition::Absent).await.unwrap();
        asked.push(world.store.requests().since(before).put);
        assert!(world.get(&key(n)).await.unwrap() == bytes);
    }
    assert_eq!(asked[0], asked[1]);
}

async fn what_is_discarded_leaves_nothing(world: &World) {
    let journal = Arc::default();
    for size in [10, (8 << 20) - 1, 8 << 20, 17 << 20] {
        let mut staged = stage(world, &key(1), &journal, &noise(size)).await;
        if size > 8 << 20 {
            staged.seal().await.unwrap();
        }
        staged.discard().await.unwrap();
        assert!(matches!(world.store.probe(&key(1)).await, Probe::Absent));
        assert_eq!(world.keys().await, Vec::<String>::new());
        assert_eq!(journal.open(), []);
    }
    assert_nothing_open(world);
}

fn assert_nothing_open(world: &World) {
    match &world.place {
        Place::S3(bucket) if bucket.server == Server::Moto => assert_eq!(bucket.open_uploads(), 0),
        Place::Memory(memory) => assert_eq!(memory.open_uploads(), []),
        Place::S3(_) | Place::Directory(_) => {}
    }
}

async fn a_journal_that_fails_stops_the_upload(world: &World) {
    let journal = Arc::new(Journal::refusing());
    let outcome = match world.store.stage(&key(1), None, journal).await {
        Err(error) => Err(error),
        Ok(mut staged) => {
            let mut outcome = Ok(());
            for _ in 0..300 {
                if outcome.is_ok() {
                    outcome = staged.write(Bytes::from(vec![7; 64 << 10])).await;
                }
            }
            outcome
        }
    };
    let error = outcome.unwrap_err();
    assert!(error.to_string().contains(&key(1)), "{error}");
    assert_eq!(world.keys().await, Vec::<String>::new());
    assert_nothing_open(world);
}

async fn an_object_that_appeared_meanwhile_is_not_replaced(world: &World) {
    for size in [6, 9 << 20] {
        let journal = Arc::default();
        let mut staged = stage(world, &key(1), &journal, &noise(size)).await;
        staged.seal().await.unwrap();
        world.put(&key(1), b"somebody else's").await;
        let published = staged.publish(Condition::Absent).await;
        if !world.honours_conditions() {
            published.unwrap();
            assert_eq!(world.get(&key(1)).await.unwrap(), noise(size));
            world.remove(&key(1)).await;
            continue;
        }
        assert_eq!(published.unwrap_err().fault, StoreFault::Conflict, "{size} bytes");
        assert_eq!(world.get(&key(1)).await.unwrap(), "somebody else's");
        assert_eq!(world.keys().await, [key(1)]);
        assert_eq!(journal.open(), []);
        assert_nothing_open(world);
        world.remove(&key(1)).await;
    }
}

async fn a_corrupt_object_is_replaced_only_if_it_is_the_one_that_was_read(world: &World) {
    world.put(&key(1), b"corrupt").await;
    let read = present(world, &key(1)).await;
    let journal = Arc::default();
    let staged = stage(world, &key(1), &journal, b"proven").await;
    staged.publish(Condition::Replaces(read.clone())).await.unwrap();
    assert_eq!(world.get(&key(1)).await.unwrap(), "proven");

    let staged = stage(world, &key(1), &journal, b"too late").await;
    let published = staged.publish(Condition::Replaces(read)).await;
    if world.honours_conditions() {
        assert_eq!(published.unwrap_err().fault, StoreFault::Conflict);
        assert_eq!(world.get(&key(1)).await.unwrap(), "proven");
    }
    assert_eq!(world.keys().await, [key(1)]);
    assert_eq!(journal.open(), []);
}

async fn a_large_object_replaces_a_corrupt_one_whole(world: &World) {
    world.put(&key(1), b"corrupt").await;
    let (journal, bytes) = (Arc::default(), noise(9 << 20));
    let staged = stage(world, &key(1), &journal, &bytes).await;
    staged.publish(Condition::Replaces(present(world, &key(1)).await)).await.unwrap();
    assert!(world.get(&key(1)).await.unwrap() == bytes);
    assert_eq!(world.keys().await, [key(1)]);
    assert_eq!(journal.open(), []);
}

async fn setting_aside_copies_and_the_copy_survives_the_replacement(world: &World) {
    world.put(&key(1), b"corrupt").await;
    let aside = format!("quarantine/pass/{}", key(1));
    world.store.set_aside(&key(1), &aside).await.unwrap();
    // A second attempt of the same pass finds its own copy.
    world.store.set_aside(&key(1), &aside).await.unwrap();
    assert_eq!(present(world, &aside).await.size, 7);

    let staged = stage(world, &key(1), &Arc::default(), b"proven").await;
    staged.publish(Condition::Replaces(present(world, &key(1)).await)).await.unwrap();
    assert_eq!(world.get(&aside).await.unwrap(), "corrupt");
    assert_eq!(world.get(&key(1)).await.unwrap(), "proven");
    let mut expected = [key(1), aside];
    expected.sort();
    assert_eq!(world.keys().await, expected);

    let error = world.store.set_aside(&key(9), "quarantine/nothing").await.unwrap_err();
    assert_eq!(error.fault, StoreFault::NotFound, "{error}");
}

async fn an_upload_that_a_crash_left_is_swept_once_and_again(world: &World) {
    let journal = Arc::default();
    let mut staged = stage(world, &key(1), &journal, &noise(17 << 20)).await;
    staged.seal().await.unwrap();
    drop(staged);
    let [upload] = journal.open().try_into().unwrap();
    world.store.sweep(&upload).await.unwrap();
    assert_eq!(world.keys().await, Vec::<String>::new());
    assert_nothing_open(world);
    world.store.sweep(&upload).await.unwrap();
    let unheard_of = format!("installers/{TEMPORARY_MARK}unheard-of");
    world.store.sweep(&Upload { key: key(1), id: unheard_of }).await.unwrap();
}
