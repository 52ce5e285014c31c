//! What restock owes: the verdict on each thing, told from what is true, in the plainest way. Of
//! what changed or failed meanwhile, each verdict is allowed that was true at some time, and that
//! nobody knows; never one that was true at no time.

use std::collections::BTreeSet;

use restock::model::Digest;

use crate::case::{Case, Lies};
use crate::memory_catalog::{Cell, Row, Written};
use crate::things::{Thing, digest_of, things};
use crate::world::GRACE;

/// What a pass says of a thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Verdict {
    /// Nobody wants it and it is not there, or the pass is not about it.
    Nothing,
    Young,
    Present,
    Missing,
    Corrupt,
    Unknown,
    Orphan,
}

/// How rows want a thing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Wanted {
    No,
    Young(Vec<u64>),
    Old(Vec<u64>),
}

/// The rows of a thing.
pub(crate) fn rows_of<'a>(thing: &Thing, rows: &'a [Row]) -> Vec<&'a Row> {
    let of_it =
        |row: &&Row| row.digest == Cell::Digest(thing.digest) && row.collection == thing.collection;
    rows.iter().filter(of_it).collect()
}

/// Whether rows want a thing; the oldest decides, and what has no age is old (contract §2).
pub(crate) fn wanted(thing: &Thing, rows: &[Row], case: &Case<'_>) -> Wanted {
    let rows = rows_of(thing, rows);
    if rows.is_empty() {
        return Wanted::No;
    }
    let mut sizes: Vec<u64> = rows.iter().filter_map(|row| row.size).filter(|n| *n > 0).collect();
    sizes.sort_unstable();
    sizes.dedup();
    let grace = GRACE.as_secs() as i64;
    let now = case.catalog_now.timestamp();
    let is_young = |row: &&Row| match row.written {
        Written::At(at) => {
            let age = now - at.timestamp();
            age < grace && age >= -(grace + 300)
        }
        Written::Unknown | Written::NoTime(_) => false,
    };
    // Named by a person, it counts as old.
    let young = case.lists() && rows.iter().all(is_young);
    if young { Wanted::Young(sizes) } else { Wanted::Old(sizes) }
}

/// The verdict on a thing in a world that stands still and answers truly.
fn verdict(thing: &Thing, wanted: &Wanted, lies: &Lies, case: &Case<'_>) -> Verdict {
    let (sizes, is_young) = match wanted {
        Wanted::No if lies.is_some() && case.lists() => return Verdict::Orphan,
        Wanted::No => return Verdict::Nothing,
        Wanted::Young(sizes) => (sizes, true),
        Wanted::Old(sizes) => (sizes, false),
    };
    let Some((bytes, meta)) = lies else {
        return if is_young { Verdict::Young } else { Verdict::Missing };
    };
    let standing = case.remembered.corruptions.get(&thing.key);
    let stands = standing.is_some_and(|corruption| corruption.meta == *meta);
    let (archived, unreadable) =
        (case.archived.contains(&thing.key), case.unreadable.contains(&thing.key));
    let has_size = !sizes.is_empty();
    let fits = (bytes.is_empty() == (thing.digest == digest_of(b"")))
        && (!has_size || *sizes == [meta.size]);
    if stands && (archived || unreadable || !case.reads(thing)) {
        return Verdict::Corrupt;
    }
    // What a run that was cut off was about to publish is read before a heal looks at all else.
    let interrupted = case.heals()
        && !unreadable
        && meta.size == thing.bytes.len() as u64
        && case.remembered.interrupted.contains(&thing.key);
    let reads = case.reads(thing) || standing.is_some() || !fits || interrupted;
    if archived {
        let is_present = case.setting.archived_is_present;
        return if is_present { Verdict::Present } else { Verdict::Unknown };
    }
    match (reads, unreadable, digest_of(bytes) == thing.digest) {
        (false, _, _) | (true, false, true) => Verdict::Present,
        (true, true, _) => Verdict::Unknown,
        (true, false, false) => Verdict::Corrupt,
    }
}

/// The verdicts that a pass may give on a thing; one alone where it is calm.
pub(crate) fn allowed(thing: &Thing, case: &Case<'_>) -> BTreeSet<Verdict> {
    if !case.is_about(thing) {
        return [Verdict::Nothing].into();
    }
    let mut allowed = BTreeSet::new();
    let lay = case.lay(thing);
    for rows in &case.rows {
        let wanted = wanted(thing, rows, case);
        for lies in &lay {
            let mut told = verdict(thing, &wanted, lies, case);
            if told == Verdict::Orphan && is_empty(thing, rows) {
                told = Verdict::Nothing;
            }
            allowed.insert(told);
        }
    }
    if case.is_calm(thing) {
        return allowed;
    }
    let ever =
        |is: fn(&Wanted) -> bool| case.rows.iter().any(|rows| is(&wanted(thing, rows, case)));
    let may_be_wanted = ever(|wanted| *wanted != Wanted::No);
    let (was_there, was_away) = (lay.iter().any(Option::is_some), lay.iter().any(Option::is_none));
    let is = |lies: &Lies, right: bool| {
        lies.as_ref().is_some_and(|(bytes, _)| (digest_of(bytes) == thing.digest) == right)
    };
    if may_be_wanted {
        allowed.insert(Verdict::Unknown);
        let seen = case.seen;
        // Two observations that both lie cannot be seen through; one can.
        let kept_back = case.unreadable.contains(&thing.key) || seen.hidden.contains(&thing.key);
        let twice = kept_back && seen.denied.contains(&thing.key);
        // What a young row wants and no listing shows is not asked for: it has its grace.
        if seen.hidden.contains(&thing.key) && ever(|wanted| matches!(wanted, Wanted::Young(_))) {
            allowed.insert(Verdict::Young);
        }
        if was_away || twice {
            let young = ever(|wanted| matches!(wanted, Wanted::Young(_)));
            allowed.insert(if young { Verdict::Young } else { Verdict::Missing });
            if seen.clock_set {
                allowed.insert(Verdict::Young);
            }
            if seen.clock_set || ever(|wanted| matches!(wanted, Wanted::Old(_))) {
                allowed.insert(Verdict::Missing);
            }
        }
        let standing = case.remembered.corruptions.contains_key(&thing.key);
        if lay.iter().any(|lies| is(lies, false)) || standing {
            allowed.insert(Verdict::Corrupt);
        }
        let shown = was_there || seen.ghosts.contains(&thing.key);
        let right = lay.iter().any(|lies| is(lies, true));
        let archived = case.archived.contains(&thing.key) && case.setting.archived_is_present;
        if right || (shown && !case.reads(thing)) || archived {
            allowed.insert(Verdict::Present);
        }
    }
    if ever(|wanted| *wanted == Wanted::No) {
        allowed.insert(Verdict::Nothing);
        let shown = was_there || case.seen.ghosts.contains(&thing.key);
        if case.lists() && shown {
            allowed.insert(Verdict::Orphan);
        }
    }
    allowed
}

/// Whether no row of a thing's collection has a digest that can be read: then there are no orphans.
pub(crate) fn is_empty(thing: &Thing, rows: &[Row]) -> bool {
    let of_it =
        |row: &Row| row.collection == thing.collection && matches!(row.digest, Cell::Digest(_));
    !rows.iter().any(of_it)
}

/// Whether a row of a thing's collection has a digest that cannot be read.
pub(crate) fn has_unreadable(collection: &str, rows: &[Row]) -> bool {
    let of_it =
        |row: &Row| row.collection == collection && matches!(row.digest, Cell::Unreadable(_));
    rows.iter().any(of_it)
}

/// Rows that cannot be right, of those that a pass speaks of: (unreadable ones, objects with a
/// time that is none).
pub(crate) fn invalid(case: &Case<'_>) -> (u64, u64) {
    let Some(rows) = case.rows.first() else { return (0, 0) };
    if !case.lists() {
        return (0, 0);
    }
    let mine =
        |row: &&Row| !case.pass.installers_only || row.collection == crate::things::INSTALLERS;
    let unreadable = rows
        .iter()
        .filter(mine)
        .filter(|row| matches!(row.digest, Cell::Unreadable(_)) && case.pass.slice.0 == 1)
        .count();
    let latest = case.catalog_now.timestamp() + GRACE.as_secs() as i64 + 300;
    let mistimed = rows
        .iter()
        .filter(mine)
        .filter(|row| match (&row.digest, &row.written) {
            (Cell::Digest(digest), written) => {
                let thing = things().iter().find(|thing| thing.digest == *digest);
                let about = thing.is_some_and(|thing| case.is_about(thing));
                let odd = match written {
                    Written::NoTime(_) => true,
                    Written::At(at) => at.timestamp() > latest,
                    Written::Unknown => false,
                };
                about && odd
            }
            _ => false,
        })
        .count();
    (unreadable as u64, mistimed as u64)
}

/// Whether a source of a thing gives its bytes, at the first asking and by the policy.
pub(crate) fn has_good_source(thing: &Thing, rows: &[Row], gives: impl Fn(&str) -> bool) -> bool {
    let rows = rows_of(thing, rows);
    let known = rows.iter().filter_map(|row| row.sources.url.as_deref());
    known.into_iter().any(gives)
}

/// The thing of a digest.
pub(crate) fn thing_of(digest: &Digest) -> Option<&'static Thing> {
    things().iter().find(|thing| thing.digest == *digest)
}
