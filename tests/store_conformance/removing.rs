//! Taking objects away.

use std::fs;

use restock::model::ObjectMeta;
use restock::store::{Probe, StoreFault};

use super::{Place, Server, World, key, present};

pub(super) async fn what_is_removed_is_gone_and_nothing_else_is(world: &World) {
    let near = [key(1), format!("{}x", key(1)), format!("{}/x", key(2)), "other/a".to_owned()];
    for key in &near {
        world.put(key, b"bytes").await;
    }
    let version = present(world, &key(1)).await;
    world.removing.remove(&key(1), &version).await.unwrap();
    assert!(matches!(world.store.probe(&key(1)).await, Probe::Absent));
    let mut left = near[1..].to_vec();
    left.sort();
    assert_eq!(world.keys().await, left);

    let error = world.removing.remove(&key(1), &version).await.unwrap_err();
    assert_eq!(error.fault, StoreFault::NotFound, "{error}");
    // The folder of an object is none.
    let error = world.removing.remove(&key(2), &version).await.unwrap_err();
    let no_object = match world.place {
        Place::Directory(_) => StoreFault::NotAFile,
        Place::Memory(_) | Place::S3(_) => StoreFault::NotFound,
    };
    assert_eq!(error.fault, no_object, "{error}");
    assert_eq!(world.keys().await, left);
}

pub(super) async fn another_version_than_the_one_looked_at_is_not_removed(world: &World) {
    world.put(&key(1), b"the one that was seen").await;
    let seen = present(world, &key(1)).await;
    let other = |other: ObjectMeta| async move {
        let error = world.removing.remove(&key(1), &other).await.unwrap_err();
        assert_eq!(error.fault, StoreFault::Conflict, "{error}");
        assert!(world.get(&key(1)).await.is_some());
    };
    other(ObjectMeta { size: 1, ..seen.clone() }).await;
    other(ObjectMeta { etag: Some("\"another\"".to_owned()), ..seen.clone() }).await;
    // The same bytes, written again: somebody may be about to refer to them.
    other(ObjectMeta { modified: Some("2020-01-01T00:00:00Z".parse().unwrap()), ..seen.clone() })
        .await;
    world.put(&key(1), b"what somebody wrote since").await;
    other(seen).await;
    assert_eq!(world.keys().await, [key(1)]);
}

pub(super) async fn keys_that_are_odd_are_removed_byte_for_byte(world: &World) {
    let odd = [
        "installers/with space",
        "installers/100%",
        "installers/%41",
        "installers/A",
        "installers/a~b",
        "installers/é",
        "installers/e\u{301}",
        "installers/a+b&c=d?e#f",
        "installers/<>\"'`\\",
        "installers/...",
    ];
    for key in odd {
        world.put(key, key.as_bytes()).await;
    }
    let mut left = odd.map(str::to_owned).to_vec();
    left.sort();
    for key in odd {
        world.removing.remove(key, &present(world, key).await).await.unwrap();
        left.retain(|other| other != key);
        assert_eq!(world.keys().await, left, "after {key}");
    }
    if matches!(world.place, Place::Memory(_)) {
        return; // The double takes every text for a key.
    }
    for bad in ["installers//a", "installers/../a", "../x", "a\nb", "a/", ""] {
        let error = world.removing.remove(bad, &ObjectMeta::default()).await.unwrap_err();
        assert_eq!(error.fault, StoreFault::Other, "{bad:?}: {error}");
    }
}

pub(super) async fn folders_are_cleared_up_where_nothing_lies_in_them(world: &World) {
    for key in ["q/a/b/c", "q/a/d/e", "q/f/g", "qq/h"] {
        world.put(key, b"x").await;
    }
    for key in ["q/a/b/c", "q/f/g", "qq/h"] {
        world.removing.remove(key, &present(world, key).await).await.unwrap();
    }
    world.removing.remove_empty_folders("q").await.unwrap();
    world.removing.remove_empty_folders("nowhere").await.unwrap();
    assert_eq!(world.keys().await, ["q/a/d/e"]);
    let Place::Directory(_) = &world.place else {
        assert!(!world.is(Server::Moto) || world.store.requests().list == 0);
        return;
    };
    let there = |key: &str| fs::exists(world.file(key)).unwrap();
    let left = ["q", "q/a", "q/a/b", "q/a/d", "q/f", "qq"].map(there);
    assert_eq!(left, [true, true, false, true, false, true]);
}
