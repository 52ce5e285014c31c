//! Objects that no row wants, on S3: moved, put back, pruned, and runs that are killed in between.

use std::fs;

use rstest::rstest;
use serde_json::Value;

use crate::relay::Relay;
use crate::s3::Server;
use crate::support::world::{Object, digest_of};
use crate::world::World;

/// Flagged by the second pass that sees them.
const SOON: &str = "[orphans]\ngrace = \"0s\"\nsightings = 1";

/// Three objects that rows want, uploaded through a relay, and these orphans.
async fn with_orphans(server: Server, orphans: &[Object]) -> Option<(World, Relay)> {
    let (mut world, _) = World::uploaded(server, 3).await?;
    let relay = Relay::to(&world.endpoint);
    (world.endpoint, world.options) = (relay.endpoint(), SOON.to_owned());
    for orphan in orphans {
        world.bucket.put(&orphan.key, &orphan.bytes).await;
    }
    world.pass(0, &["audit"]);
    Some((world, relay))
}

impl World {
    fn plan_file(&self) -> String {
        self.folder().join("plan.json").to_str().unwrap().to_owned()
    }

    /// Plans until so many are flagged: the store's clock tells seconds, and a new object is none
    /// before the next one.
    fn plan(&self, entries: usize) -> Value {
        for _ in 0..100 {
            let ran = self.restock(&["orphans", "plan", "-o", &self.plan_file()]);
            assert_eq!(ran.code, Some(0), "{ran:#?}");
            let plan = fs::read_to_string(self.plan_file()).unwrap();
            let plan: Value = serde_json::from_str(&plan).unwrap();
            if plan["entries"].as_array().unwrap().len() == entries {
                return plan;
            }
        }
        panic!("{entries} orphans are never flagged");
    }

    /// Waits until so many are old enough to go: by the store's clock, which tells seconds, what was
    /// moved a moment ago has no age yet.
    fn wait_until_set_aside_for_a_while(&self, objects: u64) {
        let list = ["quarantine", "list", "--older-than", "0s"];
        let old = (0..100).any(|_| self.pass(0, &list)["summary"]["objects"] == objects);
        assert!(old, "what was moved never grows old");
    }

    fn apply_args(&self) -> Vec<String> {
        let (plan, max) = (self.plan_file(), "9".to_owned());
        ["orphans", "apply", &plan, "--max-delete", &max].map(str::to_owned).to_vec()
    }

    /// Runs it, and gives how each object ended.
    fn results(&self, args: &[String]) -> Vec<String> {
        let args: Vec<_> = args.iter().map(String::as_str).collect();
        let report = self.pass(0, &args);
        let removals = report["removals"].as_array().unwrap().iter();
        removals.map(|removal| removal["result"].as_str().unwrap().to_owned()).collect()
    }

    fn restore_args(&self) -> Vec<String> {
        ["orphans", "restore", &self.plan_file()].map(str::to_owned).to_vec()
    }
}

fn copy_of(plan: &Value, orphan: &Object) -> String {
    let plan_id = plan["plan_id"].as_str().unwrap();
    format!("restock-quarantine/orphans/{plan_id}/{}", orphan.key)
}

/// Requests of a method since then.
fn sent(relay: &Relay, since: usize, method: &str) -> usize {
    relay.asked()[since..].iter().filter(|line| line.starts_with(method)).count()
}

#[rstest]
#[case::moto(Server::Moto)]
#[case::juicefs(Server::JuiceFs)]
#[tokio::test]
async fn orphans_are_moved_and_put_back_and_the_quarantine_is_pruned(#[case] server: Server) {
    let large = (0..17_u8).flat_map(|n| vec![n; 1 << 20]).collect::<Vec<_>>();
    let orphans = [Object::of(large, "x"), Object::of("nobody wants me", "x")];
    let Some((world, relay)) = with_orphans(server, &orphans).await else { return };
    let mut there = world.bucket.keys().await;
    let plan = world.plan(2);
    assert_eq!(relay.methods(), ["GET", "HEAD"], "an audit and a plan only look");

    let since = relay.asked().len();
    assert_eq!(world.results(&world.apply_args()), ["moved"; 2]);
    assert_eq!(sent(&relay, since, "DELETE "), 2);
    let mut moved: Vec<_> =
        there.iter().filter(|key| !orphans.iter().any(|o| o.key == **key)).cloned().collect();
    moved.extend(orphans.iter().map(|orphan| copy_of(&plan, orphan)));
    moved.sort();
    let mut now = world.bucket.keys().await;
    now.sort();
    assert_eq!(now, moved);
    for orphan in &orphans {
        let bytes = world.bucket.get(&copy_of(&plan, orphan)).await.unwrap();
        assert_eq!(digest_of(&bytes), orphan.digest);
    }
    let audit = world.pass(0, &["audit"]);
    assert_eq!(
        (&audit["summary"]["orphans"], &audit["summary"]["foreign"]),
        (&0.into(), &0.into())
    );

    assert_eq!(world.results(&world.restore_args()), ["restored"; 2]);
    let mut now = world.bucket.keys().await;
    now.sort();
    there.sort();
    assert_eq!(now, there);
    for orphan in &orphans {
        assert_eq!(digest_of(&world.bucket.get(&orphan.key).await.unwrap()), orphan.digest);
    }

    world.plan(2);
    assert_eq!(world.results(&world.apply_args()), ["moved"; 2]);
    world.wait_until_set_aside_for_a_while(2);
    let prune = ["quarantine", "prune", "--older-than", "0s", "--max-delete"];
    let one = world.restock(&[&prune[..], &["1"]].concat());
    assert_eq!(one.code, Some(4), "{one:#?}");
    let listed = world.pass(0, &["quarantine", "list"]);
    assert_eq!(listed["summary"]["objects"], 2);
    world.pass(0, &[&prune[..], &["2"]].concat());
    assert_eq!(world.bucket.keys().await.len(), 3);
}

#[rstest]
#[case::moto(Server::Moto)]
#[case::juicefs(Server::JuiceFs)]
#[tokio::test]
async fn what_somebody_wrote_or_wants_meanwhile_stays(#[case] server: Server) {
    let orphans: Vec<_> = (0..3).map(|n| Object::of(format!("nobody wants {n}"), "x")).collect();
    let Some((world, _relay)) = with_orphans(server, &orphans).await else { return };
    let plan = world.plan(3);
    let place = |orphan: &Object| {
        let entries = plan["entries"].as_array().unwrap();
        entries.iter().position(|entry| entry["key"] == *orphan.key).unwrap()
    };
    world.want(&orphans[0]).await;
    world.bucket.put(&orphans[1].key, b"other bytes").await;
    let results = world.results(&world.apply_args());
    let of = |n: usize| results[place(&orphans[n])].as_str();
    assert_eq!([of(0), of(1), of(2)], ["held", "held", "moved"]);
    assert_eq!(world.bucket.get(&orphans[1].key).await.unwrap(), "other bytes");
    world.pass(0, &["audit"]);
}

/// Kills it before its first request, its second, and so on, until it ends before that; and runs it
/// again each time.
#[rstest]
#[case::moto(Server::Moto)]
#[case::juicefs(Server::JuiceFs)]
#[tokio::test]
async fn at_whatever_request_a_run_is_killed_nothing_is_lost_and_the_next_finishes(
    #[case] server: Server,
) {
    let orphan = Object::of("nobody wants me", "x");
    let Some((world, relay)) = with_orphans(server, std::slice::from_ref(&orphan)).await else {
        return;
    };
    let (apply, restore) = (world.apply_args(), world.restore_args());
    for passing in 0.. {
        relay.open();
        let copy = copy_of(&world.plan(1), &orphan);
        let applied = killed_at(&world, &relay, passing, &apply);
        let bytes = [world.bucket.get(&orphan.key).await, world.bucket.get(&copy).await];
        let whole = bytes.iter().flatten().all(|bytes| digest_of(bytes) == orphan.digest);
        assert!(whole && bytes.iter().flatten().count() > 0, "killed at {applied:?}: {bytes:?}");
        assert_eq!(world.results(&apply), ["moved"], "killed at {applied:?}");
        assert_eq!(world.bucket.get(&orphan.key).await, None, "killed at {applied:?}");
        assert_eq!(digest_of(&world.bucket.get(&copy).await.unwrap()), orphan.digest);

        let restored = killed_at(&world, &relay, passing, &restore);
        let bytes = [world.bucket.get(&orphan.key).await, world.bucket.get(&copy).await];
        let whole = bytes.iter().flatten().all(|bytes| digest_of(bytes) == orphan.digest);
        assert!(whole && bytes.iter().flatten().count() > 0, "killed at {restored:?}: {bytes:?}");
        assert_eq!(world.results(&restore), ["restored"], "killed at {restored:?}");
        assert_eq!(world.bucket.get(&copy).await, None, "killed at {restored:?}");
        assert_eq!(digest_of(&world.bucket.get(&orphan.key).await.unwrap()), orphan.digest);
        if applied.is_none() && restored.is_none() {
            assert!(passing > 8, "{passing} requests are no move");
            return;
        }
    }
}

/// Starts it, kills it at that request of its own, and gives the request; `None` where it ended
/// before.
fn killed_at(world: &World, relay: &Relay, passing: usize, args: &[String]) -> Option<String> {
    relay.pass_only(passing);
    let args: Vec<_> = args.iter().map(String::as_str).collect();
    let mut child = world.start(&args);
    let killed = relay.wait_for_the_end(|| child.try_wait().unwrap().is_some());
    child.kill().unwrap();
    child.wait().unwrap();
    let last = relay.asked().pop();
    relay.open();
    last.filter(|_| killed)
}
