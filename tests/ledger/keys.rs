//! Keys are bytes: what some collation takes for the same is told apart, and kept as it is.

use restock::model::{Attempts, Corruption, Digest, FindingKind, Upload};

use crate::samples::{corruption, finding, minute, pass, sighting};
use crate::suite::{Fixture, STORE};

/// In the order of their bytes.
fn hostile() -> Vec<String> {
    let mut keys: Vec<_> = [
        " ",
        "$1",
        "%",
        "'; DROP TABLE stores; --",
        "?",
        "A",
        "\\",
        "_",
        "a",
        "a ",
        "a  ",
        "a b",
        "a%20b",
        "a/../b",
        "a//b",
        "\n",
        "ss",
        "\u{7f}",
        "\u{df}",
        "\u{e9}",
        "e\u{301}",
        "\u{fb00}",
        "\u{1f98a}",
        "K",
        "k",
        "\u{212a}",
        "i",
        "I",
        "\u{131}",
    ]
    .map(str::to_owned)
    .into();
    keys.push("long/".repeat(204) + "1234");
    keys.push("long/".repeat(204) + "1235");
    keys.push("\u{1f98a}".repeat(256));
    keys.sort();
    keys
}

pub(crate) async fn keys_are_bytes(fixture: &impl Fixture) {
    let ledger = fixture.open(STORE).await;
    let keys = hostile();
    let sightings: Vec<_> = (0..).zip(&keys).map(|(n, key)| sighting(key, n)).collect();
    ledger.put_sightings(&sightings).await.unwrap();
    for key in &keys {
        ledger.put_corruption(&corruption(key)).await.unwrap();
        let upload = Upload { key: key.clone(), id: key.clone() };
        ledger.upload_begun(&upload, minute(1)).await.unwrap();
    }
    let mut found = ledger.sightings(&keys).await.unwrap();
    found.sort_by(|a, b| a.key.cmp(&b.key));
    assert_eq!(found, sightings);
    let all: Vec<_> = ledger.corruptions().await.unwrap().into_iter().map(|one| one.key).collect();
    assert_eq!(all, keys);
    let all: Vec<_> = ledger.uploads().await.unwrap().into_iter().map(|one| one.id).collect();
    assert_eq!(all, keys);

    ledger.clear_corruption("a").await.unwrap();
    let left: Vec<Corruption> = ledger.corruptions().await.unwrap();
    assert_eq!(left.len(), keys.len() - 1);
    assert!(left.iter().all(|one| one.key != "a"));
    ledger.retain_sightings("a", &["a ".to_owned()]).await.unwrap();
    let left = ledger.sightings(&keys).await.unwrap();
    let gone = |key: &&String| key.starts_with('a') && *key != "a ";
    assert_eq!(left.len(), keys.len() - keys.iter().filter(gone).count());
}

/// Those of findings may hold anything, and be longer than an index takes.
pub(crate) async fn subjects_of_any_length_are_told_apart(fixture: &impl Fixture) {
    let ledger = fixture.open(STORE).await;
    let mut subjects = hostile();
    for end in ["", "1", "2", "\0", "\u{fffd}"] {
        subjects.push("x".repeat(5_000) + end);
        subjects.push(format!("row {end}"));
    }
    let found: Vec<_> =
        subjects.iter().map(|subject| finding(FindingKind::InvalidRecord, subject, 1)).collect();
    ledger.record_pass(&pass("p1", 1), &found, true).await.unwrap();
    ledger.record_pass(&pass("p2", 2), &found, true).await.unwrap();
    let mut told: Vec<_> =
        ledger.findings(1_000).await.unwrap().into_iter().map(|one| one.key.unwrap()).collect();
    told.sort();
    subjects.sort();
    assert_eq!(told, subjects);
    let keys: Vec<_> = found.into_iter().map(|(key, _)| key).collect();
    let times = ledger.first_seen(&keys).await.unwrap();
    assert_eq!(times, vec![Some(minute(1)); keys.len()]);
    let page = ledger.findings_page(None, None, 20).await.unwrap();
    let next = page.next.unwrap().to_string().parse().unwrap();
    let rest = ledger.findings_page(None, Some(&next), 1_000).await.unwrap();
    assert_eq!(page.items.len() + rest.items.len(), subjects.len());

    let store = format!("file:///{}", "deep/".repeat(500));
    let deep = fixture.open(&store).await;
    deep.put_attempts(&Digest::new([1; 32]), Some(&Attempts::default())).await.unwrap();
    assert_eq!(
        fixture.open(&store).await.attempts(&[Digest::new([1; 32])]).await.unwrap().len(),
        1
    );
    let other = fixture.open(&(store + "x")).await;
    assert_eq!(other.attempts(&[Digest::new([1; 32])]).await.unwrap(), []);
}
