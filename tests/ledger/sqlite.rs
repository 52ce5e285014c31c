//! The ledger in a `SQLite` file: the suite, and what is particular to files.

use std::error::Error;
use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use restock::ledger::{Ledger, LedgerError, open};
use restock::model::FindingKind;
use sqlx::{ConnectOptions, Connection, SqliteConnection, sqlite::SqliteConnectOptions};
use tempfile::TempDir;

use crate::samples::{finding, pass};
use crate::suite::{Fixture, conforms};

const URL: &str = "sqlite://ledger.db";

struct File {
    folder: TempDir,
}

impl File {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("ledger.db")
    }

    async fn refused(&self) -> String {
        refused(URL, self.folder.path()).await
    }
}

impl Fixture for File {
    async fn open(&self, store_identity: &str) -> Arc<dyn Ledger> {
        open(URL, store_identity, self.folder.path()).await.unwrap()
    }
}

conforms!(async { Some(File::new()) });

/// The whole chain of the error.
async fn refused(url: &str, base: &Path) -> String {
    let Err(error) = open(url, "s3://b", base).await else { panic!("{url} was opened") };
    chain(&error)
}

fn chain(error: &LedgerError) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        text += ": ";
        text += &cause.to_string();
        next = cause.source();
    }
    text
}

async fn connect(path: &Path) -> SqliteConnection {
    SqliteConnectOptions::new().filename(path).create_if_missing(true).connect().await.unwrap()
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[tokio::test]
async fn every_file_of_a_ledger_is_readable_by_its_owner_alone() {
    let file = File::new();
    let ledger = file.open("s3://b").await;
    ledger.record_pass(&pass("p", 1), &[], true).await.unwrap();
    for name in ["ledger.db", "ledger.db-wal", "ledger.db-shm"] {
        assert_eq!(mode(&file.folder.path().join(name)), 0o600, "{name}");
    }
}

#[tokio::test]
async fn a_file_that_was_there_keeps_its_mode() {
    let file = File::new();
    fs::write(file.path(), "").unwrap();
    fs::set_permissions(file.path(), fs::Permissions::from_mode(0o640)).unwrap();
    file.open("s3://b").await.passes(1).await.unwrap();
    assert_eq!(mode(&file.path()), 0o640);
}

#[tokio::test]
async fn a_file_of_garbage_is_refused_and_left_alone() {
    let file = File::new();
    let garbage = "no database, but long enough to be taken for one. ".repeat(100);
    fs::write(file.path(), &garbage).unwrap();
    let message = file.refused().await;
    assert!(message.contains("is no ledger of restock (it is no SQLite database)"), "{message}");
    assert_eq!(fs::read_to_string(file.path()).unwrap(), garbage);
    assert_eq!(fs::read_dir(file.folder.path()).unwrap().count(), 1);
}

#[tokio::test]
async fn a_database_of_somebody_else_is_refused_and_left_alone() {
    let file = File::new();
    let mut catalog = connect(&file.path()).await;
    sqlx::query("CREATE TABLE objects (digest TEXT)").execute(&mut catalog).await.unwrap();
    catalog.close().await.unwrap();
    let before = fs::read(file.path()).unwrap();
    let message = file.refused().await;
    assert!(message.contains("is no ledger of restock (it holds the tables objects)"), "{message}");
    assert!(message.contains("set `ledger.url` to a file of its own"), "{message}");
    assert_eq!(fs::read(file.path()).unwrap(), before);
    assert_eq!(fs::read_dir(file.folder.path()).unwrap().count(), 1);
}

#[tokio::test]
async fn a_ledger_of_a_newer_restock_is_refused() {
    let file = File::new();
    drop(file.open("s3://b").await);
    let mut connection = connect(&file.path()).await;
    let sql = "INSERT INTO _sqlx_migrations (version, description, success, checksum, \
               execution_time) VALUES (7, 'later', TRUE, x'00', 0)";
    sqlx::query(sql).execute(&mut connection).await.unwrap();
    let message = file.refused().await;
    assert!(message.contains("it has schema version 7 and this restock knows"), "{message}");
}

#[tokio::test]
async fn damage_inside_a_ledger_is_told_with_its_name() {
    let file = File::new();
    let ledger = file.open("s3://b").await;
    let found: Vec<_> =
        (0..500).map(|n| finding(FindingKind::Missing, &format!("k{n}"), 1)).collect();
    ledger.record_pass(&pass("p", 1), &found, true).await.unwrap();
    drop(ledger);
    let mut connection = connect(&file.path()).await;
    sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)").execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
    let mut bytes = fs::read(file.path()).unwrap();
    // The first page and the schema stay, everything behind is lost.
    bytes[32 * 4_096..].fill(0xff);
    fs::write(file.path(), bytes).unwrap();
    let ledger = file.open("s3://b").await;
    let message = chain(&ledger.findings(1_000).await.unwrap_err());
    assert!(
        message.starts_with("ledger sqlite://ledger.db: cannot read the findings: "),
        "{message}"
    );
    assert!(message.contains("malformed"), "{message}");
}

#[tokio::test]
async fn an_absent_folder_is_named() {
    let file = File::new();
    let message = refused("sqlite://state/ledger.db", file.folder.path()).await;
    let folder = file.folder.path().join("state");
    let part = format!("the folder {} does not exist; make it", folder.display());
    assert!(message.contains(&part), "{message}");
    assert!(!folder.exists());
}

/// In `/sys` nobody can make a file, not even root.
#[tokio::test]
async fn a_folder_that_cannot_be_written_is_named() {
    let message = refused("sqlite:///sys/ledger.db", Path::new("/")).await;
    let part = "cannot make the file /sys/ledger.db; its folder must be writable by restock: ";
    assert!(message.contains(part), "{message}");
}

#[tokio::test]
async fn a_folder_in_the_place_of_the_file_is_an_error() {
    let file = File::new();
    fs::create_dir(file.path()).unwrap();
    let message = file.refused().await;
    assert!(message.contains("cannot use the file"), "{message}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_can_open_a_new_ledger_at_once() {
    let file = File::new();
    let ledgers = join_all((0..16).map(|n| {
        let path = file.folder.path().to_owned();
        tokio::spawn(async move { open(URL, &format!("s3://{}", n % 3), &path).await.unwrap() })
    }))
    .await;
    for (n, ledger) in ledgers.into_iter().enumerate() {
        ledger.unwrap().record_pass(&pass(&format!("p{n}"), 1), &[], true).await.unwrap();
    }
    assert_eq!(file.open("s3://0").await.passes(100).await.unwrap().len(), 6);
}

/// In the environment of a child process: the folder whose ledger it is to open.
const OPEN: &str = "RESTOCK_TEST_OPEN_LEDGER";

/// The children are this very test, started again with [`OPEN`] set. They wait at a gate, which
/// is their standard input, so that starting them takes no part in the race.
#[tokio::test]
async fn processes_can_open_a_new_ledger_at_once() {
    if let Some(folder) = std::env::var_os(OPEN) {
        println!("\nat the gate");
        std::io::stdin().read_to_end(&mut Vec::new()).unwrap();
        let ledger = open(URL, "s3://b", Path::new(&folder)).await.unwrap();
        let id = std::process::id().to_string();
        return ledger.record_pass(&pass(&id, 1), &[], true).await.unwrap();
    }
    let file = File::new();
    let mut children = [(); 8].map(|()| start_opener(file.folder.path()));
    for child in &mut children {
        drop(child.stdin.take());
    }
    for child in children {
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    }
    assert_eq!(file.open("s3://b").await.passes(100).await.unwrap().len(), 8);
}

fn start_opener(folder: &Path) -> Child {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "sqlite::processes_can_open_a_new_ledger_at_once", "--nocapture"])
        .env(OPEN, folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.as_mut().unwrap()).lines();
    assert!(lines.any(|line| line.unwrap() == "at the gate"));
    child
}

/// Others wait for ten seconds before they give up, and 100,000 findings must fit in there. Here
/// it is a fifth of that in the same time: this code is not optimized, and not alone.
#[tokio::test]
async fn a_pass_with_many_findings_is_written_while_others_still_wait() {
    let file = File::new();
    let ledger = file.open("s3://b").await;
    let found: Vec<_> = (0..20_000)
        .map(|n| finding(FindingKind::Missing, &format!("software-installers/{n:064x}"), 1))
        .collect();
    for id in ["first", "second"] {
        let start = tokio::time::Instant::now();
        ledger.record_pass(&pass(id, 1), &found, true).await.unwrap();
        let took = start.elapsed();
        println!("{id} pass: {took:?}");
        assert!(took < Duration::from_secs(10), "{took:?}");
    }
    let keys: Vec<_> = found.into_iter().map(|(key, _)| key).collect();
    let start = tokio::time::Instant::now();
    let times = ledger.first_seen(&keys).await.unwrap();
    println!("first_seen: {:?}", start.elapsed());
    assert_eq!(times.into_iter().flatten().count(), 20_000);
}
