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
/// where it grows on and on, by more than four MiB in all, or is more than half above at last. One
/// step up is no leak: the parts of a large object are held in memory, and it may come late.
pub(crate) fn is_flat(weights: &[u64]) -> Result<(u64, u64), String> {
    let quarter = weights.len() / 4;
    let (early, late) = (median(&weights[quarter..2 * quarter]), median(&weights[3 * quarter..]));
    let windows: Vec<_> = weights[quarter..].chunks_exact(quarter / 2).map(median).collect();
    let steps: Vec<_> = windows.windows(2).map(|two| two[1].saturating_sub(two[0])).collect();
    let growth = median(&steps) * 5;
    if growth > 4 << 10 || late > early + early / 2 {
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
    let weights = |more: u64, step: u64| -> Vec<_> {
        let late = |n| if n < 60 { 0 } else { step };
        let weight = |n| if n < 10 { 1_000 * n } else { 40_000 + more * n + late(n) };
        (0..100).map(weight).collect()
    };
    assert_eq!(is_flat(&weights(0, 0)), Ok((40_000, 40_000)));
    assert!(is_flat(&weights(30, 10_000)).is_ok());
    assert!(is_flat(&weights(100, 0)).is_err());
    assert!(is_flat(&weights(0, 30_000)).is_err());
}
