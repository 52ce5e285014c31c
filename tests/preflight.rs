//! What Fleet would do, package by package, with catalogs and stores that answer as they are told.

#![expect(clippy::unwrap_used, reason = "a broken test should stop")]

#[path = "support/hindrance.rs"]
mod hindrance;
#[path = "support/interference.rs"]
mod interference;
#[path = "support/memory_catalog.rs"]
mod memory_catalog;
#[path = "support/memory_ledger/mod.rs"]
mod memory_ledger;
#[path = "support/memory_store.rs"]
mod memory_store;

use std::sync::Arc;

use chrono::DateTime;
use restock::catalog::Catalog;
use restock::clock::ManualClock;
use restock::gitops::{Kind, Place, Reference, Text};
use restock::ledger::Ledger;
use restock::model::{CatalogRow, Collection, Corruption, Digest, ObjectMeta, Sources};
use restock::preflight::{Answer, Preflight, PreflightError, Resolved, Verdict};
use restock::store::{Probe, Store, StoreFault};

use memory_catalog::{MemoryCatalog, Row};
use memory_ledger::MemoryLedger;
use memory_store::{MemoryStore, Operation};

/// Rows by collection; a collection of this name cannot be read.
const BROKEN: &str = "broken";

fn digest(n: u64) -> Digest {
    let mut bytes = [7; 32];
    bytes[..8].copy_from_slice(&n.to_be_bytes());
    Digest::new(bytes)
}

fn row(n: u64, url: Option<&str>, active: bool) -> CatalogRow {
    CatalogRow {
        digest: digest(n),
        name: None,
        sources: url.map(Sources::of_url).unwrap_or_default(),
        size: None,
        updated_at: None,
        reference: None,
        active,
    }
}

fn reference<'a>(
    line: u32,
    hash: impl Into<Option<String>>,
    url: impl Into<Option<&'a str>>,
) -> Reference {
    let at = Place { file: "t.yml".into(), line, column: 20 };
    Reference {
        used_at: vec![at.clone()],
        at,
        kind: Kind::Inline,
        hash_sha256: hash.into().map(Text::from),
        url: url.into().map(Text::from),
        always_download: false,
    }
}

fn hash(n: u64) -> String {
    digest(n).to_string()
}

struct World {
    catalog: MemoryCatalog,
    store: MemoryStore,
    ledger: MemoryLedger,
}

impl World {
    fn new(rows: Vec<(&'static str, CatalogRow)>) -> Self {
        let collection = |name: &str| Collection {
            name: name.to_owned(),
            key: format!("{name}/{{digest}}").parse().unwrap(),
            heal: true,
        };
        let collections = ["apps", "more", BROKEN].map(collection).into();
        let clock = Arc::new(ManualClock::new(DateTime::UNIX_EPOCH));
        let catalog = MemoryCatalog::new(collections, clock);
        let of_row = |(name, row)| Row::of(name, row);
        catalog.rows().extend(rows.into_iter().map(of_row));
        let stalls = |_: &'static str, subject: &str| {
            if subject == BROKEN { Err("it stalls".to_owned()) } else { Ok(()) }
        };
        let catalog = catalog.hindered(Arc::new(stalls));
        Self { catalog, store: MemoryStore::new(), ledger: MemoryLedger::new() }
    }

    async fn resolve(&self, references: &[Reference]) -> Result<Resolved, PreflightError> {
        self.resolve_in(&["apps", "more"], references).await
    }

    async fn resolve_in(
        &self,
        collections: &[&str],
        references: &[Reference],
    ) -> Result<Resolved, PreflightError> {
        let wanted = |c: &&Collection| collections.contains(&c.name.as_str());
        let preflight = Preflight {
            catalog: &self.catalog,
            store: &self.store,
            ledger: &self.ledger,
            collections: self.catalog.collections().iter().filter(wanted).collect(),
            concurrency: 4,
        };
        preflight.resolve(references, &[]).await
    }
}

fn told(answers: &[Answer]) -> Vec<(u32, Verdict, String)> {
    let one = |answer: &Answer| {
        let detail = answer.detail.as_deref().map(|d| format!(" | {d}")).unwrap_or_default();
        (answer.at.line, answer.verdict, format!("{}{detail}", answer.message))
    };
    answers.iter().map(one).collect()
}

#[tokio::test]
async fn each_package_gets_the_verdict_that_fleet_would_come_to() {
    let world = World::new(vec![
        ("apps", row(1, None, true)),
        ("apps", row(2, Some("https://h/2.pkg"), true)),
        ("apps", row(2, Some("https://h/other.pkg"), true)),
        ("apps", row(3, Some("https://h/3.pkg"), false)),
        ("apps", row(4, None, true)),
        ("more", row(4, None, true)),
        ("more", row(5, Some("https://h/5.pkg"), false)),
        ("more", row(5, None, true)),
    ]);
    for key in ["apps", "apps", "apps", "more", "apps"].iter().zip([1, 2, 3, 4, 6]) {
        world.store.put(&format!("{}/{}", key.0, digest(key.1)), "bytes");
    }
    let references = [
        reference(1, hash(1), None),
        reference(2, hash(2), None),
        reference(3, hash(2), Some("https://H/2.PKG ")),
        reference(4, hash(2), Some("https://u:SECRET@h/new.pkg?SECRET")),
        reference(5, hash(3), None),
        reference(6, hash(3), Some("https://h/3.pkg")),
        reference(7, hash(4), None),
        reference(8, hash(5), None),
        reference(9, hash(5), Some("https://h/5.pkg")),
        reference(10, hash(6), None),
        reference(11, hash(6), Some("https://h/6.pkg")),
        reference(12, None, Some("https://h/alone.pkg")),
    ];
    // One team each, so that none asks for a digest twice.
    let references = references.map(|reference| {
        let file = format!("t{}.yml", reference.at.line);
        let at = Place { file: file.into(), ..reference.at };
        Reference { used_at: vec![at.clone()], at, ..reference }
    });
    let resolved = world.resolve(&references).await.unwrap();
    let mut answers = told(&resolved.answers);
    answers.sort();
    let there = "its row and its object are there".to_owned();
    let lost = |n: u64, why: &str| format!("package not found with hash {} | {why}", digest(n));
    let again = |url: &str, why: &str| format!("Fleet downloads it from {url}: {why}");
    let kept = "its row is kept for a rollback only, and Fleet takes no account of it";
    let gone = "its row is there, and its object is not";
    assert_eq!(
        answers,
        [
            (1, Verdict::Ok, there.clone()),
            (2, Verdict::Ok, there.clone()),
            (3, Verdict::Ok, there.clone()),
            (4, Verdict::WillDownload, again("https://h/new.pkg", "its row has another URL")),
            (5, Verdict::WouldFail, lost(3, kept)),
            (6, Verdict::WillDownload, again("https://h/3.pkg", kept)),
            (7, Verdict::Ok, there),
            (8, Verdict::WouldFail, lost(5, gone)),
            (9, Verdict::WillDownload, again("https://h/5.pkg", "its row has another URL")),
            (10, Verdict::WouldFail, lost(6, "no row of the catalog has its digest")),
            (
                11,
                Verdict::WillDownload,
                again("https://h/6.pkg", "no row of the catalog has its digest")
            ),
        ]
    );
    assert_eq!(resolved.absent, [digest(4), digest(5)], "what a heal may bring back");
}

#[tokio::test]
async fn what_is_wrong_by_itself_is_told_in_fleets_words() {
    let world = World::new(vec![]);
    let mut always = reference(3, hash(1), Some("https://h/1.pkg"));
    always.always_download = true;
    let upper = digest(0xabc).to_string().to_uppercase();
    let references = [
        reference(1, None, None),
        reference(2, Some(upper.clone()), None),
        always,
        reference(4, Some("a\"b\n".to_owned()), None),
        reference(5, Some(format!("{}0", digest(1))), None),
    ];
    let resolved = world.resolve(&references).await.unwrap();
    let invalid = |value: &str| {
        format!(
            "hash_sha256 value \"{value}\" must be a valid lower-case hex-encoded (64-character) \
             SHA-256 hash value"
        )
    };
    assert_eq!(
        told(&resolved.answers).into_iter().map(|(_, _, message)| message).collect::<Vec<_>>(),
        [
            "at least one of hash_sha256 or url is required for each software package".to_owned(),
            invalid(&upper),
            "Couldn't edit software. The 'always_download' option cannot be used with \
             'hash_sha256'."
                .to_owned(),
            invalid(r#"a\"b\n"#),
            invalid(&format!("{}0", digest(1))),
        ]
    );
    assert!(resolved.answers.iter().all(|answer| answer.verdict == Verdict::WouldFail));
    assert!(world.catalog.looked_up().is_empty(), "nothing had to be looked up");
}

#[tokio::test]
async fn a_digest_that_one_team_asks_for_twice_fails_where_it_stands_again() {
    let world = World::new(vec![("apps", row(1, None, true))]);
    world.store.put(&format!("apps/{}", digest(1)), "bytes");
    let mut by_path = reference(1, hash(1), None);
    by_path.kind = Kind::PackageFile;
    by_path.at.file = "lib.yml".into();
    let used = |file: &str, line| Place { file: file.into(), line, column: 13 };
    by_path.used_at = vec![used("a.yml", 4), used("a.yml", 9), used("b.yml", 4), used("c.yml", 4)];
    let mut inline = reference(7, hash(1), None);
    inline.at.file = "c.yml".into();
    inline.used_at = vec![inline.at.clone()];
    let resolved = world.resolve(&[by_path, inline]).await.unwrap();
    let places: Vec<_> = resolved
        .answers
        .iter()
        .map(|answer| (answer.at.file.to_str().unwrap(), answer.at.line, answer.verdict))
        .collect();
    assert_eq!(
        places,
        [
            ("a.yml", 9, Verdict::WouldFail),
            ("c.yml", 7, Verdict::WouldFail),
            ("lib.yml", 1, Verdict::Ok),
        ]
    );
    let message =
        format!("cannot have multiple installers with the same hash \"{}\" on one team", digest(1));
    assert_eq!(resolved.answers[0].message, message);
    assert_eq!(resolved.answers[0].detail.as_deref(), Some("it is asked for at a.yml:4 too"));
    assert_eq!(resolved.answers[1].detail.as_deref(), Some("it is asked for at c.yml:4 too"));
}

#[tokio::test]
async fn what_nobody_can_say_is_unknown_and_never_absent() {
    let rows = || vec![("apps", row(1, None, true)), ("apps", row(2, Some("https://h/2"), true))];
    let references = [reference(1, hash(1), None), reference(2, hash(2), Some("https://h/2"))];
    let verdicts = |resolved: &Resolved| -> Vec<_> {
        resolved.answers.iter().map(|answer| answer.verdict).collect()
    };
    let unknown = [Verdict::Unknown; 2];

    let world = World::new(rows());
    world.store.fail(Operation::Probe, "", 9, StoreFault::AccessDenied);
    let resolved = world.resolve(&references).await.unwrap();
    assert_eq!(verdicts(&resolved), unknown);
    assert!(resolved.answers[0].message.contains("access_denied"), "{:?}", resolved.answers[0]);
    assert_eq!(resolved.absent, []);

    // No answer to a HEAD says anything where nothing has shown that a store gave it.
    let faults = [StoreFault::AccessDenied, StoreFault::Timeout, StoreFault::Server];
    for fault in faults.into_iter().chain([StoreFault::Malformed]) {
        let world = World::new(rows());
        world.store.put(&format!("apps/{}", digest(1)), "there, and the other one is not");
        world.store.fail(Operation::Check, "", 9, fault);
        assert_eq!(verdicts(&world.resolve(&references).await.unwrap()), unknown, "{fault}");
    }
    let world = World::new(rows());
    world.store.fail(Operation::Check, "", 9, StoreFault::NoSuchStore);
    assert!(matches!(world.resolve(&references).await, Err(PreflightError::Store(_))));

    // Nor does a catalog that did not answer.
    let world = World::new(rows());
    let resolved = world.resolve_in(&["apps", BROKEN], &references).await.unwrap();
    assert_eq!(verdicts(&resolved), unknown);
    let resolved = world.resolve_in(&[BROKEN], &references).await.unwrap();
    assert_eq!(verdicts(&resolved), unknown);
    assert!(resolved.answers[0].message.contains("it stalls"), "{:?}", resolved.answers[0]);
    world.store.put(&format!("apps/{}", digest(1)), "bytes");
    let resolved = world.resolve_in(&["apps", BROKEN], &references).await.unwrap();
    assert_eq!(verdicts(&resolved), [Verdict::Ok, Verdict::Unknown]);
}

#[tokio::test]
async fn an_object_that_was_read_and_found_wrong_is_told_until_it_is_another() {
    let world = World::new(vec![("apps", row(1, None, true))]);
    let key = format!("apps/{}", digest(1));
    world.store.put(&key, "wrong");
    let Probe::Present(meta) = world.store.probe(&key).await else { unreachable!("it is there") };
    let corruption = |meta: ObjectMeta| Corruption {
        key: key.clone(),
        digest: digest(1),
        observed_digest: digest(9),
        meta,
        found_at: DateTime::UNIX_EPOCH,
    };
    world.ledger.put_corruption(&corruption(meta.clone())).await.unwrap();
    let references = [reference(1, hash(1), None)];
    let resolved = world.resolve(&references).await.unwrap();
    let answer = &resolved.answers[0];
    assert_eq!((answer.verdict, answer.corrupt), (Verdict::Ok, true));
    assert!(answer.message.contains(&digest(9).to_string()), "{}", answer.message);
    assert_eq!(resolved.absent, [digest(1)]);

    let other = ObjectMeta { size: meta.size + 1, ..meta };
    world.ledger.put_corruption(&corruption(other)).await.unwrap();
    let resolved = world.resolve(&references).await.unwrap();
    assert!(!resolved.answers[0].corrupt);
    assert_eq!(resolved.absent, []);
}

#[tokio::test]
async fn rows_are_asked_for_in_batches_and_each_object_once() {
    let world = World::new((0..1_200).map(|n| ("apps", row(n, None, true))).collect());
    let mut references: Vec<_> = (0..1_200).map(|n| reference(1, hash(n), None)).collect();
    for (line, reference) in (1..).zip(&mut references) {
        reference.at.line = line;
    }
    let again: Vec<_> = references
        .iter()
        .map(|reference| {
            let at = Place { file: "other.yml".into(), ..reference.at.clone() };
            Reference { used_at: vec![at.clone()], at, ..reference.clone() }
        })
        .collect();
    references.extend(again);
    let before = world.store.requests().head;
    let resolved = world.resolve_in(&["apps"], &references).await.unwrap();
    assert_eq!(resolved.answers.len(), 2_400);
    assert_eq!(world.store.requests().head - before, 1_200);
    assert_eq!(world.catalog.looked_up(), [500, 500, 200]);
}
