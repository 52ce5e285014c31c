//! A soak: `restock run` on a real catalog and a real store while somebody changes both at random
//! and its source fails a third of the time. One minute in the ordinary suite; `tests/soak/run`
//! makes it ten.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::indexing_slicing,
    clippy::as_conversions,
    clippy::disallowed_methods,
    reason = "a test that cannot set itself up has failed"
)]

#[path = "../cli/binary.rs"]
#[expect(dead_code, reason = "the tests of single commands use more of it")]
mod binary;
mod daemon;
#[path = "../support/databases.rs"]
mod databases;
mod gauges;
mod judge;
mod judge_tests;
mod log;
#[path = "../support/object.rs"]
#[expect(unreachable_pub, reason = "other tests hand it on")]
mod object;
mod outsider;
mod place;
mod proxy;
#[path = "../support/s3.rs"]
#[expect(dead_code, reason = "the tests of stores use more of it")]
mod s3;
mod source;
mod watch;

use std::sync::Arc;
use std::time::Duration;

use rstest::rstest;
use tokio::sync::watch::channel;

use crate::daemon::{Daemon, settle};
use crate::databases::Engine;
use crate::gauges::Gauges;
use crate::outsider::Outsider;
use crate::place::Place;
use crate::s3::Server;

fn variable(name: &str, otherwise: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| otherwise.to_owned())
}

#[rstest]
#[case::moto_and_postgres(Server::Moto, Engine::Postgres)]
#[case::juicefs_and_mariadb(Server::JuiceFs, Engine::MariaDb)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_daemon_heals_all_that_can_be_healed_and_harms_nothing(
    #[case] server: Server,
    #[case] engine: Engine,
) {
    let minutes: f64 = variable("RESTOCK_SOAK_MINUTES", "1").parse().unwrap();
    let seed = variable("RESTOCK_SOAK_SEED", "");
    let seed = seed.parse().unwrap_or_else(|_| rand::random());
    eprintln!("{minutes} minutes of {server:?} and {engine:?}, RESTOCK_SOAK_SEED={seed}");
    let Some(place) = Place::on(server, engine, seed).await else { return };
    let place = Arc::new(place);
    let mut outsider = Outsider::begin(&place, seed).await;
    let mut daemon = Daemon::start(&place);
    let (stop, stopped) = channel(false);
    let (of_reader, of_scale) = (Arc::clone(&place), stopped.clone());
    let reader = tokio::spawn(async move { watch::read_keys(&of_reader, stopped).await });
    let scale = tokio::spawn(watch::weigh(daemon.pid(), of_scale));

    tokio::select! {
        () = outsider.rage(Duration::from_mins(1).mul_f64(minutes)) => {}
        () = Outsider::meddle(&place, seed) => panic!("the source goes on"),
    }
    let weights = {
        outsider.leave_a_mark().await;
        place.source.be_honest();
        settle(&place, &daemon, &mut outsider.things).await;
        stop.send(true).unwrap();
        scale.await.unwrap()
    };
    let (reads, found) = reader.await.unwrap();

    let gauges = daemon::agree(&place, &daemon).await;
    assert_eq!(daemon.end(), Some(0), "{}", daemon.log());
    let (asked, deeds) = (place.proxy.asked(), place.log.deeds());
    let (writes, lost) = (judge::writes(&asked), lost(&gauges));
    eprintln!(
        "{} passes, {} requests to the store, {} changes by others, {reads} keys read, \
         {writes} objects written and {lost} of them lost again at once; the source answered {:?}",
        gauges.sum("restock_pass_runs_total"),
        asked.len(),
        deeds.len(),
        place.source.told(),
    );
    assert_eq!(found, Vec::<String>::new(), "keys held what restock must have written");
    assert_eq!(judge::complaints(&asked, &deeds), Vec::<String>::new());
    assert_eq!(gauges.sum("restock_objects_healed_total") + lost, writes, "healed, and written");
    assert!(writes > 20, "so few heals prove nothing");
    for name in ["restock_panics_total", "restock_pass_failures_total"] {
        assert_eq!(gauges.sum(name), 0, "{name}\n{}", daemon.log());
    }
    let (early, late) = watch::is_flat(&weights).unwrap_or_else(|why| panic!("{why}"));
    eprintln!("resident memory: {early} KiB in the second quarter, {late} KiB in the last");
}

/// How often an object had gone again when its heal looked whether it is there.
fn lost(gauges: &Gauges) -> u64 {
    gauges.get("restock_heal_failures_total", "reason=verify_after_write").unwrap()
}
