//! Both sides, each read once and in whatever order it comes, into a sorter.

use std::collections::HashSet;

use chrono::TimeDelta;
use futures::TryStreamExt;

use crate::model::{
    Collection, Corruption, Digest, KeyTemplate, Record, Slice, SourceVerdict, Sources, Unhealable,
    is_temporary,
};
use crate::observe::Event;
use crate::plan::{SourceStanding, unhealable};
use crate::reconcile::Rules;
use crate::sorter::{Sorted, Sorter};
use crate::store::{ListRequest, ListedPage};

use super::verdicts::Foreign;
use super::{Context, Trouble};

/// One collection, enumerated on both sides.
pub(super) struct Enumerated {
    pub(super) expected: Sorted,
    pub(super) observed: Sorted,
    pub(super) rows: Rows,
    pub(super) foreign: Vec<Foreign>,
    /// By the database's own clock.
    pub(super) rules: Rules,
    pub(super) skew: Option<TimeDelta>,
}

/// The rows of one collection, over the whole digest space.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Rows {
    /// All of them.
    pub(super) all: u64,
    /// Those with a digest.
    pub(super) with_digest: u64,
    /// Those whose digest cannot be read. The others without a digest want nothing.
    pub(super) unreadable: u64,
    /// Those of the slice whose time of writing is none, or has not come yet.
    pub(super) mistimed: u64,
}

/// The listing of one collection.
pub(super) struct Listing {
    pub(super) sorted: Sorted,
    pub(super) foreign: Vec<Foreign>,
    /// The store's clock less this machine's, as the first dated page came.
    pub(super) skew: Option<TimeDelta>,
}

impl Context<'_> {
    pub(super) async fn enumerate(&self, collection: &Collection) -> Result<Enumerated, Trouble> {
        self.auditor.observer.notice(&Event::Phase {
            name: "listing",
            total_objects: None,
            total_bytes: None,
        });
        let rules = Rules {
            now_epoch_seconds: self.auditor.catalog.now().await?.timestamp(),
            grace_seconds: i64::try_from(self.auditor.settings.grace.as_secs()).unwrap_or(i64::MAX),
        };
        let (scanned, listing) = futures::try_join!(
            self.scan(collection, rules),
            self.list(collection, self.request.slice)
        )?;
        let (expected, rows) = scanned;
        Ok(Enumerated {
            expected,
            observed: listing.sorted,
            rows,
            foreign: listing.foreign,
            rules,
            skew: listing.skew,
        })
    }

    async fn scan(&self, collection: &Collection, rules: Rules) -> Result<(Sorted, Rows), Trouble> {
        let latest = rules.latest_epoch_seconds();
        let mut sorter = Sorter::new(self.auditor.settings.sorter.clone(), Record::melt);
        let mut rows = Rows::default();
        let mut batches = self.auditor.catalog.scan(collection);
        while let Some(batch) = batches.try_next().await? {
            let n = u64::try_from(batch.len()).unwrap_or(u64::MAX);
            self.auditor.observer.notice(&Event::Rows(n));
            rows.all = rows.all.saturating_add(n);
            for row in batch {
                rows.unreadable += u64::from(row.is_unreadable);
                let Some(digest) = row.digest else { continue };
                rows.with_digest += 1;
                if self.request.slice.contains(&digest) {
                    let risk = self.risk(collection, &digest, row.size, &row.sources);
                    let time = row.updated_at.filter(|time| *time <= latest);
                    let is_future = time.is_none() && row.updated_at.is_some();
                    rows.mistimed += u64::from(is_future || row.is_mistimed);
                    // What is no age counts as old.
                    let time = time.unwrap_or(i64::MIN);
                    sorter.push(Record::expected(digest, row.size.unwrap_or(0), time, risk))?;
                }
            }
        }
        Ok((sorter.finish()?, rows))
    }

    /// Why this row alone could not bring its object back; `None` where it could.
    pub(super) fn risk(
        &self,
        collection: &Collection,
        digest: &Digest,
        size: Option<u64>,
        sources: &Sources,
    ) -> Option<Unhealable> {
        let known = self.known.verdicts.get(digest).map_or(&[][..], Vec::as_slice);
        let said = |source: &str| {
            // Every row passes through here, and few objects have a verdict.
            let id = (!known.is_empty()).then(|| SourceVerdict::id_of(source))?;
            known.iter().find(|verdict| verdict.source_id == id).map(|verdict| verdict.verdict)
        };
        let standings = sources.iter().map(|source| SourceStanding {
            permitted: self.auditor.source.permits(source).is_ok(),
            verdict: said(source),
        });
        unhealable(&self.auditor.settings.heal, collection.heal, size, standings)
    }

    /// Lists a collection's prefix; `slice` may be narrower than the pass's own.
    pub(super) async fn list(
        &self,
        collection: &Collection,
        slice: Slice,
    ) -> Result<Listing, Trouble> {
        let mut sorter = Sorter::new(self.auditor.settings.sorter.clone(), Record::newer);
        let mut foreign = Vec::new();
        let mut skew = None;
        let ours = |c: &&Corruption| collection.key.render(&c.digest) == c.key;
        let standing: HashSet<Digest> =
            self.known.corruptions.values().filter(ours).map(|c| c.digest).collect();
        let scope = Scope::new(&collection.key, slice, &self.auditor.settings.heal.quarantine);
        let mut pages = self.auditor.store.list(ListRequest {
            layout: collection.key.clone(),
            slice,
            concurrency: self.auditor.settings.concurrency,
        });
        while let Some(page) = pages.try_next().await? {
            let n = u64::try_from(page.objects.len()).unwrap_or(u64::MAX);
            self.auditor.observer.notice(&Event::Listed(n));
            skew = skew.or_else(|| Some(page.date? - self.auditor.clock.now()));
            take(page, &scope, &standing, &mut sorter, &mut foreign)?;
        }
        // A listing that started anew may hand on a key twice.
        foreign.sort();
        foreign.dedup();
        Ok(Listing { sorted: sorter.finish()?, foreign, skew })
    }
}

/// Sorts one page into digests of the slice and foreign keys.
fn take(
    page: ListedPage,
    scope: &Scope<'_>,
    standing: &HashSet<Digest>,
    sorter: &mut Sorter,
    foreign: &mut Vec<Foreign>,
) -> Result<(), Trouble> {
    for object in page.objects {
        if scope.ignores(&object.key) {
            continue;
        }
        match scope.layout.parse(&object.key) {
            Some(digest) if scope.slice.contains(&digest) => {
                let time = object.modified.map_or(i64::MIN, |at| at.timestamp());
                // On this side the bit says that the listing alone is not enough: a corruption
                // stands against the digest, or the object lies in an archive.
                let stands = !standing.is_empty() && standing.contains(&digest);
                let doubted = stands || object.archived;
                sorter.push(Record::new(digest, object.size, time, doubted))?;
            }
            None if scope.owns(&object.key) => {
                foreign.push(Foreign {
                    key: object.key,
                    size: Some(object.size),
                    addressable: true,
                });
            }
            Some(_) | None => {}
        }
    }
    let unaddressable = page.unaddressable.into_iter().filter(|key| scope.owns(key));
    foreign.extend(unaddressable.map(|key| Foreign { key, size: None, addressable: false }));
    Ok(())
}

/// Which keys a listing speaks of.
struct Scope<'a> {
    layout: &'a KeyTemplate,
    slice: Slice,
    quarantine: String,
    from: Option<String>,
    to: Option<String>,
}

impl<'a> Scope<'a> {
    fn new(layout: &'a KeyTemplate, slice: Slice, quarantine: &str) -> Self {
        let range = slice.range();
        let bound = |position: u128| u64::try_from(position).ok().map(|at| layout.boundary(at));
        let quarantine = match quarantine {
            "" => String::new(),
            folder => format!("{folder}/"),
        };
        let from = if slice.is_first() { None } else { bound(range.start) };
        Self { layout, slice, quarantine, from, to: bound(range.end) }
    }

    /// Never observed: folder markers, temporary names, what was set aside.
    fn ignores(&self, key: &str) -> bool {
        key.ends_with('/')
            || is_temporary(key)
            || (!self.quarantine.is_empty() && key.starts_with(&self.quarantine))
    }

    /// Whether a key without a digest lies in the slice: between the keys that bound it.
    fn owns(&self, key: &str) -> bool {
        self.from.as_deref().is_none_or(|from| key >= from)
            && self.to.as_deref().is_none_or(|to| key < to)
    }
}
