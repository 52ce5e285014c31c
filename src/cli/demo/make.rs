//! The demo's world before anything happens to it: 240 objects, whole.

use std::path::Path;

use anyhow::Context;
use sha2::{Digest as _, Sha256};

use crate::catalog::{EmbeddedCatalog, Registration};
use crate::model::Digest;

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
    pub(super) name: String,
    pub(super) digest: Digest,
    /// Whether its row names a source.
    pub(super) has_source: bool,
}

/// Makes catalog, store, source and configuration, and returns the objects in their order.
pub(super) async fn make(dir: &Path, base_url: &str) -> anyhow::Result<Vec<DemoObject>> {
    let (store, source) = (dir.join("store").join(COLLECTION), dir.join("source"));
    std::fs::create_dir_all(&store).context("cannot make the store")?;
    std::fs::create_dir_all(&source).context("cannot make the source")?;
    let (mut objects, mut rows) = (Vec::new(), Vec::new());
    for index in 0..OBJECTS {
        let bytes = bytes_of(index);
        let digest = Digest::new(Sha256::digest(&bytes).into());
        let name = format!("app-{index:03}-{}.{}.pkg", index % 7 + 1, index % 10);
        // The last one came from somebody's disk: no row says from where.
        let has_source = index + 1 < OBJECTS;
        std::fs::write(store.join(digest.to_string()), &bytes).context("cannot fill the store")?;
        std::fs::write(source.join(&name), &bytes).context("cannot fill the source")?;
        rows.push(Registration {
            digest,
            name: Some(name.clone()),
            size: u64::try_from(bytes.len()).ok(),
            collection: COLLECTION.to_owned(),
            source_url: has_source.then(|| format!("{base_url}/{name}")),
        });
        objects.push(DemoObject { name, digest, has_source });
    }
    let mut catalog = EmbeddedCatalog::create_or_open(&dir.join("catalog.db")).await?;
    catalog.register(&rows).await?;
    catalog.close().await?;
    std::fs::write(dir.join("restock.toml"), CONFIGURATION)
        .context("cannot write the configuration")?;
    Ok(objects)
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
