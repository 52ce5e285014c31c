//! What a Fleet of the tests wants to have, row by row, and from where it can be had again.

use std::collections::BTreeMap;

use restock::model::Digest;
use sha2::{Digest as _, Sha256};

use super::Age;
use super::facts::{Version, apps};
use super::rows::{Installer, Row};

pub(crate) const INSTALLERS: &str = "software-installers";
pub(crate) const BOOTSTRAP: &str = "bootstrap-packages";
pub(crate) const ICONS: &str = "software-title-icons";

/// The teams, by the numbers that they have in the database; 0 is "no team".
pub(crate) const TEAMS: [&str; 4] =
    ["Workstations", "Workstations (canary)", "Servers", "Company-owned mobile devices"];

/// How Fleet installs what is no script.
const INSTALL: &str = "#!/bin/sh\ninstaller -pkg \"$INSTALLER_PATH\" -target /\n";

/// One object.
#[derive(Debug, Clone)]
pub(crate) struct Package {
    pub(crate) collection: &'static str,
    /// What tests call it.
    pub(crate) label: String,
    pub(crate) bytes: Vec<u8>,
    pub(crate) digest: String,
    pub(crate) rows: Vec<Row>,
}

/// What a source serves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Served {
    Bytes(Vec<u8>),
    Gone,
}

/// All of it.
#[derive(Debug, Default)]
pub(crate) struct Inventory {
    pub(crate) packages: Vec<Package>,
    /// What lies under each path of the source.
    pub(crate) served: BTreeMap<String, Served>,
    /// The manifest of each app: its slug, the version that it names, and that one's digest.
    pub(crate) manifests: Vec<(String, Version, String)>,
    /// Where the source is.
    base: String,
}

impl Package {
    pub(crate) fn key(&self) -> String {
        format!("{}/{}", self.collection, self.digest)
    }
}

impl Inventory {
    /// What a Fleet of this age has whose sources are at `base`.
    pub(crate) fn of(age: Age, base: &str) -> Self {
        let mut inventory = Self { base: base.to_owned(), ..Self::default() };
        for (n, (slug, versions)) in apps().into_iter().enumerate() {
            inventory.app(age, n, &slug, &versions);
        }
        inventory.uploads();
        inventory.scripts();
        inventory.bootstrap_packages();
        if age != Age::Of460 {
            inventory.in_house_apps();
            inventory.icons();
        }
        inventory
    }

    pub(crate) fn package(&self, label: &str) -> &Package {
        let found = self.packages.iter().find(|package| package.label == label);
        found.unwrap_or_else(|| panic!("no package {label}"))
    }

    /// An app in several versions: one a team, and where Fleet keeps older ones, those.
    fn app(&mut self, age: Age, n: usize, slug: &str, versions: &[Version]) {
        // A URL serves what was published last.
        for version in versions {
            self.served.insert(version.path(), Served::Bytes(made_of(slug, version)));
        }
        // The newest first; of a version that was built again, the newest build alone.
        let mut kept: Vec<&Version> = versions.iter().rev().collect();
        kept.dedup_by(|older, newer| older.number == newer.number);
        let (newest, older) = kept.split_first().unwrap();
        let digest = digest_of(&made_of(slug, newest));
        self.manifests.push((slug.to_owned(), (*newest).clone(), digest));
        // The oldest slugs begin with the platform: let them be added by a click, without a URL.
        let by_click = slug.starts_with("darwin/");
        let base = self.base.clone();
        let url = |version: &Version| {
            if by_click { String::new() } else { format!("{base}{}", version.path()) }
        };
        self.version(slug, newest, 1, url(newest), true);
        match (n % 3, older) {
            // Somebody's mirror, which is there no more.
            (1, _) => {
                let path =
                    format!("/mirror.example.com/{n}/{}", newest.filename().replace(' ', "%20"));
                self.served.insert(path.clone(), Served::Gone);
                self.version(slug, newest, 2, format!("{base}{path}"), true);
            }
            (2, [before, ..]) => self.version(slug, before, 2, url(before), true),
            // Copied from the other team by its hash alone.
            _ => self.version(slug, newest, 2, String::new(), true),
        }
        if let Some(before) = older.get(1) {
            self.version(slug, before, 3, url(before), true);
        }
        if n.is_multiple_of(4) {
            self.version(slug, newest, 0, url(newest), true);
        }
        if age != Age::Of460 {
            // Kept for a way back: no host gets them now.
            for before in older.iter().take(2) {
                self.version(slug, before, 1, url(before), false);
            }
        }
    }

    fn version(&mut self, slug: &str, version: &Version, team: u32, url: String, is_active: bool) {
        let row = Installer {
            team,
            title: slug.to_owned(),
            filename: version.filename(),
            version: version.number.clone(),
            platform: if slug.contains("windows") { "windows" } else { "darwin" }.to_owned(),
            url,
            script: INSTALL.to_owned(),
            app: Some(slug.to_owned()),
            is_active,
        };
        let label = format!("{slug} {}", version.number);
        self.add(INSTALLERS, &label, made_of(slug, version), Row::Installer(row));
    }

    /// Packages that somebody uploaded, or whose vendor is gone.
    fn uploads(&mut self) {
        for (team, name) in
            [(1, "internal-tools-2.4.pkg"), (2, "vpn-profile-1.msi"), (0, "agent.deb")]
        {
            self.plain(team, name, String::new());
        }
        // Two teams by hash alone: nobody knows a URL any more.
        self.plain(3, "internal-tools-2.4.pkg", String::new());
        let path = "/downloads.example.com/legacy/CAD%20Viewer.exe?edition=pro&token=SECRET";
        self.served.insert(bare(path), Served::Gone);
        self.plain(3, "CAD Viewer.exe", format!("{}{path}", self.base));
        let path = "/downloads.example.com/get?file=kiosk.zip";
        self.served.insert(bare(path), Served::Bytes(made("kiosk.zip")));
        self.plain(1, "kiosk.zip", format!("{}{path}", self.base));
        // As long as the age of Fleet allows.
        let path = format!("/downloads.example.com/{}/long.tar.gz", "x".repeat(150));
        self.served.insert(path.clone(), Served::Bytes(made("long.tar.gz")));
        self.plain(2, "long.tar.gz", format!("{}{path}", self.base));
    }

    fn plain(&mut self, team: u32, name: &str, url: String) {
        let row = custom(team, name, url, INSTALL);
        self.add(INSTALLERS, name, made(name), Row::Installer(row));
    }

    /// Packages that are scripts: the database keeps their text.
    fn scripts(&mut self) {
        let windows = "# Größe\r\nWrite-Host 'a \\ b'\r\n";
        for (name, file, kept) in [
            ("rename-host.sh", "#!/bin/sh\necho 'it''s'\n", "#!/bin/sh\necho 'it''s'\n"),
            // Fleet keeps line ends of its own.
            ("join-domain.sh", "#!/bin/sh\r\nexit 0\r\n", "#!/bin/sh\nexit 0\n"),
            ("set-wallpaper.ps1", windows, windows),
            // Edited in the database, and not in the store.
            (
                "report.py",
                "#!/usr/bin/env python3\nprint(1)\n",
                "#!/usr/bin/env python3\nprint(2)\n",
            ),
        ] {
            let row = custom(1, name, String::new(), kept);
            self.add(INSTALLERS, name, file.as_bytes().to_vec(), Row::Installer(row));
        }
    }

    fn bootstrap_packages(&mut self) {
        let path = "/downloads.example.com/bootstrap/fleet%20setup.pkg";
        self.served.insert(path.to_owned(), Served::Bytes(made("bootstrap of all")));
        let of_team = "/downloads.example.com/bootstrap/team.pkg?v=2";
        self.served.insert(bare(of_team), Served::Bytes(made("bootstrap of team 1")));
        let url = |path: &str| Some(format!("{}{path}", self.base));
        let packages = [
            ("bootstrap of all", 0, url(path), None),
            ("bootstrap of team 1", 1, url(of_team), None),
            ("bootstrap of team 2", 2, None, None),
            ("bootstrap in the database", 3, None, Some(made("bootstrap in the database"))),
        ];
        for (label, team, url, in_database) in packages {
            let name = format!("{label}.pkg");
            let row = Row::Bootstrap { team, name, url, in_database };
            self.add(BOOTSTRAP, label, made(label), row);
        }
    }

    /// One file makes two rows.
    fn in_house_apps(&mut self) {
        let path = "/downloads.example.com/ios/Field%20Service.ipa";
        self.served.insert(path.to_owned(), Served::Bytes(made("Field Service.ipa")));
        for (name, url) in
            [("Field Service.ipa", format!("{}{path}", self.base)), ("Till.ipa", String::new())]
        {
            for platform in ["ios", "ipados"] {
                let (filename, url) = (name.to_owned(), url.clone());
                let row = Row::InHouse { team: 4, filename, platform, url };
                self.add(INSTALLERS, name, made(name), row);
            }
        }
    }

    fn icons(&mut self) {
        for (team, title, picture) in [
            (1, "slack/darwin", "a picture"),
            (2, "slack/darwin", "a picture"),
            (1, "zoom/darwin", "another picture"),
        ] {
            let row = Row::Icon { team, title: title.to_owned() };
            self.add(ICONS, &format!("icon: {picture}"), made(picture), row);
        }
    }

    fn add(&mut self, collection: &'static str, label: &str, bytes: Vec<u8>, row: Row) {
        let digest = digest_of(&bytes);
        let same = |known: &&mut Package| known.collection == collection && known.digest == digest;
        if let Some(known) = self.packages.iter_mut().find(same) {
            known.rows.push(row);
            return;
        }
        let label = label.to_owned();
        self.packages.push(Package { collection, label, bytes, digest, rows: vec![row] });
    }
}

fn custom(team: u32, name: &str, url: String, script: &str) -> Installer {
    Installer {
        team,
        title: name.to_owned(),
        filename: name.to_owned(),
        version: "1.0".to_owned(),
        platform: "darwin".to_owned(),
        url,
        script: script.to_owned(),
        app: None,
        is_active: true,
    }
}

fn bare(path: &str) -> String {
    path.split('?').next().unwrap().to_owned()
}

/// The bytes of a version: the same wherever the real ones were the same.
fn made_of(slug: &str, version: &Version) -> Vec<u8> {
    if version.is_unchecked() {
        return made(&format!("{slug} {}", version.number));
    }
    made(&version.sha256)
}

/// Bytes that are made of a name, a few hundred to a few thousand.
pub(crate) fn made(name: &str) -> Vec<u8> {
    let mut block = Sha256::digest(name.as_bytes()).to_vec();
    let n_blocks = 10 + usize::from(block[0]);
    let mut bytes = name.as_bytes().to_vec();
    for _ in 0..n_blocks {
        block = Sha256::digest(&block).to_vec();
        bytes.extend_from_slice(&block);
    }
    bytes
}

pub(crate) fn digest_of(bytes: &[u8]) -> String {
    Digest::new(Sha256::digest(bytes).into()).to_string()
}
