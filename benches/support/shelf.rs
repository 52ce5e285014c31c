//! [`Shelf`]: 20,000 real files with a catalog of them, some missing, damaged or strange.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, ensure};
use restock::model::Digest;
use sha2::{Digest as _, Sha256};

const FILES: u64 = 20_000;
const FILE_BYTES: usize = 4096;
/// One file in this many is missing, another one has a flipped bit, and there is one stray.
const DAMAGE_EVERY: u64 = 1000;

const CONFIGURATION: &str = "[catalog]\nurl = \"sqlite://catalog.db\"\n\n\
                             [store]\nurl = \"store\"\n\n\
                             [ledger]\nurl = \"sqlite://ledger.db\"\n";

/// What is wrong on a shelf, or what a tool says is wrong: digests as file names.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Damage {
    pub(crate) missing: BTreeSet<String>,
    pub(crate) corrupt: BTreeSet<String>,
    pub(crate) strays: BTreeSet<String>,
}

/// A folder with a healthy copy (`good`), a damaged one (`store`), restock's catalog and
/// configuration, and a list of checksums.
#[derive(Debug)]
pub(crate) struct Shelf {
    folder: PathBuf,
    /// What was done to `store`.
    pub(crate) damage: Damage,
}

impl Shelf {
    /// Where the damaged files lie, relative to the folder.
    pub(crate) const STORE: &'static str = "store/software-installers";

    /// Makes the files, and has restock register them all.
    pub(crate) fn stock(folder: &Path, restock: &Path) -> anyhow::Result<Self> {
        let (good, store) = (folder.join("good"), folder.join(Self::STORE));
        fs::create_dir_all(&good)?;
        fs::create_dir_all(&store)?;
        let (mut damage, mut sums, mut manifest) =
            (Damage::default(), String::new(), String::new());
        for number in 0..FILES {
            let mut bytes = contents(number);
            let name = name_of(&bytes);
            writeln!(sums, "{name}  {name}")?;
            writeln!(manifest, "{name}  https://artifacts.example.com/{number}.pkg")?;
            fs::write(good.join(&name), &bytes)?;
            match number % DAMAGE_EVERY {
                1 => damage.missing.insert(name),
                2 => {
                    *bytes.last_mut().context("an empty file")? ^= 1;
                    fs::write(store.join(&name), &bytes)?;
                    damage.corrupt.insert(name)
                }
                _ => fs::write(store.join(&name), &bytes).map(|()| true)?,
            };
        }
        for number in FILES..FILES + FILES / DAMAGE_EVERY {
            let bytes = contents(number);
            fs::write(store.join(name_of(&bytes)), &bytes)?;
            damage.strays.insert(name_of(&bytes));
        }
        fs::write(folder.join("good.sums"), sums)?;
        fs::write(folder.join("manifest.txt"), manifest)?;
        fs::write(folder.join("restock.toml"), CONFIGURATION)?;
        let imported = Command::new(restock)
            .args(["-c", "restock.toml", "-q", "import", "manifest.txt"])
            .current_dir(folder)
            .stdout(Stdio::null())
            .status()?;
        ensure!(imported.success(), "restock import failed: {imported}");
        Ok(Self { folder: folder.to_owned(), damage })
    }

    /// Forgets what earlier audits found, so that each one starts as the first.
    pub(crate) fn forget(&self) -> anyhow::Result<()> {
        for entry in fs::read_dir(&self.folder)? {
            let path = entry?.path();
            let name = path.file_name().unwrap_or_default();
            if name.to_string_lossy().starts_with("ledger.db") {
                fs::remove_file(path)?;
            }
        }
        Ok(())
    }
}

fn contents(number: u64) -> Vec<u8> {
    let seed = number * 1_000_003;
    let words = (seed..).take(FILE_BYTES / 8);
    words.flat_map(|word| super::world::scramble(word).to_be_bytes()).collect()
}

fn name_of(bytes: &[u8]) -> String {
    Digest::new(Sha256::digest(bytes).into()).to_string()
}
