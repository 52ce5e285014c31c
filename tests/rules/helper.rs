//! What the rules share: worlds in memory, a second collection, the binary, and numbers in short.

use std::fs::File;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use restock::catalog::CollectionOptions;
use restock::clock::{Clock, ManualClock};
use restock::model::{BreakerReason, BreakerState, Summary};
use restock::pass::PassReport;
use restock::plan::acknowledge;
use sqlx::{Connection, SqliteConnection};

use crate::memory_store::MemoryStore;
use crate::support::world::{COLLECTION, Object, World};

/// The second collection, where a world has one.
pub(crate) const ICONS: &str = "icons";

/// A healthy world of `n` objects in memory, whose clock stands where its store's does.
pub(crate) async fn in_memory(n: u32) -> (World, MemoryStore, Vec<Object>) {
    let (mut world, store) = (World::empty().await, MemoryStore::new());
    world.store = Some(Arc::new(store.clone()));
    world.clock = Arc::new(ManualClock::new("2026-01-02T03:04:05Z".parse().unwrap()));
    let objects: Vec<_> = (0..n).map(Object::nth).collect();
    for object in &objects {
        store.put(&object.key, object.bytes.clone());
        world.serve(object);
    }
    fill(&world, &objects).await;
    (world, store, objects)
}

/// The rows of many objects, in one statement.
pub(crate) async fn fill(world: &World, objects: &[Object]) {
    for chunk in objects.chunks(500) {
        let rows: Vec<_> = chunk
            .iter()
            .map(|object| {
                let row = world.row_of(object);
                let (url, size) = (row.url.unwrap(), row.size.unwrap());
                format!("('{}', '{url}', '{}', {size})", row.digest, object.name)
            })
            .collect();
        let columns = "INSERT INTO packages (sha256, url, filename, size_bytes) VALUES ";
        world.sql(&(columns.to_owned() + &rows.join(", "))).await;
    }
}

/// Adds a second collection to a world.
pub(crate) async fn add_icons(world: &mut World) {
    world.sql("CREATE TABLE icons (sha256, url TEXT)").await;
    world.collections.push(CollectionOptions {
        name: ICONS.to_owned(),
        query: Some("SELECT sha256 AS digest, url AS source_url FROM icons".to_owned()),
        key: "icons/{digest}".parse().unwrap(),
        heal: true,
    });
}

/// Takes every row of an object away.
pub(crate) async fn forget_row(world: &World, object: &Object) {
    world.sql(&format!("DELETE FROM packages WHERE sha256 = '{}'", object.digest)).await;
}

/// Runs SQL on a catalog file, where its world is out of reach.
pub(crate) async fn run_sql(file: &Path, sql: &str) {
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(file);
    let mut connection = SqliteConnection::connect_with(&options).await.unwrap();
    sqlx::raw_sql(sqlx::AssertSqlSafe(sql.to_owned())).execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
}

/// Sets when a key's file was last modified.
pub(crate) fn set_modified(world: &World, key: &str, at: DateTime<Utc>) {
    File::options().write(true).open(world.path(key)).unwrap().set_modified(at.into()).unwrap();
}

/// When a key's file was last modified.
pub(crate) fn modified(world: &World, key: &str) -> std::time::SystemTime {
    std::fs::metadata(world.path(key)).unwrap().modified().unwrap()
}

/// Puts the world's clock into the test's hands, `ahead` of now.
pub(crate) fn clock_ahead(world: &mut World, ahead: TimeDelta) -> Arc<ManualClock> {
    let clock = world.stop_the_clock();
    clock.advance(ahead);
    clock
}

/// The same bytes with the first one changed.
pub(crate) fn flipped(object: &Object) -> Vec<u8> {
    let mut bytes = object.bytes.clone();
    bytes[0] ^= 1;
    bytes
}

/// Expected, present, missing, corrupt, unknown, young.
pub(crate) fn counts(report: &PassReport) -> [u64; 6] {
    let Summary { expected, present, missing, corrupt, unknown, young, .. } = &report.summary;
    [expected, present, missing, corrupt, unknown, young].map(|count| count.unwrap())
}

pub(crate) fn exit(report: &PassReport) -> u8 {
    report.summary.exit_code
}

/// The codes of what kept a pass from a verdict.
pub(crate) fn codes(report: &PassReport) -> Vec<&str> {
    report.summary.errors.iter().map(|error| error.code.as_str()).collect()
}

/// The reason and the numbers of the open breaker.
pub(crate) fn breaker(report: &PassReport) -> Option<(String, u64, u64)> {
    let told = report.summary.breaker.clone();
    told.map(|breaker| (breaker.reason, breaker.missing, breaker.expected))
}

/// The latched breaker, whether or not a person answered.
pub(crate) async fn latched(world: &World) -> Option<BreakerState> {
    world.open_ledger().await.breaker().await.unwrap()
}

/// Answers the breaker as `breaker ack` does; `Err` is the number that was asked for.
pub(crate) async fn ack(world: &World, reason: BreakerReason, number: u64) -> Result<(), u64> {
    let state = latched(world).await.unwrap();
    let answered = acknowledge(&state, reason, number)?;
    let swapped = world.open_ledger().await.swap_breaker(Some(&state), Some(&answered)).await;
    assert!(swapped.unwrap());
    Ok(())
}

/// What the binary printed, and how it exited.
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// The binary in a world's folder.
pub(crate) fn restock(world: &World, line: &str) -> Ran {
    let query = world.collections[0].query.clone().unwrap();
    let text = format!(
        "[catalog]\nurl = \"sqlite://catalog.db\"\npreset = \"custom\"\n\
         [[collection]]\nname = \"{COLLECTION}\"\nquery = \"{query}\"\n\
         key = \"{COLLECTION}/{{digest}}\"\n[store]\nurl = \"store\"\n\
         [ledger]\nurl = \"sqlite://ledger.db\"\n[audit]\ngrace = \"0s\"\n\
         [source]\nallow_http = true\nallow_private = [\"127.0.0.0/8\"]\n"
    );
    std::fs::write(world.dir.path().join("restock.toml"), text).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_restock"))
        .args(line.split_whitespace())
        .current_dir(world.dir.path())
        .env_clear()
        .stdin(Stdio::null())
        .output()
        .unwrap();
    Ran {
        code: output.status.code().unwrap(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

/// Now, by a world's clock.
pub(crate) fn now(world: &World) -> DateTime<Utc> {
    let clock: &dyn Clock = world.clock.as_ref();
    clock.now()
}
