//! What the demo does to its world, and what has to be found and healed in return.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;

use anyhow::Context;
use sha2::{Digest as _, Sha256};

use crate::model::{Digest, FindingKind, Unhealable};

use super::make::{COLLECTION, DemoObject};

/// The damage, object by object.
#[derive(Debug, Default)]
pub(super) struct Damage {
    lost: Vec<DemoObject>,
    truncated: Vec<DemoObject>,
    flipped: Vec<DemoObject>,
    gone: Vec<DemoObject>,
    drifted: Vec<DemoObject>,
    without_source: Vec<DemoObject>,
    /// Bytes of objects whose rows are gone.
    orphans: Vec<String>,
    foreign: Vec<String>,
}

impl Damage {
    /// What is to be done to these objects.
    pub(super) fn to(objects: &[DemoObject]) -> Self {
        let every = |from: usize, step: usize, n: usize| -> Vec<DemoObject> {
            let sourced = objects.iter().filter(|object| object.has_source);
            sourced.skip(from).step_by(step).take(n).cloned().collect()
        };
        Self {
            lost: every(3, 17, 9),
            truncated: every(5, 17, 5),
            flipped: every(7, 17, 5),
            gone: every(11, 1, 1),
            drifted: every(13, 1, 1),
            without_source: objects.iter().filter(|o| !o.has_source).cloned().collect(),
            orphans: [7, 9, 14, 37].map(outdated).to_vec(),
            foreign: vec!["notes (old).txt".to_owned()],
        }
    }

    /// Names of the files that it makes in the store.
    pub(super) fn strays(&self) -> impl Iterator<Item = String> {
        let orphans = self.orphans.iter().map(|bytes| digest_of(bytes).to_string());
        orphans.chain(self.foreign.iter().cloned())
    }

    /// Damages store and source below `dir`.
    pub(super) fn inflict(&self, dir: &Path) -> anyhow::Result<()> {
        let (store, source) = (dir.join("store").join(COLLECTION), dir.join("source"));
        let at = |object: &DemoObject| store.join(object.digest.to_string());
        self.carry_out(&store, &source, at).context("cannot damage the demo's own store")
    }

    fn carry_out(
        &self,
        store: &Path,
        source: &Path,
        at: impl Fn(&DemoObject) -> std::path::PathBuf,
    ) -> std::io::Result<()> {
        for object in self.lost.iter().chain(&self.gone).chain(&self.drifted) {
            std::fs::remove_file(at(object))?;
        }
        for object in &self.without_source {
            std::fs::remove_file(at(object))?;
        }
        for object in &self.truncated {
            let bytes = std::fs::read(at(object))?;
            std::fs::write(at(object), bytes.get(..bytes.len() / 2).unwrap_or_default())?;
        }
        for object in &self.flipped {
            let mut bytes = std::fs::read(at(object))?;
            if let Some(byte) = bytes.last_mut() {
                *byte ^= 1;
            }
            std::fs::write(at(object), bytes)?;
        }
        for object in &self.gone {
            std::fs::remove_file(source.join(&object.name))?;
        }
        for object in &self.drifted {
            std::fs::write(source.join(&object.name), "a newer version of the same name\n")?;
        }
        for bytes in &self.orphans {
            std::fs::write(store.join(digest_of(bytes).to_string()), bytes)?;
        }
        for key in &self.foreign {
            std::fs::write(store.join(key), "not an object\n")?;
        }
        Ok(())
    }

    /// What was done, for people.
    pub(super) fn tell(&self, out: &mut impl Write) -> std::io::Result<()> {
        for (objects, what) in [
            (&self.lost, "deleted from the store"),
            (&self.truncated, "cut in half in the store"),
            (&self.flipped, "with one bit flipped in the store (same size)"),
            (&self.gone, "deleted from the store, and its source answers 404"),
            (&self.drifted, "deleted from the store, and its source serves other bytes"),
            (&self.without_source, "deleted from the store, and no row names a source"),
        ] {
            let example = objects.first().map_or("", |object| object.name.as_str());
            writeln!(out, "  {:>2} {what}, e.g. {example}", objects.len())?;
        }
        writeln!(out, "  {:>2} objects that no row wants", self.orphans.len())?;
        writeln!(out, "  {:>2} key that is no digest", self.foreign.len())
    }

    /// How many objects a heal has to restore.
    pub(super) fn healable(&self) -> u64 {
        count(self.lost.len() + self.truncated.len() + self.flipped.len())
    }

    /// Why the others cannot be had again.
    pub(super) fn unhealable(&self) -> Vec<Unhealable> {
        let mut why = vec![Unhealable::SourceGone; self.gone.len()];
        why.extend(vec![Unhealable::SourceDrifted; self.drifted.len()]);
        why.extend(vec![Unhealable::NoSource; self.without_source.len()]);
        why
    }

    /// What the first audit has to find.
    pub(super) fn expected_findings(&self) -> BTreeMap<FindingKind, u64> {
        let missing = self.lost.len() + self.unhealable().len();
        let corrupt = self.truncated.len() + self.flipped.len();
        self.with_strays([
            (FindingKind::Missing, count(missing)),
            (FindingKind::Corrupt, count(corrupt)),
        ])
    }

    /// What the second audit has to find.
    pub(super) fn expected_rest(&self) -> BTreeMap<FindingKind, u64> {
        self.with_strays([(FindingKind::Missing, count(self.unhealable().len()))])
    }

    fn with_strays<const N: usize>(
        &self,
        wanted: [(FindingKind, u64); N],
    ) -> BTreeMap<FindingKind, u64> {
        let mut all = BTreeMap::from(wanted);
        all.insert(FindingKind::Orphan, count(self.orphans.len()));
        all.insert(FindingKind::Foreign, count(self.foreign.len()));
        all
    }
}

fn outdated(version: u8) -> String {
    format!("version 0.{version} of an app, which no row wants any more\n")
}

fn digest_of(bytes: &str) -> Digest {
    Digest::new(Sha256::digest(bytes).into())
}

fn count(n: usize) -> u64 {
    u64::try_from(n).unwrap_or(u64::MAX)
}
