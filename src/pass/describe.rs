//! Verdicts in words: findings with names, sources and whether they could be healed.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::ledger::LedgerError;
use crate::model::{
    Attempts, CatalogRow, Digest, Finding, FindingKind, SourceVerdict, Sources, Unhealable, reason,
    redact_url,
};
use crate::plan::{Plan, SourceStanding, unhealable};

use super::examine::Examined;
use super::verdicts::{Corrupt, Foreign};
use super::{Context, KnownSource, PassFailure};

/// How many row references a finding tells (contract §4).
const REFS_TOLD: usize = 20;

impl Context<'_> {
    /// The findings of one collection, orphans apart, in no order.
    pub(super) async fn describe(&self, examined: &Examined) -> Result<Vec<Finding>, PassFailure> {
        let verdicts = &examined.verdicts;
        let damaged = verdicts.missing.iter().chain(verdicts.corrupt.iter().map(|c| &c.digest));
        let standing = self.standing_verdicts(damaged, &examined.rows).await?;
        let mut findings = Vec::new();
        for digest in &verdicts.missing {
            let mut finding = self.about(FindingKind::Missing, digest, examined);
            finding.detail = not_found(digest);
            finding.accepted = self.known.accepted.contains(digest);
            self.judge_healable(&mut finding, examined, &standing);
            findings.push(finding);
        }
        for corrupt in &verdicts.corrupt {
            let mut finding = self.about(FindingKind::Corrupt, &corrupt.digest, examined);
            finding.observed_size = Some(corrupt.meta.size);
            finding.first_seen = corrupt.found_at;
            finding.observed_digest = Some(corrupt.observed_digest);
            finding.reason = Some(reason::DIGEST_MISMATCH.to_owned());
            finding.detail = corrupt_sentence(corrupt);
            finding.accepted = self.known.accepted.contains(&corrupt.digest);
            self.judge_healable(&mut finding, examined, &standing);
            findings.push(finding);
        }
        for unknown in &verdicts.unknown {
            let mut finding = self.about(FindingKind::Unknown, &unknown.digest, examined);
            finding.reason = Some(unknown.reason.clone());
            finding.detail.clone_from(&unknown.detail);
            findings.push(finding);
        }
        for (digest, observed) in &verdicts.size_mismatches {
            let mut finding = self.about(FindingKind::InvalidRecord, digest, examined);
            finding.observed_size = Some(*observed);
            finding.observed_digest = Some(*digest);
            finding.reason = Some(reason::SIZE_MISMATCH.to_owned());
            finding.detail = size_sentence(&finding, *observed);
            findings.push(finding);
        }
        findings.extend(self.malformed(examined));
        findings.extend(self.mistimed(examined));
        findings.extend(verdicts.foreign.iter().map(|foreign| self.foreign(examined, foreign)));
        Ok(findings)
    }

    /// A finding with all that the rows of a digest tell.
    pub(super) fn about(&self, kind: FindingKind, digest: &Digest, examined: &Examined) -> Finding {
        let collection = &examined.verdicts.collection;
        let mut finding = Finding::new(kind, &collection.name, self.started_at, String::new());
        finding.digest = Some(*digest);
        finding.key = Some(collection.key.render(digest));
        let rows = examined.rows.get(digest).map_or(&[][..], Vec::as_slice);
        let names: BTreeSet<_> = rows.iter().filter_map(|row| row.name.clone()).collect();
        let refs: BTreeSet<_> = rows.iter().filter_map(|row| row.reference.clone()).collect();
        finding.names = names.into_iter().collect();
        finding.rows = u64::try_from(rows.len()).unwrap_or(u64::MAX);
        finding.refs = refs.into_iter().take(REFS_TOLD).collect();
        finding.sources = Sources::of_rows(rows).iter().map(|url| redact_url(url)).collect();
        finding.expected_size = rows.iter().find_map(|row| row.size);
        finding
    }

    fn judge_healable(
        &self,
        finding: &mut Finding,
        examined: &Examined,
        standing: &HashMap<Digest, Vec<SourceVerdict>>,
    ) {
        let Some(digest) = finding.digest else { return };
        let heals = examined.verdicts.collection.heal;
        let rows = examined.rows.get(&digest).map_or(&[][..], Vec::as_slice);
        finding.unhealable = self.unhealable(&digest, heals, rows, standing);
        finding.healable = Some(finding.unhealable.is_none());
    }

    /// Why an object with these rows cannot be healed; `None` where it can.
    pub(super) fn unhealable(
        &self,
        digest: &Digest,
        heals: bool,
        rows: &[CatalogRow],
        standing: &HashMap<Digest, Vec<SourceVerdict>>,
    ) -> Option<Unhealable> {
        let known = standing.get(digest).map_or(&[][..], Vec::as_slice);
        let sources = standings(digest, &self.known_sources(rows), known);
        let size = rows.iter().filter_map(|row| row.size).min();
        unhealable(&self.auditor.settings.heal, heals, size, sources)
    }

    /// The sources of everything in a plan, which may be judged anew once they were asked.
    pub(super) fn sources_of(
        &self,
        plan: &Plan,
        examined: &[Examined],
    ) -> HashMap<(String, Digest), Vec<KnownSource>> {
        let sources = plan.actions.iter().filter_map(|action| {
            let target = &action.target;
            let of_it = |one: &&Examined| one.verdicts.collection.name == target.collection;
            let rows = examined.iter().find(of_it)?.rows.get(&target.digest)?;
            Some(((target.collection.clone(), target.digest), self.known_sources(rows)))
        });
        sources.collect()
    }

    fn known_sources(&self, rows: &[CatalogRow]) -> Vec<KnownSource> {
        let known = |url: &&str| KnownSource {
            id: SourceVerdict::id_of(url),
            permitted: self.auditor.source.permits(url).is_ok(),
        };
        Sources::of_rows(rows).iter().map(known).collect()
    }

    /// The verdicts that still stand for these digests. Where rows or sources changed since, both
    /// verdicts and back-off are forgotten.
    pub(super) async fn standing_verdicts<'d>(
        &self,
        digests: impl Iterator<Item = &'d Digest>,
        rows: &HashMap<Digest, Vec<CatalogRow>>,
    ) -> Result<HashMap<Digest, Vec<SourceVerdict>>, LedgerError> {
        let ledger = &self.auditor.ledger;
        let digests: Vec<_> = digests.copied().collect();
        let mut standing: HashMap<_, _> = digests
            .iter()
            .filter_map(|digest| self.known.verdicts.get_key_value(digest))
            .map(|(digest, verdicts)| (*digest, verdicts.clone()))
            .collect();
        for (digest, attempts) in ledger.attempts(&digests).await? {
            let now = rows.get(&digest).map_or(&[][..], Vec::as_slice);
            if attempts.fingerprint != Attempts::fingerprint_of(now) {
                self.unkept.note(ledger.put_attempts(&digest, None).await);
                self.unkept.note(ledger.clear_verdicts(&digest).await);
                standing.remove(&digest);
            }
        }
        Ok(standing)
    }

    fn malformed<'e>(&'e self, examined: &'e Examined) -> impl Iterator<Item = Finding> + 'e {
        examined.verdicts.malformed.iter().map(|row| {
            let name = &examined.verdicts.collection.name;
            let detail = format!("its digest column holds {}, which is no SHA-256", row.shown);
            let mut finding =
                Finding::new(FindingKind::InvalidRecord, name, self.started_at, detail);
            finding.reason = Some(reason::MALFORMED_DIGEST.to_owned());
            finding.names = row.name.iter().cloned().collect();
            finding.refs = row.reference.iter().cloned().collect();
            finding.rows = 1;
            finding
        })
    }

    /// One finding for an object and a reason, however many of its rows it is true of.
    fn mistimed<'e>(&'e self, examined: &'e Examined) -> impl Iterator<Item = Finding> + 'e {
        let mut objects: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for row in &examined.verdicts.mistimed {
            objects.entry((row.digest, row.is_future)).or_default().push(row);
        }
        let collection = &examined.verdicts.collection;
        objects.into_iter().map(move |((digest, is_future), rows)| {
            let shown = rows.first().map_or("", |row| row.shown.as_str());
            let (why, detail) = if is_future {
                (reason::FUTURE, format!("its row was written at `{shown}`, in the future"))
            } else {
                (reason::UNREADABLE_TIME, format!("`updated_at` of its row is no time: `{shown}`"))
            };
            let detail = format!("{detail}: the row counts as old");
            let kind = FindingKind::InvalidRecord;
            let mut finding = Finding::new(kind, &collection.name, self.started_at, detail);
            finding.digest = Some(digest);
            finding.key = Some(collection.key.render(&digest));
            finding.reason = Some(why.to_owned());
            let names: BTreeSet<_> = rows.iter().filter_map(|row| row.name.clone()).collect();
            finding.names = names.into_iter().collect();
            let refs: BTreeSet<_> = rows.iter().filter_map(|row| row.reference.clone()).collect();
            finding.refs = refs.into_iter().take(REFS_TOLD).collect();
            finding.rows = u64::try_from(rows.len()).unwrap_or(u64::MAX);
            finding
        })
    }

    fn foreign(&self, examined: &Examined, foreign: &Foreign) -> Finding {
        let collection = &examined.verdicts.collection;
        let detail = if foreign.addressable {
            format!("no digest's key: the layout is {}", collection.key)
        } else {
            "no object can be addressed by it (a link out of the store, `//`, `..`, a control \
             character, or not UTF-8)"
                .to_owned()
        };
        let mut finding =
            Finding::new(FindingKind::Foreign, &collection.name, self.started_at, detail);
        finding.key = Some(foreign.key.clone());
        finding.observed_size = foreign.size;
        let evidence =
            if foreign.addressable { reason::NO_DIGEST_KEY } else { reason::UNADDRESSABLE_KEY };
        finding.reason = Some(evidence.to_owned());
        finding
    }
}

/// What is known of an object's sources, given all verdicts that stand.
pub(super) fn standings(
    digest: &Digest,
    sources: &[KnownSource],
    verdicts: &[SourceVerdict],
) -> Vec<SourceStanding> {
    let said = |source: &KnownSource| {
        let of_it = |v: &&SourceVerdict| v.digest == *digest && v.source_id == source.id;
        verdicts.iter().find(of_it).map(|verdict| verdict.verdict)
    };
    let standing = |source: &KnownSource| SourceStanding {
        permitted: source.permitted,
        verdict: said(source),
    };
    sources.iter().map(standing).collect()
}

/// The words in which the server that started it all says so.
pub(super) fn not_found(digest: &Digest) -> String {
    format!("package not found with hash {digest}")
}

/// What was read in this pass, and is wrong.
pub(super) fn wrong_bytes(size: u64, digest: &Digest) -> String {
    format!("its {size} bytes have digest {digest}")
}

fn corrupt_sentence(corrupt: &Corrupt) -> String {
    let digest = corrupt.observed_digest;
    if corrupt.read_now {
        return wrong_bytes(corrupt.meta.size, &digest);
    }
    let when = corrupt.found_at.format("%Y-%m-%d %H:%M UTC");
    format!("found corrupt on {when} (digest {digest}), and the same version is still there")
}

fn size_sentence(finding: &Finding, observed: u64) -> String {
    let expected = finding.expected_size.map_or("another size".to_owned(), |size| {
        if size == observed { "several sizes".to_owned() } else { format!("{size} bytes") }
    });
    format!("its bytes are right: the catalog gives {expected}, the object has {observed} bytes")
}
