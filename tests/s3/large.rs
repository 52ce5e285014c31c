//! An object that fits into no buffer.

use std::process::Child;
use std::time::Duration;

use futures::TryStreamExt;
use object_store::ObjectStoreExt;
use restock::model::Digest;
use rstest::rstest;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::s3::Server;
use crate::support::http_server::Answer;
use crate::support::world::{COLLECTION, Row};
use crate::world::{Ran, World};

const CHUNKS: u64 = 300;
const LENGTH: u64 = CHUNKS << 20;

/// What the whole process may take at its peak, in bytes.
const MEMORY_MAX: u64 = 100_000_000;

/// One of the chunks of 1 MiB, each another, so that no two parts can change places unseen.
fn chunk(n: u64) -> Vec<u8> {
    let mut bytes = vec![0x5a; 1 << 20];
    bytes[..8].copy_from_slice(&n.to_le_bytes());
    bytes
}

fn digest() -> Digest {
    let mut hasher = Sha256::new();
    (0..CHUNKS).for_each(|n| hasher.update(chunk(n)));
    Digest::new(hasher.finalize().into())
}

#[rstest]
#[case::moto(Server::Moto)]
#[case::juicefs(Server::JuiceFs)]
#[tokio::test]
async fn three_hundred_megabytes_pass_through_a_small_memory(#[case] server: Server) {
    let Some(world) = World::on(server).await else { return };
    let digest = digest();
    world.local.http.route("/large", [Answer::generated(CHUNKS, chunk)]);
    let row = Row {
        digest: digest.to_string(),
        url: Some(world.local.http.url("/large")),
        name: None,
        size: i64::try_from(LENGTH).ok(),
        updated_at: None,
    };
    world.local.row(&row).await;

    let (report, healing) = measured(&world, &["heal"]);
    assert_eq!(report["repairs"][0]["result"], "restored", "{report:#}");
    assert_eq!(report["repairs"][0]["bytes"], LENGTH);
    let puts = report["summary"]["store_requests"]["put"].as_u64().unwrap();
    assert!(puts > 30, "{puts} requests are no multipart upload");
    let (report, reading) = measured(&world, &["audit", "--deep"]);
    assert_eq!(report["summary"]["verified"], 1);
    let megabytes = |bytes: u64| bytes.div_ceil(1_000_000);
    eprintln!(
        "{LENGTH} bytes on {server:?}: at most {} MB resident to heal, {} MB to read",
        megabytes(healing),
        megabytes(reading)
    );
    assert!(healing < MEMORY_MAX && reading < MEMORY_MAX, "{healing}, {reading}");
    assert_eq!(stored(&world, &format!("{COLLECTION}/{digest}")).await, digest);
}

/// Runs a pass that has to end with 0; its report, and the most memory that it had, in bytes.
fn measured(world: &World, args: &[&str]) -> (Value, u64) {
    let mut child = world.start(&[args, &["--output", "json"]].concat());
    let mut peak = 0;
    while child.try_wait().unwrap().is_none() {
        // The kernel keeps the maximum: what is read last before the end is all of it.
        peak = peak_of(&child).unwrap_or(peak);
        std::thread::sleep(Duration::from_millis(2));
    }
    (Ran::of(child.wait_with_output().unwrap()).report(0), peak)
}

/// The largest resident memory of a process so far; `None` where it has just ended.
fn peak_of(child: &Child) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kibibytes: u64 = line.trim().strip_suffix(" kB")?.parse().ok()?;
    Some(kibibytes * 1024)
}

/// The digest of what the bucket really holds.
async fn stored(world: &World, key: &str) -> Digest {
    let got = world.bucket.client().get(&world.bucket.path(key)).await.unwrap();
    let (mut body, mut hasher) = (got.into_stream(), Sha256::new());
    while let Some(bytes) = body.try_next().await.unwrap() {
        hasher.update(bytes);
    }
    Digest::new(hasher.finalize().into())
}
