//! Two instances on one ledger, for two minutes at least: objects vanish, sources fail, and the
//! active instance is killed as often as the argument says, and frozen once. Prints how long each
//! take-over took, and fails where there were ever two, or where something was healed and not
//! written down.
//!
//! `benches/run --bench takeover -- 10`; the short version is `tests/two_instances`.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::disallowed_methods,
    reason = "what cannot set itself up has failed, and reads where servers are"
)]

#[path = "../tests/support/mod.rs"]
mod support;

#[path = "../tests/support/databases.rs"]
mod databases;

#[path = "../tests/cli/binary.rs"]
#[expect(dead_code, reason = "the tests of single commands use more of it")]
mod binary;

#[path = "../tests/cli/place.rs"]
#[expect(dead_code, reason = "the tests of single commands use more of it")]
mod place;

#[path = "../tests/daemon/running.rs"]
#[expect(dead_code, reason = "the tests of one daemon use more of it")]
mod running;

#[path = "../tests/two_instances/outsider.rs"]
mod outsider;
#[path = "../tests/two_instances/trial.rs"]
mod trial;
#[path = "../tests/two_instances/watch.rs"]
mod watch;

use std::time::Duration;

use databases::Engine;
use trial::{Blow, Trial};

const LEAST: Duration = Duration::from_mins(2);

fn main() {
    // `cargo bench` gives arguments of its own.
    let Some(kills) = std::env::args().find_map(|argument| argument.parse().ok()) else {
        println!("not run without a number of kills: `benches/run --bench takeover -- 10`");
        return;
    };
    let mut blows = vec![Blow::Kill; kills];
    // A file lock is never lost: who is frozen keeps it.
    tell("a SQLite file", &Trial::on_a_file().run(&blows, LEAST));
    blows.insert(kills / 2, Blow::Freeze);
    for engine in [Engine::Postgres, Engine::MariaDb] {
        let Some(database) = place::wait(engine.fresh()) else { continue };
        tell(&format!("{engine:?}"), &Trial::on(&database).run(&blows, LEAST));
    }
}

fn tell(ledger: &str, took: &[Duration]) {
    let longest = took.iter().max().unwrap();
    let mean = took.iter().sum::<Duration>().div_f64(f64::from(u32::try_from(took.len()).unwrap()));
    println!(
        "ledger in {ledger}: {} take-overs, {mean:.1?} on average, {longest:.1?} at most",
        took.len()
    );
}
