//! A heal that is killed leaves the old state or the new one, and the next heal cleans up.

use std::process::Child;

use rstest::rstest;

use crate::relay::Relay;
use crate::s3::Server;
use crate::support::http_server::{Answer, Gate};
use crate::support::world::{Object, digest_of};
use crate::world::World;

/// One of the chunks of 1 MiB, each another.
fn chunk(n: u64) -> Vec<u8> {
    vec![u8::try_from(n).unwrap(); 1 << 20]
}

/// An object of so many chunks; a part of an upload has eight.
fn large(chunks: u64) -> Object {
    Object::of((0..chunks).flat_map(chunk).collect::<Vec<_>>(), "large.pkg")
}

/// SIGKILL, and no process left.
fn kill(mut child: Child) {
    child.kill().unwrap();
    child.wait().unwrap();
}

#[rstest]
#[case::moto(Server::Moto)]
#[case::juicefs(Server::JuiceFs)]
#[tokio::test]
async fn a_heal_killed_in_the_middle_of_an_upload_leaves_nothing_to_see(#[case] server: Server) {
    let Some(mut world) = World::on(server).await else { return };
    let relay = Relay::to(&world.endpoint);
    world.endpoint = relay.endpoint();
    let gate = Gate::closed();
    let object = large(40);
    world.want(&object).await;
    world.local.answer(&object, [Answer::generated(40, chunk).held_after(30, &gate)]);

    let mut child = world.start(&["heal"]);
    // With two parts on their way at most, the third one leaves when one of them has arrived.
    let third = |line: &str| line.starts_with("PUT ") && line.contains("partNumber=3");
    assert!(relay.wait_for(third, || child.try_wait().unwrap().is_some()), "it ended early");
    kill(child);
    assert_eq!(world.bucket.keys().await, [""; 0], "after the kill");
    if server == Server::Moto {
        assert_eq!(world.bucket.open_uploads(), 1, "after the kill");
    }

    let audit = world.pass(2, &["audit"]);
    assert_eq!(audit["summary"]["missing"], 1, "{audit:#}");
    world.local.serve(&object);
    let heal = world.pass(0, &["heal"]);
    assert_eq!(heal["repairs"][0]["result"], "restored", "{heal:#}");
    let stored = world.bucket.get(&object.key).await.unwrap();
    assert_eq!(digest_of(&stored), object.digest);
    assert_eq!(world.bucket.keys().await, [object.key]);
    let thrown_away = |line: &&String| line.starts_with("DELETE ") && line.contains("uploadId=");
    let asked = relay.asked();
    assert_eq!(asked.iter().filter(thrown_away).count(), 1, "{asked:#?}");
    if server == Server::Moto {
        assert_eq!(world.bucket.open_uploads(), 0, "the first upload is swept");
    }
}

/// Kills a heal before its first request, its second, and so on, until it ends before that. Of one
/// object, so that a request is the next one only when all before it were answered.
#[rstest]
#[case::moto_in_parts(Server::Moto, 17, 9)]
#[case::moto_at_once(Server::Moto, 1, 5)]
#[case::juicefs_in_parts(Server::JuiceFs, 17, 9)]
#[case::juicefs_at_once(Server::JuiceFs, 1, 5)]
#[tokio::test]
async fn at_whatever_request_a_heal_is_killed_the_next_one_completes(
    #[case] server: Server,
    #[case] chunks: u64,
    #[case] requests_min: usize,
) {
    let Some(mut world) = World::on(server).await else { return };
    let server_endpoint = world.endpoint.clone();
    let object = large(chunks);
    world.want(&object).await;
    for passing in 0.. {
        // One endpoint for both heals: it is part of the store's identity.
        let relay = Relay::passing(&server_endpoint, passing);
        world.endpoint = relay.endpoint();
        let mut child = world.start(&["heal"]);
        let killed = relay.wait_for_the_end(|| child.try_wait().unwrap().is_some());
        kill(child);
        let last = relay.asked().pop().unwrap_or_default();
        if let Some(bytes) = world.bucket.get(&object.key).await {
            assert_eq!(digest_of(&bytes), object.digest, "killed at {last}");
        }
        relay.open();
        let heal = world.pass(0, &["heal"]);
        assert_eq!(heal["summary"]["present"], 1, "killed at {last}: {heal:#}");
        let bytes = world.bucket.get(&object.key).await.unwrap();
        assert_eq!(digest_of(&bytes), object.digest, "killed at {last}, healed");
        assert_eq!(world.bucket.keys().await, [object.key.as_str()], "killed at {last}, healed");
        if server == Server::Moto {
            assert_eq!(world.bucket.open_uploads(), 0, "killed at {last}, healed");
        }
        if !killed {
            eprintln!("killed at each of {passing} requests");
            assert!(passing >= requests_min, "{passing} requests are no heal");
            return;
        }
        world.bucket.remove(&object.key).await;
    }
}
