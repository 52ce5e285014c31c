//! [`Place`]: a folder with a configuration, a catalog of somebody else's, a directory store and an
//! HTTP source, for the program to be run in.

use std::fs;
use std::future::Future;
use std::path::{Path, PathBuf};

use crate::binary::{Ran, command, run};
use crate::support::world::{Object, World};

/// What the configuration says; parts of it are replaced by tests.
pub(crate) const CONFIGURATION: &str = r#"
[catalog]
url = "sqlite://catalog.db"
preset = "custom"

[[collection]]
name = "software-installers"
query = "SELECT sha256 AS digest, url AS source_url, filename AS name, size_bytes AS size, updated_at, id AS ref FROM packages"
key = "software-installers/{digest}"

[store]
url = "store"

[ledger]
url = "sqlite://ledger.db"

[source]
allow_http = true
allow_private = ["127.0.0.0/8"]
tries = 1
"#;

/// The folder.
pub(crate) struct Place {
    pub(crate) world: World,
}

impl Place {
    /// A healthy world of `n` objects, with its configuration.
    pub(crate) fn healthy(n: u32) -> (Self, Vec<Object>) {
        let (world, objects) = wait(World::healthy(n));
        let place = Self { world };
        place.configure(CONFIGURATION);
        (place, objects)
    }

    /// Writes `restock.toml`.
    pub(crate) fn configure(&self, text: &str) {
        fs::write(self.path("restock.toml"), text).unwrap();
    }

    /// Writes `restock.toml` with a part of it replaced.
    pub(crate) fn configure_with(&self, part: &str, replacement: &str) {
        assert!(CONFIGURATION.contains(part), "{part}");
        self.configure(&CONFIGURATION.replace(part, replacement));
    }

    pub(crate) fn dir(&self) -> &Path {
        self.world.dir.path()
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir().join(name)
    }

    /// Runs the program here.
    pub(crate) fn run(&self, line: &str) -> Ran {
        run(&mut command(self.dir(), line))
    }

    /// Runs SQL on the catalog.
    pub(crate) fn sql(&self, sql: &str) {
        wait(self.world.sql(sql));
    }

    /// Takes these objects away behind restock's back.
    pub(crate) fn lose(&self, objects: &[Object]) {
        for object in objects {
            self.world.remove(&object.key);
        }
    }

    /// The bytes of the ledger's files.
    pub(crate) fn ledger_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        for entry in fs::read_dir(self.dir()).unwrap() {
            let path = entry.unwrap().path();
            if path.file_name().unwrap().to_string_lossy().starts_with("ledger.db") {
                bytes.extend(fs::read(path).unwrap());
            }
        }
        assert!(bytes.len() > 1000, "there is a ledger");
        bytes
    }
}

/// Runs a future to its end.
pub(crate) fn wait<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}
