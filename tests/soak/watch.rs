//! Those who look on throughout: a reader of the store, and who weighs the daemon.

use std::time::Duration;

use rand::RngExt;
use tokio::sync::watch;

use crate::object::{COLLECTION, digest_of};
use crate::place::Place;

/// Reads key after key until it is told to stop; gives how many it read, and what it found under a
/// digest's key that neither is the digest's nor was put there by the outsider.
pub(crate) async fn read_keys(place: &Place, stop: watch::Receiver<bool>) -> (usize, Vec<String>) {
    let (mut reads, mut found) = (0, Vec::new());
    while !*stop.borrow() {
        let at = {
            let known = place.known.lock().unwrap();
            known[rand::rng().random_range(0..known.len())]
        };
        let key = format!("{COLLECTION}/{at}");
        if let Some(bytes) = place.bucket.get(&key).await {
            reads += 1;
            let content = digest_of(&bytes);
            if content != at && !place.log.knows(&key, content) {
                found.push(format!("{key} held {} bytes of nobody: {content}", bytes.len()));
            }
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    (reads, found)
}

/// Weighs a process each half second until told to stop; in KiB.
pub(crate) async fn weigh(pid: u32, stop: watch::Receiver<bool>) -> Vec<u64> {
    let mut weights = Vec::new();
    while !*stop.borrow() {
        let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        weights.extend(line.and_then(|line| line.trim().split(' ').next()?.parse::<u64>().ok()));
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    weights
}

/// The weights of the second quarter and of the last one: the first is for warming up. Complains
/// where the later one is more than a tenth and four MiB above.
pub(crate) fn is_flat(weights: &[u64]) -> Result<(u64, u64), String> {
    let quarter = weights.len() / 4;
    let (early, late) = (median(&weights[quarter..2 * quarter]), median(&weights[3 * quarter..]));
    if late > early + early / 10 + (4 << 10) {
        return Err(format!("resident memory went from {early} to {late} KiB: {weights:?}"));
    }
    Ok((early, late))
}

fn median(weights: &[u64]) -> u64 {
    let mut weights = weights.to_vec();
    weights.sort_unstable();
    weights[weights.len() / 2]
}

#[test]
fn weight_that_grows_on_is_told() {
    let weights = |more: u64| -> Vec<_> {
        (0..100).map(|n| if n < 10 { 1_000 * n } else { 40_000 + more * n }).collect()
    };
    assert_eq!(is_flat(&weights(0)), Ok((40_000, 40_000)));
    assert!(is_flat(&weights(50)).is_ok());
    assert!(is_flat(&weights(200)).is_err());
}
