//! The demo's world before anything happens to it: 240 objects, whole.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::Write as _;
use std::path::Path;

use anyhow::Context;
use sha2::{Digest as _, Sha256};

use crate::catalog::{EmbeddedCatalog, Registration};
use crate::model::Digest;

use super::damage::Damage;

/// How many objects the demo has.
const OBJECTS: u32 = 240;

/// The collection that the embedded catalog always has.
pub(super) const COLLECTION: &str = "software-installers";

const CONFIGURATION: &str = r#"# Made by `restock demo`. Paths are relative to this file.
[catalog]
url = "sqlite://catalog.db"

[store]
url = "store"

[ledger]
url = "sqlite://ledger.db"

[source]
allow_http = true                  # the demo's source speaks plain HTTP on loopback
allow_private = ["127.0.0.0/8"]
"#;

/// One object of the demo.
#[derive(Debug, Clone)]
pub(super) struct DemoObject {
    index: u32,
    pub(super) name: String,
    pub(super) digest: Digest,
    /// Whether its row names a source.
    pub(super) has_source: bool,
}

/// The objects in their order: the same in every run.
pub(super) fn objects() -> Vec<DemoObject> {
    let object = |index: u32| DemoObject {
        index,
        name: format!("app-{index:03}-{}.{}.pkg", index % 7 + 1, index % 10),
        digest: Digest::new(Sha256::digest(bytes_of(index)).into()),
        // The last one came from somebody's disk: no row says from where.
        has_source: index + 1 < OBJECTS,
    };
    (0..OBJECTS).map(object).collect()
}

/// Every file that will be made, as a path from the demo's folder on, with what `SQLite` lays
/// beside its own.
pub(super) fn files(objects: &[DemoObject], damage: &Damage) -> BTreeSet<String> {
    let databases = ["catalog.db", "ledger.db"].into_iter();
    let databases = databases
        .flat_map(|file| ["", "-wal", "-shm", "-journal"].map(|end| format!("{file}{end}")));
    let digests = objects.iter().map(|object| object.digest.to_string());
    let stored = digests.chain(damage.strays()).map(|name| format!("store/{COLLECTION}/{name}"));
    let offered = objects.iter().map(|object| format!("source/{}", object.name));
    databases.chain(stored).chain(offered).chain(["restock.toml".to_owned()]).collect()
}

/// Makes catalog, store, source and configuration.
pub(super) async fn make(dir: &Path, objects: &[DemoObject], base_url: &str) -> anyhow::Result<()> {
    let (store, source) = (dir.join("store").join(COLLECTION), dir.join("source"));
    std::fs::create_dir_all(&store).context("cannot make the store")?;
    std::fs::create_dir_all(&source).context("cannot make the source")?;
    let mut rows = Vec::with_capacity(objects.len());
    for object in objects {
        let DemoObject { index, name, digest, has_source } = object;
        let bytes = bytes_of(*index);
        put(&store.join(digest.to_string()), &bytes).context("cannot fill the store")?;
        put(&source.join(name), &bytes).context("cannot fill the source")?;
        rows.push(Registration {
            digest: *digest,
            name: Some(name.clone()),
            size: u64::try_from(bytes.len()).ok(),
            collection: COLLECTION.to_owned(),
            source_url: has_source.then(|| format!("{base_url}/{name}")),
        });
    }
    let mut catalog = EmbeddedCatalog::create_or_open(&dir.join("catalog.db")).await?;
    catalog.register(&rows).await?;
    catalog.close().await?;
    put(&dir.join("restock.toml"), CONFIGURATION.as_bytes())
        .context("cannot write the configuration")
}

/// Makes a file where nothing is.
fn put(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    File::create_new(path)?.write_all(bytes)
}

/// Between 1 and 48 KiB that look like an installer: the same bytes in every run.
fn bytes_of(index: u32) -> Vec<u8> {
    let length = 1024 + usize::try_from(index).unwrap_or(0) * 7919 % (47 * 1024);
    let mut block = Sha256::digest(format!("restock demo object {index}")).to_vec();
    let mut bytes = Vec::with_capacity(length + block.len());
    while bytes.len() < length {
        bytes.extend_from_slice(&block);
        block = Sha256::digest(&block).to_vec();
    }
    bytes.truncate(length);
    bytes
}
