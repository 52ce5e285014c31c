//! The second, independent observation that turns a suspicion into a finding.

use std::collections::{HashMap, HashSet};

use futures::StreamExt;

use crate::model::{
    BreakerState, CatalogRow, Cause, Collection, Command, Corruption, Digest, ObjectMeta, Record,
};
use crate::observe::Event;
use crate::plan::switched_off;
use crate::reconcile::{Joined, Judgement, Rules};
use crate::store::{Archived, Probe, StoreFault};

use super::verdicts::{Corrupt, Unknown, Verdicts};
use super::{Context, Request, Trouble};

/// Above this many suspicions a second listing is the second observation (contract §2).
const HEADS_AT_MOST: usize = 2_000;

/// How many of them are asked for with a HEAD all the same, spread over the digest space.
const SAMPLED_HEADS: usize = 200;

impl Context<'_> {
    /// Asks again for what was not listed. What is there after all is present; what the store
    /// will not speak of is unknown; the rest is returned, twice observed to be absent.
    pub(super) async fn confirm_missing(
        &self,
        mut suspects: Vec<Record>,
        verdicts: &mut Verdicts,
    ) -> Result<Confirmed, Trouble> {
        let mut doubtful = Vec::new();
        if suspects.len() > HEADS_AT_MOST {
            suspects = self.list_again(suspects, verdicts, &mut doubtful).await?;
            let step = suspects.len().div_ceil(SAMPLED_HEADS).max(1);
            let sample: Vec<_> = suspects.iter().step_by(step).copied().collect();
            let agreed = self.probe_all(sample, verdicts, &mut doubtful).await?;
            if agreed.contradictions == 0 {
                return Ok(Confirmed { absent: suspects, doubtful });
            }
            // The two listings and the HEADs disagree: only asking for each one is left.
            verdicts.unknown.retain(|unknown| !agreed.unknown.contains(&unknown.digest));
            let settled: HashSet<_> = agreed.present;
            suspects.retain(|suspect| !settled.contains(&suspect.digest));
        }
        let absent = self.probe_all(suspects, verdicts, &mut doubtful).await?.absent;
        Ok(Confirmed { absent, doubtful })
    }

    /// Whether this pass calls an object present only once it has read it.
    fn reads(&self, digest: &Digest) -> bool {
        let Request { digests, deep, .. } = self.request;
        digests.is_some() || deep.is_some_and(|slice| slice.contains(digest))
    }

    /// Counts an object that is there after all, unless its bytes have to be asked. `meta` is
    /// `None` where a listing showed it.
    pub(super) fn found(
        &self,
        record: Record,
        size: u64,
        meta: Option<&ObjectMeta>,
        verdicts: &mut Verdicts,
        doubtful: &mut Vec<Record>,
    ) {
        let key = verdicts.collection.key.render(&record.digest);
        let standing = self.known.corruptions.get(&key);
        if verdicts.denied.contains(&record.digest) {
            let same = |read: &&Corruption| meta.is_none_or(|now| *now == read.meta);
            match standing.filter(same) {
                Some(read) => verdicts.corrupt.push(Corrupt::standing(read)),
                None => verdicts.unknown.push(Unknown::unreadable(record.digest)),
            }
            return;
        }
        let observed = Record::new(record.digest, size, i64::MIN, false);
        let rules = Rules { now_epoch_seconds: 0, grace_seconds: 0 };
        let fits = rules.judge(&Joined::Both(record, observed)) == Judgement::Healthy;
        if fits && standing.is_none() && !self.reads(&record.digest) {
            verdicts.add_present(&record);
        } else {
            doubtful.push(record);
        }
    }

    /// A second complete listing; what it shows is there.
    async fn list_again(
        &self,
        suspects: Vec<Record>,
        verdicts: &mut Verdicts,
        doubtful: &mut Vec<Record>,
    ) -> Result<Vec<Record>, Trouble> {
        let wanted: HashSet<Digest> = suspects.iter().map(|suspect| suspect.digest).collect();
        let mut listing = self.list(&verdicts.collection.clone(), self.request.slice).await?.sorted;
        let mut seen = HashMap::new();
        let mut batch = Vec::new();
        loop {
            listing.next_batch(&mut batch)?;
            if batch.is_empty() {
                break;
            }
            let listed = batch.iter().filter(|record| wanted.contains(&record.digest));
            seen.extend(listed.map(|record| (record.digest, record.size())));
        }
        let mut absent = Vec::new();
        for suspect in suspects {
            match seen.get(&suspect.digest) {
                Some(size) => self.found(suspect, *size, None, verdicts, doubtful),
                None => absent.push(suspect),
            }
        }
        Ok(absent)
    }

    async fn probe_all(
        &self,
        suspects: Vec<Record>,
        verdicts: &mut Verdicts,
        doubtful: &mut Vec<Record>,
    ) -> Result<Probed, Trouble> {
        let layout = verdicts.collection.key.clone();
        let probes = suspects.into_iter().map(|record| {
            let key = layout.render(&record.digest);
            async move { (record, self.auditor.store.probe(&key).await) }
        });
        let mut probes =
            futures::stream::iter(probes).buffer_unordered(self.auditor.settings.concurrency);
        let mut told = Probed::default();
        while let Some((record, probe)) = probes.next().await {
            self.auditor.observer.notice(&Event::Confirmed(1));
            match probe {
                Probe::Absent => told.absent.push(record),
                Probe::Present(meta) => {
                    told.contradictions += 1;
                    told.present.insert(record.digest);
                    self.found(record, meta.size, Some(&meta), verdicts, doubtful);
                }
                Probe::Unknown(error) if error.fault == StoreFault::NoSuchStore => {
                    return Err(Trouble::Listing(error));
                }
                Probe::Unknown(error) => {
                    told.contradictions += 1;
                    told.unknown.insert(record.digest);
                    verdicts.unknown.push(Unknown::because(record.digest, &error));
                }
            }
        }
        told.absent.sort_unstable();
        Ok(told)
    }

    /// Looks at objects against which a corruption stands: the same version is corrupt still, any
    /// other is read again at once, since only its bytes tell what became of it. Those against
    /// which none stands lie in an archive.
    pub(super) async fn confirm_standing(
        &self,
        standing: Vec<Record>,
        verdicts: &mut Verdicts,
        to_read: &mut Vec<Record>,
        absent: &mut Vec<Record>,
    ) -> Result<(), Trouble> {
        let healed = self.healed_now(&standing, &verdicts.collection).await?;
        let mut archived = Vec::new();
        for record in standing {
            let key = verdicts.collection.key.render(&record.digest);
            let Some(corruption) = self.known.corruptions.get(&key) else {
                archived.push(record);
                continue;
            };
            // A heal replaces only what it read and found wrong in its own pass.
            if healed.contains(&record.digest) {
                to_read.push(record);
                continue;
            }
            match self.auditor.store.probe(&key).await {
                // Nothing speaks against what was read, so it stands.
                Probe::Unknown(_) => verdicts.corrupt.push(Corrupt::standing(corruption)),
                Probe::Present(now) if now == corruption.meta => {
                    verdicts.corrupt.push(Corrupt::standing(corruption));
                }
                // Listed, and denied: a GET is the third to be asked.
                Probe::Absent | Probe::Present(_) => to_read.push(record),
            }
        }
        self.look_into_archive(archived, verdicts, to_read, absent).await
    }

    /// The second look at objects that were listed in an archive. Whether one was brought back from
    /// there, only the beginning of an answer to a GET tells.
    async fn look_into_archive(
        &self,
        archived: Vec<Record>,
        verdicts: &mut Verdicts,
        to_read: &mut Vec<Record>,
        absent: &mut Vec<Record>,
    ) -> Result<(), Trouble> {
        if self.auditor.settings.archived == Archived::Present {
            for record in &archived {
                verdicts.add_present(record);
            }
            return Ok(());
        }
        let layout = verdicts.collection.key.clone();
        let looks = archived.into_iter().map(|record| {
            let key = layout.render(&record.digest);
            async move { (record, self.auditor.store.read(&key).await.map(|read| read.meta)) }
        });
        let mut looks =
            futures::stream::iter(looks).buffer_unordered(self.auditor.settings.concurrency);
        while let Some((record, look)) = looks.next().await {
            self.auditor.observer.notice(&Event::Confirmed(1));
            match look {
                Ok(meta) => self.found(record, meta.size, Some(&meta), verdicts, to_read),
                Err(error) if error.fault == StoreFault::NoSuchStore => {
                    return Err(Trouble::Listing(error));
                }
                Err(error) if error.fault == StoreFault::NotFound => {
                    verdicts.denied.insert(record.digest);
                    absent.push(record);
                }
                Err(error) => verdicts.unknown.push(Unknown::because(record.digest, &error)),
            }
        }
        Ok(())
    }

    /// Those of these corrupt objects that this pass will want to heal. A person's heal tries all
    /// of them; a daemon does not read again what it would not heal now, or each of its passes would
    /// read all bytes of an object that nothing brings back.
    async fn healed_now(
        &self,
        standing: &[Record],
        collection: &Collection,
    ) -> Result<HashSet<Digest>, Trouble> {
        let (request, ledger) = (self.request, &self.auditor.ledger);
        let digests: Vec<_> = standing.iter().map(|record| record.digest).collect();
        if request.command != Command::Heal || digests.is_empty() || request.restraint.paused {
            return Ok(HashSet::new());
        }
        if switched_off(&self.auditor.settings.heal, collection.heal, Cause::Corrupt).is_some() {
            return Ok(HashSet::new());
        }
        if !request.restraint.backs_off {
            return Ok(digests.into_iter().collect());
        }
        if ledger.breaker().await?.as_ref().is_some_and(BreakerState::is_open) {
            return Ok(HashSet::new());
        }
        let rows = self.rows_again(collection, &digests).await?;
        let known = self.standing_verdicts(digests.iter(), &rows).await?;
        let waiting = self.auditor.waiting(&digests).await?;
        let heals = |digest: &Digest| {
            let rows = rows.get(digest).map_or(&[][..], Vec::as_slice);
            let why = self.unhealable(digest, collection.heal, rows, &known);
            why.is_none() && !waiting.contains(digest)
        };
        Ok(digests.into_iter().filter(heals).collect())
    }

    /// Reads the rows of every digest in question again, in batches: the second look at the
    /// catalog.
    pub(super) async fn rows_again(
        &self,
        collection: &Collection,
        digests: &[Digest],
    ) -> Result<HashMap<Digest, Vec<CatalogRow>>, Trouble> {
        let mut found: HashMap<_, Vec<_>> = HashMap::new();
        if digests.is_empty() {
            return Ok(found);
        }
        for row in self.auditor.catalog.rows(collection, digests).await? {
            found.entry(row.digest).or_default().push(row);
        }
        Ok(found)
    }
}

/// What became of suspicions.
pub(super) struct Confirmed {
    /// Twice observed to be absent.
    pub(super) absent: Vec<Record>,
    /// There after all, and to be read.
    pub(super) doubtful: Vec<Record>,
}

/// What a round of HEADs said.
#[derive(Debug, Default)]
struct Probed {
    absent: Vec<Record>,
    present: HashSet<Digest>,
    unknown: HashSet<Digest>,
    contradictions: usize,
}
