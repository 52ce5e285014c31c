//! The lock beside a `SQLite` ledger: one holder for each store, and none after its death.

use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use chrono::{DateTime, Utc};
use restock::ledger::{Holder, Lock, LockError};
use tokio::time::Instant;

const URL: &str = "sqlite://ledger.db";
const STORE: &str = "s3://minio:9000/bucket";

/// In the environment of a child process: the folder whose lock it is to hold until it is killed.
const HOLD: &str = "RESTOCK_TEST_HOLD_LOCK";

async fn acquire(folder: &Path) -> Result<Lock, LockError> {
    Lock::acquire(URL, STORE, folder, None).await
}

fn holder(result: Result<Lock, LockError>) -> Holder {
    match result {
        Err(LockError::Busy { holder: Some(holder), .. }) => holder,
        other => panic!("not busy with a known holder: {other:?}"),
    }
}

#[tokio::test]
async fn a_second_instance_is_told_who_holds_the_lock() {
    let folder = tempfile::tempdir().unwrap();
    let held = acquire(folder.path()).await.unwrap();
    let busy = acquire(folder.path()).await;
    let message = busy.as_ref().unwrap_err().to_string();
    let holder = holder(busy);
    assert_eq!(holder.pid, std::process::id());
    let written = fs::metadata(held.path().unwrap()).unwrap().modified().unwrap();
    assert_eq!(holder.since, DateTime::<Utc>::from(written));
    let part = format!("another restock (process {}, since 20", std::process::id());
    assert!(message.starts_with(&part), "{message}");
    assert!(message.contains("--wait-lock"), "{message}");
}

#[tokio::test]
async fn the_lock_is_free_again_when_it_is_dropped() {
    let folder = tempfile::tempdir().unwrap();
    drop(acquire(folder.path()).await.unwrap());
    let again = acquire(folder.path()).await.unwrap();
    assert!(again.path().unwrap().exists());
}

#[tokio::test]
async fn stores_of_one_ledger_have_a_lock_each() {
    let folder = tempfile::tempdir().unwrap();
    let one = acquire(folder.path()).await.unwrap();
    let other = Lock::acquire(URL, "s3://other", folder.path(), None).await.unwrap();
    for lock in [&one, &other] {
        let name = lock.path().unwrap().file_name().unwrap().to_str().unwrap();
        assert!(name.starts_with("ledger.db."), "{name}");
        assert_eq!(lock.path().unwrap().extension().unwrap(), "lock");
        let mode = fs::metadata(lock.path().unwrap()).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    assert_ne!(one.path(), other.path());
}

#[tokio::test]
async fn a_lock_file_that_is_a_link_or_holds_something_else_is_refused_and_left_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let path = acquire(folder.path()).await.unwrap().path().unwrap().to_owned();
    let precious = folder.path().join("precious");
    fs::write(&precious, "0123456789").unwrap();
    fs::remove_file(&path).unwrap();
    std::os::unix::fs::symlink(&precious, &path).unwrap();
    let refused = acquire(folder.path()).await.unwrap_err();
    let message = format!("{refused}: {}", std::error::Error::source(&refused).unwrap());
    assert!(
        message.contains("cannot open the lock file") && message.contains("a link"),
        "{message}"
    );
    assert!(Lock::holder(URL, STORE, folder.path()).await.is_err());
    assert_eq!(fs::read_to_string(&precious).unwrap(), "0123456789");

    fs::remove_file(&path).unwrap();
    for text in ["notes of mine", "123456789\n123456789\n", "\u{0}"] {
        fs::write(&path, text).unwrap();
        let refused = acquire(folder.path()).await;
        assert!(matches!(refused, Err(LockError::File { action: "write", .. })), "{refused:?}");
        assert_eq!(fs::read_to_string(&path).unwrap(), text);
    }
    fs::write(&path, "").unwrap();
    drop(acquire(folder.path()).await.unwrap());
    fs::remove_file(&path).unwrap();
    assert_eq!(Lock::holder(URL, STORE, folder.path()).await.unwrap(), None);
    assert!(!path.exists(), "who only asks makes nothing");
}

#[tokio::test]
async fn who_waits_gets_the_lock_as_soon_as_it_is_free() {
    let folder = tempfile::tempdir().unwrap();
    let held = acquire(folder.path()).await.unwrap();
    let waiting = Lock::acquire(URL, STORE, folder.path(), Some(Duration::MAX));
    tokio::pin!(waiting);
    assert!(futures::poll!(&mut waiting).is_pending());
    drop(held);
    waiting.await.unwrap();
}

#[tokio::test]
async fn waiting_ends_at_the_deadline() {
    let folder = tempfile::tempdir().unwrap();
    let _held = acquire(folder.path()).await.unwrap();
    let start = Instant::now();
    let wait = Duration::from_millis(250);
    let busy = Lock::acquire(URL, STORE, folder.path(), Some(wait)).await;
    assert_eq!(holder(busy).pid, std::process::id());
    assert!(start.elapsed() >= wait);
}

/// The child is this very test, started again with [`HOLD`] set.
#[tokio::test]
async fn a_killed_holder_leaves_no_lock_behind() {
    if let Some(folder) = std::env::var_os(HOLD) {
        let held = acquire(Path::new(&folder)).await.unwrap();
        println!("holding {}", held.path().unwrap().display());
        std::future::pending::<()>().await;
    }
    let folder = tempfile::tempdir().unwrap();
    let mut child = start_holder(folder.path());
    assert_eq!(holder(acquire(folder.path()).await).pid, child.id());
    // SIGKILL: nothing in the child can give the lock back.
    child.kill().unwrap();
    child.wait().unwrap();
    acquire(folder.path()).await.unwrap();
}

/// Returns as soon as the child says that it holds the lock.
fn start_holder(folder: &Path) -> Child {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "lock::a_killed_holder_leaves_no_lock_behind", "--nocapture"])
        .env(HOLD, folder)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert!(lines.map_while(Result::ok).any(|line| line.starts_with("holding ")));
    child
}

/// In `/sys` nobody can make a file, not even root.
#[tokio::test]
async fn a_lock_file_that_cannot_be_made_is_no_busy_lock() {
    let error = Lock::acquire("sqlite:///sys/ledger.db", STORE, Path::new("/"), None).await;
    let message = error.unwrap_err().to_string();
    assert!(message.starts_with("cannot open the lock file /sys/ledger.db."), "{message}");
}
