//! Files that an earlier restock wrote: they open, keep what is in them, and give the numbers that
//! a new one gives.

use std::fmt::Debug;
use std::path::Path;
use std::sync::Arc;

use restock::ledger::{Ledger, open};
use restock::model::{
    Attempts, FindingKind, Outcome, Repair, RepairResult, Summary, Unhealable, Upload,
};
use rstest::rstest;
use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, Connection, Row, SqlSafeStr, SqliteConnection, raw_sql};

use crate::samples::{
    breaker, corruption, digest, finding, minute, pass, repair, sighting, verdict,
};

const STORE: &str = "s3://minio:9000/bucket";

/// The tables that the first version had, and the second one's, in an order that their references
/// allow.
const TABLES: &[&str] = &[
    "stores",
    "passes",
    "findings",
    "corruptions",
    "sightings",
    "attempts",
    "verdicts",
    "repairs",
    "uploads",
    "breakers",
];

const VERSIONS: [(i64, &str); 2] = [
    (1, include_str!("../../migrations/ledger/sqlite/0001_ledger.sql")),
    (2, include_str!("../../migrations/ledger/sqlite/0002_notes.sql")),
];

#[rstest]
#[tokio::test]
async fn a_ledger_of_an_earlier_version_is_as_good_as_a_new_one(#[values(1, 2)] version: i64) {
    let folder = tempfile::tempdir().unwrap();
    let new = opened(folder.path(), "new.db", STORE).await;
    fill(&*new).await;
    fill(&*opened(folder.path(), "new.db", "s3://other").await).await;
    if version > 1 {
        new.set_note("rotation", Some("{\"cursor\": 7}")).await.unwrap();
    }
    write_old(folder.path(), version).await;
    let old = opened(folder.path(), "old.db", STORE).await;
    assert_eq!(everything(&*old).await, everything(&*new).await);
    let totals = old.pass_totals().await.unwrap();
    assert_eq!(totals.iter().map(|total| total.failures).sum::<u64>(), 2);
    // What is written from now on meets what was there.
    for ledger in [&old, &new] {
        let still = finding(FindingKind::Orphan, "o", 9);
        ledger.record_pass(&pass("p9", 9), &[still], true).await.unwrap();
    }
    assert_eq!(everything(&*old).await, everything(&*new).await);
    let other = opened(folder.path(), "old.db", "s3://other").await;
    assert_eq!(other.passes(99).await.unwrap().len(), 5);
}

async fn opened(folder: &Path, file: &str, store: &str) -> Arc<dyn Ledger> {
    open(&format!("sqlite://{file}"), store, folder).await.unwrap()
}

/// Some weeks of a daemon's life.
async fn fill(ledger: &dyn Ledger) {
    let failed = Summary { outcome: Outcome::Failed, expected: None, ..pass("p3", 3) };
    let depth = restock::model::Depth::Shallow;
    let shallow = |id, at| Summary { depth, slice: None, ..pass(id, at) };
    let mut lost = finding(FindingKind::Missing, "a", 1);
    lost.1.digest = Some(digest(1));
    lost.1.healable = Some(false);
    lost.1.unhealable = Some(Unhealable::SourceDrifted);
    let mut accepted = finding(FindingKind::Corrupt, "b", 1);
    accepted.1.digest = Some(digest(2));
    accepted.1.accepted = true;
    let mut orphan = finding(FindingKind::Orphan, "o", 2);
    orphan.1.reason = Some("flagged".to_owned());
    let gone = finding(FindingKind::Missing, "healed by now", 1);
    ledger.record_pass(&shallow("p1", 1), &[lost.clone(), gone], true).await.unwrap();
    ledger.record_pass(&shallow("p2", 2), &[lost, accepted, orphan], true).await.unwrap();
    ledger.record_pass(&failed, &[], false).await.unwrap();
    ledger.record_pass(&pass("p4", 4), &[], false).await.unwrap();
    ledger
        .record_pass(&Summary { outcome: Outcome::Failed, ..shallow("p5", 5) }, &[], false)
        .await
        .unwrap();
    ledger.put_corruption(&corruption("b")).await.unwrap();
    ledger.put_sightings(&[sighting("o", 2)]).await.unwrap();
    let attempts = Attempts { failures: 3, ..Attempts::default() };
    ledger.put_attempts(&digest(1), Some(&attempts)).await.unwrap();
    ledger.put_verdict(&verdict(digest(1), "https://example.com/a")).await.unwrap();
    for (at, result) in [(1, RepairResult::Failed), (2, RepairResult::Restored)] {
        let repair: Repair = repair(digest(3), result);
        ledger.record_repair("p1", minute(at), &repair).await.unwrap();
    }
    let upload = Upload { key: "k".to_owned(), id: "1".to_owned() };
    ledger.upload_begun(&upload, minute(2)).await.unwrap();
    assert!(ledger.swap_breaker(None, Some(&breaker(50))).await.unwrap());
}

/// The rows of the new file in a file of this version, as the restock of that time wrote them.
async fn write_old(folder: &Path, version: i64) {
    let options =
        SqliteConnectOptions::new().filename(folder.join("old.db")).create_if_missing(true);
    let mut connection = SqliteConnection::connect_with(&options).await.unwrap();
    let known = VERSIONS.into_iter().filter(|(known, _)| *known <= version);
    let migrations = known.map(|(known, sql)| {
        let name = if known == 1 { "ledger" } else { "notes" };
        Migration::new(known, name.into(), MigrationType::Simple, sql.into_sql_str(), false)
    });
    let migrator = Migrator::with_migrations(migrations.collect());
    migrator.run_direct(None, &mut connection, false).await.unwrap();
    let attach = format!("ATTACH '{}' AS new", folder.join("new.db").display());
    raw_sql(AssertSqlSafe(attach)).execute(&mut connection).await.unwrap();
    for table in TABLES.iter().chain((version > 1).then_some(&"notes")) {
        let sql = format!("SELECT name FROM pragma_table_info('{table}', 'main')");
        let rows = raw_sql(AssertSqlSafe(sql)).fetch_all(&mut connection).await.unwrap();
        let columns: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
        assert!(!columns.is_empty(), "{table}");
        let columns = columns.join(", ");
        let copy =
            format!("INSERT INTO main.{table} ({columns}) SELECT {columns} FROM new.{table}");
        let copied = raw_sql(AssertSqlSafe(copy)).execute(&mut connection).await.unwrap();
        assert!(copied.rows_affected() > 0, "{table} is empty");
    }
    connection.close().await.unwrap();
}

/// All that a ledger answers.
async fn everything(ledger: &dyn Ledger) -> Vec<String> {
    let told = |what: &dyn Debug| format!("{what:#?}");
    let digests = [digest(1), digest(2), digest(3)];
    let totals = ledger.pass_totals().await.unwrap();
    let counts = ledger.finding_counts().await.unwrap();
    let mut all = vec![
        told(&ledger.passes(99).await.unwrap()),
        told(&totals),
        told(&ledger.last_full_summary().await.unwrap().unwrap()),
        told(&ledger.findings(99).await.unwrap()),
        told(&counts),
        told(&ledger.corruptions().await.unwrap()),
        told(&ledger.sightings(&["o".to_owned()]).await.unwrap()),
        told(&ledger.attempts(&digests).await.unwrap()),
        told(&ledger.pending_attempts(None, 9).await.unwrap()),
        told(&ledger.verdicts().await.unwrap()),
        told(&ledger.repairs(&digest(3), 9).await.unwrap()),
        told(&ledger.uploads().await.unwrap()),
        told(&ledger.breaker().await.unwrap().unwrap()),
        told(&ledger.note("rotation").await.unwrap()),
        told(&ledger.accepted().await.unwrap()),
        told(&ledger.removals(9).await.unwrap()),
    ];
    for digest in digests {
        all.push(told(&ledger.findings_of(&digest).await.unwrap()));
    }
    all
}
