//! What restock sends, and that only one of it sends what changes the store.

use rstest::rstest;

use crate::relay::Relay;
use crate::s3::Server;
use crate::support::http_server::{Answer, Gate};
use crate::support::world::{Object, digest_of};
use crate::world::{Ran, World};

#[rstest]
#[case::moto(Server::Moto)]
#[case::juicefs(Server::JuiceFs)]
#[tokio::test]
async fn an_audit_sends_get_and_head_alone_and_leaves_the_catalog_as_it_is(#[case] server: Server) {
    let Some(mut world) = World::on(server).await else { return };
    let relay = Relay::to(&world.endpoint);
    world.endpoint = relay.endpoint();
    let objects: Vec<_> = (0..4).map(Object::nth).collect();
    for object in &objects {
        world.want(object).await;
    }
    world.bucket.put(&objects[0].key, &objects[0].bytes).await;
    world.bucket.put(&objects[1].key, b"rotten").await;
    world.bucket.put("software-installers/README", b"foreign").await;
    let before = std::fs::read(world.local.catalog_file()).unwrap();

    for args in [&["audit"][..], &["audit", "--deep"], &["audit"], &["heal", "--dry-run"]] {
        let ran = world.restock(args);
        assert_eq!(ran.code, Some(2), "{args:?}: {ran:#?}");
    }
    let digest = objects[2].digest.to_string();
    assert_eq!(world.restock(&["probe", &digest]).code, Some(2));
    assert_eq!(world.restock(&["show", &digest]).code, Some(0));
    assert_eq!(relay.methods(), ["GET", "HEAD"], "{:#?}", relay.asked());
    assert_eq!(std::fs::read(world.local.catalog_file()).unwrap(), before);
    assert!(world.local.http.requests().is_empty(), "sources are not asked");
}

#[rstest]
#[case::moto(Server::Moto)]
#[case::juicefs(Server::JuiceFs)]
#[tokio::test]
async fn a_heal_deletes_nothing_but_its_own_unfinished_upload(#[case] server: Server) {
    let Some(mut world) = World::on(server).await else { return };
    let relay = Relay::to(&world.endpoint);
    world.endpoint = relay.endpoint();
    let (healthy, drifted) = (Object::nth(1), Object::of("what it was", "drifted.pkg"));
    for object in [&healthy, &drifted] {
        world.want(object).await;
    }
    world.bucket.put(&healthy.key, b"rotten").await;
    world.local.answer(&drifted, [Answer::ok(vec![7; 20 << 20])]);

    let report = world.pass(2, &["heal"]);
    assert_eq!(report["summary"]["healed"], 1, "{report:#}");
    assert_eq!(report["findings"][0]["unhealable"], "source_drifted", "{report:#}");
    let asked = relay.asked();
    let mut deletes = asked.iter().filter(|line| line.starts_with("DELETE "));
    assert!(deletes.clone().count() == 1, "{asked:#?}");
    assert!(deletes.all(|line| line.contains("uploadId=")), "{asked:#?}");
    assert_eq!(digest_of(&world.bucket.get(&healthy.key).await.unwrap()), healthy.digest);
    assert_eq!(world.bucket.get(&drifted.key).await, None);
    if server == Server::Moto {
        assert_eq!(world.bucket.open_uploads(), 0);
    }
}

#[rstest]
#[case::moto(Server::Moto)]
#[case::juicefs(Server::JuiceFs)]
#[tokio::test]
async fn of_two_heals_the_second_is_told_so_or_waits(#[case] server: Server) {
    let Some(mut world) = World::on(server).await else { return };
    let relay = Relay::to(&world.endpoint);
    world.endpoint = relay.endpoint();
    let object = Object::nth(1);
    world.want(&object).await;
    let gate = Gate::closed();
    let (begin, rest) = object.bytes.split_at(5);
    world.local.answer(&object, [Answer::ok(begin).then_wait(&gate, rest)]);

    let mut first = world.start(&["heal"]);
    while world.local.http.requests().is_empty() {
        assert!(first.try_wait().unwrap().is_none(), "it ended early");
        std::thread::yield_now();
    }
    let asked = relay.asked();
    let second = world.restock(&["heal"]);
    assert_eq!(second.code, Some(5), "{second:#?}");
    assert!(second.stderr.contains("another restock (process "), "{second:#?}");
    let short = world.restock(&["heal", "--wait-lock", "300ms"]);
    assert_eq!(short.code, Some(5), "{short:#?}");
    assert_eq!(relay.asked(), asked, "who does not hold the lock asks the store nothing");
    let audit = world.pass(2, &["audit"]);
    assert_eq!(audit["summary"]["missing"], 1, "an audit needs no lock");

    let patient = world.start(&["heal", "--wait-lock", "60s", "--output", "json"]);
    gate.open();
    assert!(first.wait().unwrap().success());
    let patient = Ran::of(patient.wait_with_output().unwrap()).report(0);
    assert_eq!(patient["summary"]["present"], 1, "{patient:#}");
    assert_eq!(patient["summary"]["healed"], 0, "the first one had done it: {patient:#}");
    assert_eq!(world.local.http.requests().len(), 1);
}
