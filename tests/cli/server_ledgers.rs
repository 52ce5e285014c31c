//! Commands with a ledger on PostgreSQL or MariaDB.

use std::fs;
use std::time::Duration;

use restock::ledger::Lock;
use rstest::rstest;

use crate::binary::restock;
use crate::databases::pooler::{Pooler, Pooling};
use crate::databases::{Database, Engine};
use crate::place::{CONFIGURATION, Place, wait};
use crate::support::world::Object;

const OBJECTS: u32 = 12;

fn healthy(engine: Engine) -> Option<(Place, Vec<Object>, Database)> {
    let database = wait(engine.fresh())?;
    let (place, objects) = Place::healthy(OBJECTS);
    place.configure_with("sqlite://ledger.db", database.url());
    Some((place, objects, database))
}

fn password(database: &Database) -> String {
    let url: url::Url = database.url().parse().unwrap();
    url.password().unwrap().to_owned()
}

#[rstest]
fn audit_heal_status_and_show_remember_what_was_found_and_done(
    #[values(Engine::MariaDb, Engine::Postgres)] engine: Engine,
) {
    let Some((place, objects, database)) = healthy(engine) else { return };
    let shown = format!("/{}", database.name());
    let checked = place.run("config check --online").exits(0).prints("ok");
    let line = checked.stdout.lines().find(|line| line.starts_with("ledger ")).unwrap();
    assert!(line.contains("://127.0.0.1:") && line.ends_with("answers"), "{line}");
    assert!(line.contains(&shown) && !line.contains('@'), "{line}");
    place.run("audit").exits(0);
    place.lose(&objects[..1]);
    place.run("audit").exits(2);
    let status = place.run("status --output json").exits(0).json();
    assert_eq!(status["passes"].as_array().unwrap().len(), 2);
    let digest = objects[0].digest;
    place.run(&format!("show {digest}")).exits(0).prints("missing");
    place.run("heal").exits(0).prints("1 healed");
    place.run(&format!("show {digest}")).exits(0).prints("restored");
    place.run("status").exits(0).prints("heal");
    let all = place.run("config show").exits(0);
    assert!(all.stdout.contains(&shown) && !all.stdout.contains(&password(&database)));
    assert!(!place.path("ledger.db").exists());
}

#[rstest]
fn a_heal_by_way_of_a_pooler_needs_two_connections(
    #[values(Pooling::Session, Pooling::Transaction)] pooling: Pooling,
) {
    let Some(database) = wait(Engine::Postgres.fresh()) else { return };
    let Some(pooler) = Pooler::start(&database, pooling, 2) else { return };
    let (place, objects) = Place::healthy(OBJECTS);
    place.configure_with("sqlite://ledger.db", pooler.url());
    place.run("config check --online").exits(0).prints("ok");
    place.lose(&objects[..4]);
    place.run("audit").exits(2);
    place.run("heal").exits(0).prints("4 healed");
    place.run(&format!("show {}", objects[0].digest)).exits(0).prints("restored");
    let status = place.run("status --output json").exits(0).json();
    assert_eq!(status["passes"].as_array().unwrap().len(), 2);
}

#[rstest]
fn the_breaker_is_latched_and_answered(
    #[values(Engine::MariaDb, Engine::Postgres)] engine: Engine,
) {
    let Some((place, objects, _database)) = healthy(engine) else { return };
    place.lose(&objects[..6]);
    place.run("heal").exits(4);
    place.run("breaker show").exits(4).prints("6");
    place.run("breaker ack --expect-missing 5").exits(4);
    place.run("breaker ack --expect-missing 6").exits(0);
    place.run("heal").exits(0).prints("6 healed");
    place.run("breaker show").exits(0);
}

#[rstest]
fn while_another_works_on_the_store_heal_is_busy_and_says_who_it_is(
    #[values(Engine::MariaDb, Engine::Postgres)] engine: Engine,
) {
    let Some((place, objects, database)) = healthy(engine) else { return };
    place.lose(&objects[..1]);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let held = runtime.block_on(async {
        let store = place.world.open_store().await;
        let acquired = Lock::acquire(database.url(), store.identity(), place.dir(), None).await;
        acquired.unwrap()
    });
    for line in ["heal", "heal --wait-lock 1s", "import restock.toml"] {
        if line.starts_with("import") {
            place.configure(&embedded(&database));
        }
        let busy = place.run(line).exits(5);
        let who = format!("another restock (process {} on ", std::process::id());
        for part in [who.as_str(), "; if it is gone, the lock is free in ", "--wait-lock"] {
            assert!(busy.stderr.contains(part), "{line}: {}", busy.stderr);
        }
        assert!(!busy.stderr.contains(&password(&database)), "{}", busy.stderr);
    }
    place.configure_with("sqlite://ledger.db", database.url());
    place.run("audit").exits(2);
    let report = place.run("heal --output json").exits(5).json();
    assert_eq!(report["summary"]["outcome"], "busy");
    let given_back = async {
        tokio::time::sleep(Duration::from_millis(500)).await;
        held.release().await;
    };
    let releases = runtime.spawn(given_back);
    place.run("heal --wait-lock 30s").exits(0).prints("1 healed");
    runtime.block_on(releases).unwrap();
}

/// With restock's own catalog, over the same store.
fn embedded(database: &Database) -> String {
    let catalog = "[catalog]\nurl = \"sqlite://own.db\"\n[store]\nurl = \"store\"\n";
    format!("{catalog}[ledger]\nurl = \"{}\"\n", database.url())
}

#[rstest]
fn files_are_imported(#[values(Engine::MariaDb, Engine::Postgres)] engine: Engine) {
    let Some(database) = wait(engine.fresh()) else { return };
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    fs::create_dir(at.join("store")).unwrap();
    fs::write(at.join("restock.toml"), embedded(&database)).unwrap();
    fs::write(at.join("a.pkg"), "a").unwrap();
    restock(at, "import a.pkg").exits(0).prints("1 stored");
    restock(at, "audit --deep").exits(0).prints("1 expected, 1 observed");
    // The lock was given back.
    restock(at, "heal").exits(0);
}

#[rstest]
#[case("postgres")]
#[case("mysql")]
fn a_server_that_is_away_fails_the_run_and_is_named(#[case] scheme: &str) {
    let (place, _) = Place::healthy(1);
    // Port 1 is nobody's.
    let url = format!("{scheme}://u:SECRET@127.0.0.1:1/db");
    place.configure_with("sqlite://ledger.db", &url);
    for line in ["audit", "heal", "status", "config check --online"] {
        let failed = place.run(line).exits(1).says("127.0.0.1:1: nothing listens there");
        assert!(!failed.stderr.contains("SECRET"), "{}", failed.stderr);
    }
    place
        .configure(&CONFIGURATION.replace("sqlite://ledger.db", &format!("{scheme}://u:SECRET@h")));
    let refused = place.run("config check").exits(78).says("ledger.url").says("names no database");
    assert!(!refused.stderr.contains("SECRET"), "{}", refused.stderr);
}
