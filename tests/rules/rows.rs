//! Rows as databases hold them: raw digests, odd ones, many of one object.

use restock::model::{FindingKind, RepairResult, reason};

use crate::helper::{counts, exit};
use crate::support::http_server::Answer;
use crate::support::world::{Object, Row, World, briefly, result};

async fn insert(world: &World, digest: &str, object: &Object) {
    let url = world.row_of(object).url.unwrap();
    world
        .sql(&format!(
            "INSERT INTO packages (sha256, url, filename) VALUES ({digest}, '{url}', '{}')",
            object.name
        ))
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn raw_bytes_and_upper_case_hex_are_digests_and_heal_like_any_other() {
    let world = World::empty().await;
    let objects: Vec<_> = (0..3).map(Object::nth).collect();
    for object in &objects {
        world.serve(object);
    }
    insert(&world, &format!("x'{}'", objects[0].digest), &objects[0]).await;
    let upper = objects[1].digest.to_string().to_uppercase();
    insert(&world, &format!("'{upper}'"), &objects[1]).await;
    insert(&world, &format!("CAST('{}' AS BLOB)", objects[2].digest), &objects[2]).await;
    let report = world.audit().await;
    assert_eq!((exit(&report), counts(&report)), (2, [3, 0, 3, 0, 0, 0]));
    assert!(report.findings.iter().all(|finding| finding.names.len() == 1 && finding.rows == 1));
    let report = world.heal().await;
    assert_eq!((exit(&report), report.summary.healed), (0, 3));
    for object in &objects {
        assert_eq!(world.get(&object.key).unwrap(), object.bytes);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_digest_in_several_spellings_is_one_object() {
    let (world, objects) = World::healthy(6).await;
    let hex = objects[0].digest.to_string();
    insert(
        &world,
        &format!("x'{hex}'"),
        &Object { name: "raw.pkg".to_owned(), ..objects[0].clone() },
    )
    .await;
    let mixed = hex[..32].to_uppercase() + &hex[32..];
    insert(
        &world,
        &format!("'{mixed}'"),
        &Object { name: "mixed.pkg".to_owned(), ..objects[0].clone() },
    )
    .await;
    assert_eq!(counts(&world.audit().await), [6, 6, 0, 0, 0, 0]);
    world.remove(&objects[0].key);
    let report = world.audit().await;
    assert_eq!(counts(&report), [6, 5, 1, 0, 0, 0]);
    assert_eq!(report.findings[0].rows, 3);
    assert_eq!(report.findings[0].names, ["app-0.pkg", "mixed.pkg", "raw.pkg"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_digest_with_a_prefix_or_white_space_is_the_object_that_it_names() {
    let (mut world, objects) = World::healthy(6).await;
    world.settings.breaker.missing_share = 1.0;
    let spell: [fn(&str) -> String; 6] = [
        |hex| format!("sha256:{hex}"),
        |hex| format!("SHA256:{}", hex.to_uppercase()),
        |hex| format!("0x{hex}"),
        |hex| format!(" {hex}\n"),
        |hex| format!("\tsha256: 0X{hex} "),
        |hex| format!("Sha256:{hex}"),
    ];
    for (object, spell) in objects.iter().zip(spell) {
        let (hex, spelled) = (object.digest.to_string(), spell(&object.digest.to_string()));
        world
            .sql(&format!("UPDATE packages SET sha256 = '{spelled}' WHERE sha256 = '{hex}'"))
            .await;
    }
    let report = world.audit().await;
    assert_eq!((exit(&report), counts(&report)), (0, [6, 6, 0, 0, 0, 0]), "{report:#?}");
    assert_eq!((report.summary.orphans, report.summary.invalid_records), (Some(0), Some(0)));
    for object in &objects {
        world.remove(&object.key);
    }
    let report = world.heal().await;
    assert_eq!((exit(&report), report.summary.healed), (0, 6));
    for object in &objects {
        assert_eq!(world.get(&object.key).unwrap(), object.bytes);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_null_digest_wants_nothing_and_is_no_invalid_record() {
    let (world, objects) = World::healthy(6).await;
    insert(&world, "NULL", &objects[0]).await;
    let report = world.audit().await;
    assert_eq!((exit(&report), counts(&report)), (0, [6, 6, 0, 0, 0, 0]));
    assert_eq!(report.summary.invalid_records, Some(0));
    assert_eq!((report.findings.len(), report.summary.errors.len()), (0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_malformed_digest_is_an_invalid_record_with_its_name_and_the_pass_goes_on() {
    let (world, objects) = World::healthy(6).await;
    world.remove(&objects[0].key);
    for (digest, name) in [
        ("'abc'", "short.pkg"),
        ("7", "number.pkg"),
        ("x'0102'", "bytes.pkg"),
        ("'0123456789abcdef0123456789abcdef'", "md5.pkg"),
    ] {
        insert(&world, digest, &Object { name: name.to_owned(), ..objects[1].clone() }).await;
    }
    let report = world.heal().await;
    assert_eq!(result(&report, &objects[0]), RepairResult::Restored);
    assert_eq!((exit(&report), counts(&report)), (2, [6, 6, 0, 0, 0, 0]));
    assert_eq!(report.summary.invalid_records, Some(4));
    let mut names: Vec<_> = report.findings.iter().flat_map(|f| f.names.clone()).collect();
    names.sort();
    assert_eq!(names, ["bytes.pkg", "md5.pkg", "number.pkg", "short.pkg"]);
    for finding in &report.findings {
        assert_eq!(finding.kind, FindingKind::InvalidRecord);
        assert_eq!(finding.reason.as_deref(), Some(reason::MALFORMED_DIGEST));
        assert_eq!((finding.refs.len(), finding.rows, finding.digest), (1, 1, None));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn many_rows_of_one_digest_are_one_object_with_all_their_names_and_distinct_sources() {
    let world = World::empty().await;
    let object = Object::of("wanted by many", "a.pkg");
    for n in 0..25 {
        let url = Some(world.http.url(&format!("/mirror-{}?token=CANARY", n % 3)));
        let name = Some(format!("name-{}.pkg", n % 4));
        world.row(&Row { url, name, ..world.row_of(&object) }).await;
    }
    world.http.route("/mirror-0", [Answer::status(404)]);
    world.http.route("/mirror-1", [Answer::status(404)]);
    world.http.route("/mirror-2", [Answer::ok(object.bytes.clone())]);
    let report = world.audit().await;
    assert_eq!(briefly(&report), [(FindingKind::Missing, object.key.clone(), None)]);
    let finding = &report.findings[0];
    assert_eq!((finding.rows, finding.refs.len(), counts(&report)[0]), (25, 20, 1));
    assert_eq!(finding.names, ["name-0.pkg", "name-1.pkg", "name-2.pkg", "name-3.pkg"]);
    let mut sources = finding.sources.clone();
    sources.sort();
    let redacted: Vec<_> = (0..3).map(|n| world.http.url(&format!("/mirror-{n}"))).collect();
    assert_eq!(sources, redacted);
    assert!(!format!("{report:?}").contains("CANARY"));
    let report = world.heal().await;
    assert_eq!((exit(&report), result(&report, &object)), (0, RepairResult::Restored));
    assert!(world.http.requests().len() <= 3, "each source is asked once");
}
