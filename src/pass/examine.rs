//! One collection from its enumeration to its verdicts.

use std::collections::{HashMap, HashSet};

use crate::model::{CatalogRow, Collection, Digest, Record};

use super::confirm::Confirmed;
use super::verdicts::Verdicts;
use super::{Context, Trouble};

/// Rows of a collection that cannot be right and are told one by one, of each kind; the rest is
/// counted.
const ROWS_TOLD: usize = 1_000;

/// A collection's verdicts, with the rows of every digest in question.
pub(super) struct Examined {
    pub(super) verdicts: Verdicts,
    pub(super) rows: HashMap<Digest, Vec<CatalogRow>>,
}

impl Context<'_> {
    pub(super) async fn examine(&self, collection: &Collection) -> Result<Examined, Trouble> {
        if let Some(digests) = &self.request.digests {
            return self.examine_named(collection, digests).await;
        }
        let mut verdicts = Verdicts::new(collection);
        let mut sides = self.enumerate(collection).await?;
        let rules = sides.rules;
        let mut suspicions = self.join(&mut sides, rules, &mut verdicts).await?;
        let foreign = std::mem::take(&mut sides.foreign);
        verdicts.observed += u64::try_from(foreign.len()).unwrap_or(u64::MAX);
        verdicts.foreign = foreign;
        verdicts.skew = sides.skew;
        verdicts.unreadable_rows = sides.rows.unreadable;
        // Rows without a digest lie in no slice; the first one speaks of them.
        if self.request.slice.is_first() {
            verdicts.malformed_rows = sides.rows.unreadable;
        }
        verdicts.rows = Some(sides.rows.all);
        if verdicts.malformed_rows > 0 {
            verdicts.malformed = self.auditor.catalog.malformed(collection, ROWS_TOLD).await?;
        }
        verdicts.mistimed_rows = sides.rows.mistimed;
        if verdicts.mistimed_rows > 0 {
            let (slice, latest) = (self.request.slice, rules.latest_epoch_seconds());
            let catalog = &self.auditor.catalog;
            verdicts.mistimed = catalog.mistimed(collection, slice, latest, ROWS_TOLD).await?;
        }
        if sides.rows.with_digest == 0 && verdicts.observed > 0 {
            verdicts.empty_over_objects = true;
            verdicts.orphans = Vec::new();
        }
        drop(sides);
        let mut to_read = suspicions.sizes;
        self.confirm_standing(
            suspicions.standing,
            &mut verdicts,
            &mut to_read,
            &mut suspicions.missing,
        )
        .await?;
        self.read_all(to_read, &mut verdicts, &mut suspicions.missing).await?;
        // An object that was listed and is gone by now has the same grace as any other.
        let is_young = |record: &Record| rules.is_young(record);
        self.settle_missing(suspicions.missing, is_young, &mut verdicts).await?;
        let rows = self.rows_again(collection, &in_question(&verdicts)).await?;
        self.take_in(&rows, &mut verdicts).await?;
        if verdicts.bytes_verified > 0 {
            // What was read was read from the store that the configuration names, to the end.
            self.auditor.store.check().await?;
        }
        settle(&mut verdicts, &rows);
        drop_told_twice(&mut verdicts);
        Ok(Examined { verdicts, rows })
    }
}

impl Context<'_> {
    /// Confirms what is missing. What turned out to be there with a doubtful size, or with a
    /// corruption against it, is read. What a GET denies is asked for once more: then it was taken
    /// away meanwhile, or it is seen and cannot be read.
    pub(super) async fn settle_missing(
        &self,
        suspects: Vec<Record>,
        is_young: impl Fn(&Record) -> bool,
        verdicts: &mut Verdicts,
    ) -> Result<(), Trouble> {
        let Confirmed { mut absent, doubtful } = self.confirm_missing(suspects, verdicts).await?;
        let mut denied = Vec::new();
        self.read_all(doubtful, verdicts, &mut denied).await?;
        absent.extend(self.confirm_missing(denied, verdicts).await?.absent);
        for record in absent {
            if is_young(&record) {
                verdicts.young += 1;
            } else {
                verdicts.missing.push(record.digest);
            }
        }
        verdicts.missing.sort_unstable();
        Ok(())
    }
}

impl Context<'_> {
    /// Objects whose rows came while the pass ran: they are no orphans, and are judged as any
    /// other. One that is gone by now is left to the next pass, like all that is young.
    async fn take_in(
        &self,
        rows: &HashMap<Digest, Vec<CatalogRow>>,
        verdicts: &mut Verdicts,
    ) -> Result<(), Trouble> {
        let orphans = std::mem::take(&mut verdicts.orphans);
        let (mut to_read, mut denied) = (Vec::new(), Vec::new());
        for orphan in orphans {
            let of_it = rows.get(&orphan.digest).map_or(&[][..], Vec::as_slice);
            match self.expected_by(&verdicts.collection, of_it) {
                None => verdicts.orphans.push(orphan),
                Some(record) => self.found(record, orphan.size(), None, verdicts, &mut to_read),
            }
        }
        self.read_all(to_read, verdicts, &mut denied).await?;
        self.settle_missing(denied, |_| true, verdicts).await
    }
}

fn in_question(verdicts: &Verdicts) -> Vec<Digest> {
    let mut digests: Vec<_> = verdicts.missing.clone();
    digests.extend(verdicts.corrupt.iter().map(|corrupt| corrupt.digest));
    digests.extend(verdicts.unknown.iter().map(|unknown| unknown.digest));
    digests.extend(verdicts.size_mismatches.iter().map(|(digest, _)| *digest));
    digests.extend(verdicts.orphans.iter().map(|orphan| orphan.digest));
    digests
}

/// A key that cannot be addressed and is the very key of an expected object (a link out of the
/// store) is told as that object, and not as foreign too.
fn drop_told_twice(verdicts: &mut Verdicts) {
    let layout = verdicts.collection.key.clone();
    let told: HashSet<_> = verdicts.unknown.iter().map(|unknown| unknown.digest).collect();
    verdicts.foreign.retain(|foreign| {
        foreign.addressable || layout.parse(&foreign.key).is_none_or(|d| !told.contains(&d))
    });
}

/// What the second look at the catalog changes: a row that is gone wants nothing.
fn settle(verdicts: &mut Verdicts, rows: &HashMap<Digest, Vec<CatalogRow>>) {
    verdicts.missing.retain(|digest| rows.contains_key(digest));
    verdicts.corrupt.retain(|corrupt| rows.contains_key(&corrupt.digest));
    verdicts.unknown.retain(|unknown| rows.contains_key(&unknown.digest));
    // A row that was mended meanwhile gives the right size now.
    let differs = |digest: &Digest, observed: u64| {
        let sizes = rows.get(digest).into_iter().flatten().filter_map(|row| row.size);
        sizes.into_iter().any(|size| size != observed)
    };
    verdicts.size_mismatches.retain(|(digest, observed)| differs(digest, *observed));
}
