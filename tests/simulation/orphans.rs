//! `restock orphans plan`, `apply` and `restore`, and what they owe.

use restock::ledger::Ledger as _;
use restock::model::{FindingKind, Removal, RemovalResult, reason};
use restock::plan::{Disposal, OrphanEntry, OrphansPlan, PlanIdentity};
use restock::removal::{Record, RemovalError};
use restock::store::Store as _;
use tempfile::TempDir;

use crate::case::Lies;
use crate::model::has_unreadable;
use crate::play::Player;
use crate::step::{Fault, Happening};
use crate::things::{digest_of, thing_at};

/// What follows a plan that was carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Then {
    Restore,
    Leave,
}

impl Player {
    pub(crate) async fn orphans(
        &mut self,
        disposal: Disposal,
        then: Then,
        faults: &[Fault],
        meanwhile: &[(u32, Happening)],
    ) {
        let entries = self.entries().await;
        if entries.is_empty() {
            return;
        }
        let now = restock::clock::Clock::now(&*self.world.clock());
        let identity = PlanIdentity {
            catalog: "memory://catalog".to_owned(),
            store: self.world.store(0).identity().to_owned(),
        };
        let id = restock::pass::new_id();
        let plan = OrphansPlan::new(id.clone(), "pass", now, identity.clone(), disposal, entries);
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("record");
        let mut record = Record::open(&path, &id, &identity, now).unwrap();
        self.begin().await;
        self.world.fate.deal(0, faults, meanwhile, None, (true, true, false));
        let remover = self.world.remover(0);
        let mut is_calm = faults.is_empty();
        let mut applied = tokio::select! {
            biased;
            () = self.world.fate.death(0) => None,
            applied = remover.apply(&plan, disposal, &mut record) => Some(applied),
        };
        if applied.is_none() {
            self.reach("a plan of orphans was cut off");
            drop(record);
            record = Record::open(&path, &id, &identity, now).unwrap();
            self.world.fate.deal(0, &[], &[], None, (true, true, false));
            is_calm = true;
            applied = Some(remover.apply(&plan, disposal, &mut record).await);
        }
        let removals = applied.map_or_else(Vec::new, |applied| self.ended(applied, is_calm));
        self.reach("a plan of orphans was carried out");
        self.are_no_loss(&removals);
        if then == Then::Restore {
            self.world.fate.deal(0, &[], &[], None, (true, true, false));
            let restored = remover.restore(&mut record).await;
            let back = self.ended(restored, true);
            self.are_back(&back);
        }
    }

    /// What became of the objects of a run, which fails as a whole only if something failed it.
    fn ended(&mut self, run: Result<Vec<Removal>, RemovalError>, is_calm: bool) -> Vec<Removal> {
        run.unwrap_or_else(|error| {
            if is_calm {
                self.wrong.push(format!("a plan of orphans came to nothing: {error:?}"));
            }
            Vec::new()
        })
    }

    /// The flagged orphans of the ledger, with the versions that lie there now.
    async fn entries(&self) -> Vec<OrphanEntry> {
        let findings = self.world.ledger.findings(u32::MAX).await.unwrap();
        let objects = self.world.hands.store.objects();
        let flagged = findings.into_iter().filter(|finding| {
            finding.kind == FindingKind::Orphan
                && finding.reason.as_deref() == Some(reason::FLAGGED)
        });
        let entry = |finding: restock::model::Finding| {
            let key = finding.key?;
            let (_, meta) = objects.get(&key)?;
            Some(OrphanEntry {
                collection: finding.collection,
                digest: finding.digest?,
                size: meta.size,
                etag: meta.etag.clone(),
                modified: meta.modified,
                first_seen: finding.first_seen,
                sightings: 3,
                reason: reason::FLAGGED.to_owned(),
                detail: String::new(),
                key,
            })
        };
        flagged.filter_map(entry).collect()
    }

    /// What was taken away was wanted at no time, and a copy of what was moved lies there whole.
    fn are_no_loss(&mut self, removals: &[Removal]) {
        let rows = self.world.hands.take_versions();
        let objects = self.world.hands.store.objects();
        for removal in removals {
            self.reach(word(removal.result));
            let Some(thing) = thing_at(&removal.key) else { continue };
            if !matches!(removal.result, RemovalResult::Moved | RemovalResult::Deleted) {
                continue;
            }
            if rows.iter().all(|rows| !crate::model::rows_of(thing, rows).is_empty()) {
                self.wrong.push(format!("{} was taken away, and a row wants it", removal.key));
            }
            if rows.iter().all(|rows| has_unreadable(&removal.collection, rows)) {
                let key = &removal.key;
                self.wrong.push(format!("{key} was taken away beside a row that cannot be read"));
            }
            let copy: Lies = removal.to.as_ref().and_then(|to| objects.get(to).cloned());
            if removal.result == RemovalResult::Moved && copy.is_none() {
                self.wrong.push(format!("{} was moved, and no copy lies there", removal.key));
            }
            let digest = copy.map(|(bytes, _)| digest_of(&bytes));
            if let (Some(told), Some(copied)) = (removal.observed_digest, digest)
                && told != copied
            {
                self.wrong.push(format!("the copy of {} is not what was read", removal.key));
            }
        }
    }

    /// What is called restored lies there.
    fn are_back(&mut self, removals: &[Removal]) {
        let objects = self.world.hands.store.objects();
        for removal in removals {
            let restored = removal.result == RemovalResult::Restored;
            if restored && !objects.contains_key(&removal.key) {
                self.wrong.push(format!("{} is called restored, and is not there", removal.key));
            }
            if restored {
                self.reach("an orphan was put back");
            }
        }
    }
}

const fn word(result: RemovalResult) -> &'static str {
    match result {
        RemovalResult::Moved => "an orphan was moved",
        RemovalResult::Deleted => "an orphan was deleted",
        RemovalResult::Restored => "an orphan was put back at once",
        RemovalResult::Held => "an orphan was left",
        RemovalResult::Unknown => "what became of an orphan is not known",
        RemovalResult::Failed => "an orphan could not be taken away",
    }
}
