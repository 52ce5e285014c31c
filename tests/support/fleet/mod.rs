//! A Fleet on real servers: its tables in MariaDB, its bucket on S3, its packages on the web. All of
//! it is made up, in the shape of the real thing.

#![allow(dead_code, reason = "each test takes some of it")]

mod facts;
mod inventory;
mod rows;
mod run;

use std::path::Path;

use futures::StreamExt;
use serde_json::json;
use tempfile::TempDir;

use crate::databases::{Database, Engine, User};
use crate::s3::{Bucket, Server};
use crate::support::http_server::{Answer, HttpServer};

pub(crate) use inventory::{BOOTSTRAP, ICONS, INSTALLERS, Inventory, Package, Served, digest_of};
pub(crate) use rows::Row;
pub(crate) use run::told;

/// How old a Fleet is, by what its tables look like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Age {
    /// November 2024.
    Of460,
    /// September 2026.
    Of490,
    /// Later than anybody knows.
    Next,
}

/// Objects of Fleet's that no row names, and that are none of restock's business.
const BESIDE: [&str; 7] = [
    "uploads/0197a3c2-55a1-7d0e-9e0b-0f5f6f0c9f2e",
    "org-logos/light",
    "org-logos/dark",
    "fleetd-installers/abc/fleet-osquery.pkg",
    "carves/2026/09/17/13/laptop-3f5b0c1e",
    // What somebody set aside, in a folder whose name begins like Fleet's.
    "software-installers-old/2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881",
    "restock-quarantine/0197/software-installers/x",
];

/// The world. At first nothing is wrong with it.
pub(crate) struct FleetWorld {
    pub(crate) age: Age,
    pub(crate) inventory: Inventory,
    pub(crate) database: Database,
    /// Who has the rights of `deploy/mysql/grants.sql`, and no other.
    pub(crate) reader: User,
    pub(crate) bucket: Bucket,
    pub(crate) web: HttpServer,
    pub(crate) folder: TempDir,
}

/// From where an object can be had again; of several sources the first of these counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Back {
    /// From a URL, a manifest or a script.
    Again,
    /// What is named has no such bytes any more.
    Gone,
    /// A URL serves other bytes by now.
    Drifted,
    /// There is no source.
    Never,
}

impl Age {
    /// The files with its tables.
    fn schema(self) -> &'static [&'static str] {
        match self {
            Self::Of460 => &["schema-4.60.sql"],
            Self::Of490 => &["schema-4.90.sql"],
            Self::Next => &["schema-4.90.sql", "schema-next.sql"],
        }
    }

    /// The newest migration that it tells of.
    pub(crate) fn newest_migration(self) -> &'static str {
        match self {
            Self::Of460 => "20241125150614",
            Self::Of490 => "20260911171044",
            Self::Next => "20270131120000",
        }
    }

    /// The collections that it has, in the order in which restock tells them.
    pub(crate) fn collections(self) -> &'static [&'static str] {
        match self {
            Self::Of460 => &[INSTALLERS, BOOTSTRAP],
            Self::Of490 | Self::Next => &[INSTALLERS, BOOTSTRAP, ICONS],
        }
    }
}

impl FleetWorld {
    /// A Fleet where all is well; `None`, said aloud, where the servers do not run.
    pub(crate) async fn of(age: Age, server: Server) -> Option<Self> {
        let (database, bucket) = (Engine::MariaDb.fresh().await?, server.bucket()?);
        let web = HttpServer::start();
        let inventory = Inventory::of(age, &web.url(""));
        for file in age.schema() {
            database.execute(&fixture(file)).await;
        }
        let folder = tempfile::tempdir().unwrap();
        let reader = database.create_user("fleet", &[]).await;
        let world = Self { age, inventory, database, reader, bucket, web, folder };
        world.fill().await;
        world.grant();
        Some(world)
    }

    async fn fill(&self) {
        let teams = inventory::TEAMS.iter().enumerate();
        let teams: Vec<_> = teams.map(|(n, name)| format!("({}, '{name}')", n + 1)).collect();
        let teams = format!("INSERT INTO teams (id, name) VALUES {}", teams.join(", "));
        self.database.execute(&teams).await;
        let packages = self.inventory.packages.iter();
        let rows = packages
            .flat_map(|package| package.rows.iter().map(|row| (package.digest.as_str(), row)));
        let rows: Vec<_> = rows.collect();
        self.database.execute(&rows::statements(self.age, &rows)).await;
        let stored = self.stored().map(|package| (package.key(), package.bytes.as_slice()));
        let beside = BESIDE.map(|key| (key.to_owned(), b"not named by a digest".as_slice()));
        let puts = stored.chain(beside).map(|(key, bytes)| async move {
            self.bucket.put(&key, bytes).await;
        });
        futures::stream::iter(puts).buffer_unordered(16).collect::<()>().await;
        self.publish();
    }

    /// Puts packages and manifests on the web.
    fn publish(&self) {
        for (path, served) in &self.inventory.served {
            let answer = match served {
                Served::Bytes(bytes) => Answer::ok(bytes.clone()),
                Served::Gone => Answer::status(404),
            };
            self.web.route(path, [answer]);
        }
        for (slug, version, digest) in &self.inventory.manifests {
            let sha256 = if version.is_unchecked() { "no_check" } else { digest };
            let manifest = json!({
                "versions": [{
                    "version": version.number,
                    "queries": {"exists": "SELECT 1 FROM apps;"},
                    "installer_url": self.web.url(&version.path()),
                    "install_script_ref": "0fa2b1c3",
                    "uninstall_script_ref": "9c8d7e6f",
                    "sha256": sha256,
                    "default_categories": ["Productivity"],
                }],
                "refs": {"0fa2b1c3": "#!/bin/sh\n", "9c8d7e6f": "#!/bin/sh\n"},
            });
            let path = format!("/manifests/{slug}.json");
            self.web.route(&path, [Answer::ok(manifest.to_string())]);
        }
    }

    /// What lies in the bucket; the bytes of the others lie in the database.
    pub(crate) fn stored(&self) -> impl Iterator<Item = &Package> {
        let in_bucket = |package: &&Package| {
            !package
                .rows
                .iter()
                .all(|row| matches!(row, Row::Bootstrap { in_database: Some(_), .. }))
        };
        self.inventory.packages.iter().filter(in_bucket)
    }

    pub(crate) fn package(&self, label: &str) -> &Package {
        self.inventory.package(label)
    }

    /// Takes objects away behind everybody's back.
    pub(crate) async fn lose(&self, packages: &[&Package]) {
        for package in packages {
            self.bucket.remove(&package.key()).await;
        }
    }

    /// All keys in the bucket, those beside Fleet's objects too.
    pub(crate) async fn keys(&self) -> Vec<String> {
        let mut keys = self.bucket.keys().await;
        keys.sort();
        keys
    }

    /// One object in nine, and at least one of each kind.
    pub(crate) fn some_of_each_kind(&self) -> Vec<&Package> {
        let kinds = [
            "internal-tools-2.4.pkg",
            "CAD Viewer.exe",
            "join-domain.sh",
            "report.py",
            "bootstrap of all",
            "bootstrap of team 2",
            "Till.ipa",
            "icon: a picture",
            // Its manifest tells no digest.
            "darwin/google-chrome 133.0.6943.99",
        ];
        // Versions that were all served by one URL.
        let one_url = "google-chrome/windows";
        let chosen = self.stored().enumerate().filter(|(n, package)| {
            let of_kind = kinds.contains(&package.label.as_str());
            n % 9 == 0 || of_kind || package.label.starts_with(one_url)
        });
        chosen.map(|(_, package)| package).collect()
    }

    /// Whether a row names a source, good or not.
    pub(crate) fn has_source(&self, package: &Package) -> bool {
        package.rows.iter().any(|row| match row {
            Row::Installer(row) => {
                let has_manifest = row.app.is_some() && self.age != Age::Of460;
                !row.url.is_empty() || has_manifest || is_script(&row.filename)
            }
            Row::InHouse { url, .. } => !url.is_empty(),
            Row::Bootstrap { url, .. } => url.is_some(),
            Row::Icon { .. } => false,
        })
    }

    /// Those of which this holds, as they stand in the inventory.
    pub(crate) fn stored_where(&self, holds: impl Fn(&Package) -> bool) -> Vec<&Package> {
        self.stored().filter(|package| holds(package)).collect()
    }

    /// From where an object can be had again, as the tests made it.
    pub(crate) fn back(&self, package: &Package) -> Back {
        package.rows.iter().map(|row| self.back_by(row, package)).min().unwrap()
    }

    fn back_by(&self, row: &Row, package: &Package) -> Back {
        let (url, app, script) = match row {
            Row::Installer(row) => {
                let script = is_script(&row.filename).then_some(&row.script);
                (Some(&row.url), row.app.as_ref(), script)
            }
            Row::InHouse { url, .. } => (Some(url), None, None),
            Row::Bootstrap { url, .. } => (url.as_ref(), None, None),
            Row::Icon { .. } => (None, None, None),
        };
        if let Some(script) = script {
            let is_it = |text: &str| text.as_bytes() == package.bytes;
            let own = is_it(script) || is_it(&script.replace('\n', "\r\n"));
            return if own { Back::Again } else { Back::Gone };
        }
        let manifest = app.filter(|_| self.age != Age::Of460).and_then(|app| {
            self.inventory.manifests.iter().find(|(slug, version, digest)| {
                slug == app && !version.is_unchecked() && *digest == package.digest
            })
        });
        let of_manifest = manifest.map(|(_, version, _)| self.web.url(&version.path()));
        let urls = url.into_iter().chain(&of_manifest).filter(|url| !url.is_empty());
        // A manifest of another version, or one that tells no digest, has no such bytes.
        let lacking = of_manifest.is_none() && app.is_some() && self.age != Age::Of460;
        let mut back = if lacking { Back::Gone } else { Back::Never };
        for url in urls {
            let path = url.strip_prefix(&self.web.url("")).unwrap();
            back = back.min(match &self.inventory.served[path.split('?').next().unwrap()] {
                Served::Bytes(bytes) if *bytes == package.bytes => Back::Again,
                Served::Bytes(_) => Back::Drifted,
                Served::Gone => Back::Gone,
            });
        }
        back
    }
}

/// Whether Fleet keeps the file itself as its install script.
fn is_script(filename: &str) -> bool {
    [".sh", ".ps1", ".py"].iter().any(|end| filename.ends_with(end))
}

fn fixture(name: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/fleet");
    std::fs::read_to_string(folder.join(name)).unwrap()
}
