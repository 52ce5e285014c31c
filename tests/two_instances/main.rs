//! Two `restock run` on one ledger: objects vanish, sources fail, and the active one is killed or
//! frozen. Short here; `benches/run --bench takeover -- 10` kills ten times on each kind of ledger.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::disallowed_methods,
    reason = "a test that cannot set itself up has failed, and reads what tests/run sets"
)]

#[path = "../support/mod.rs"]
mod support;

#[path = "../support/databases.rs"]
mod databases;

#[path = "../cli/binary.rs"]
#[expect(dead_code, reason = "the tests of single commands use more of it")]
mod binary;

#[path = "../cli/place.rs"]
#[expect(dead_code, reason = "the tests of single commands use more of it")]
mod place;

#[path = "../daemon/running.rs"]
#[expect(dead_code, reason = "the tests of one daemon use more of it")]
mod running;

mod outsider;
mod trial;
mod watch;

use std::time::Duration;

use databases::Engine;
use trial::{Blow, Trial};

fn on_a_server(engine: Engine, blows: &[Blow]) {
    let Some(database) = place::wait(engine.fresh()) else { return };
    Trial::on(&database).run(blows, Duration::from_secs(20));
}

#[test]
fn on_postgres_a_killed_instance_is_followed_by_its_spare() {
    on_a_server(Engine::Postgres, &[Blow::Kill]);
}

#[test]
fn on_mariadb_a_killed_instance_is_followed_by_its_spare() {
    on_a_server(Engine::MariaDb, &[Blow::Kill]);
}

#[test]
fn on_postgres_a_frozen_instance_is_followed_by_its_spare_and_wakes_up_without_the_lock() {
    on_a_server(Engine::Postgres, &[Blow::Freeze]);
}

#[test]
fn on_mariadb_a_frozen_instance_is_followed_by_its_spare_and_wakes_up_without_the_lock() {
    on_a_server(Engine::MariaDb, &[Blow::Freeze]);
}

#[test]
fn beside_a_file_the_lock_dies_with_its_holder() {
    Trial::on_a_file().run(&[Blow::Kill; 3], Duration::from_secs(10));
}
