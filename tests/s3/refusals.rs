//! A store that is not there, or does not let restock in: said in good time, and never taken for
//! an empty one.

use std::net::TcpListener;
use std::time::{Duration, Instant};

use rstest::rstest;
use serde_json::Value;

use crate::s3::Server;
use crate::support::world::Object;
use crate::world::{Ran, World};

/// How long restock may take to say that nobody answers.
const PATIENCE: Duration = Duration::from_secs(10);

/// A world of one object that is nowhere.
async fn wanting(server: Server) -> Option<(World, Object)> {
    let (world, object) = (World::on(server).await?, Object::nth(1));
    world.want(&object).await;
    Some((world, object))
}

/// The port of a server that is gone.
fn dead_endpoint() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    format!("http://{}", listener.local_addr().unwrap())
}

/// A server that takes connections and says nothing, as long as the listener lives.
fn silent_endpoint() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    (listener, endpoint)
}

/// Runs passes and a probe that cannot succeed, all at once. Each has to say `hint` in good time,
/// and to take nothing for absent.
fn refused(world: &World, object: &Object, hint: &str) {
    let digest = object.digest.to_string();
    let commands: [&[&str]; 5] = [
        &["audit", "--output", "json"],
        &["audit", "--deep", "--output", "json"],
        &["heal", "--output", "json"],
        &["heal", &digest, "--output", "json"],
        &["probe", &digest],
    ];
    std::thread::scope(|scope| {
        for (n, args) in commands.into_iter().enumerate() {
            scope.spawn(move || {
                let begun = Instant::now();
                let ran = world.restock_with_ledger(&format!("ledger-{n}.db"), args);
                let took = begun.elapsed();
                assert!(took < PATIENCE, "{args:?} took {took:?}: {ran:#?}");
                assert!(matches!(ran.code, Some(1 | 3)), "{args:?}: {ran:#?}");
                assert!(ran.said().contains(hint), "{args:?} does not say {hint:?}: {ran:#?}");
                for claim in ["package not found", "no row of the catalog"] {
                    assert!(!ran.said().contains(claim), "{args:?}: {ran:#?}");
                }
                if args[0] != "probe" {
                    nothing_missing(&ran);
                }
            });
        }
    });
    assert!(world.local.http.requests().is_empty(), "nothing is fetched");
}

fn nothing_missing(ran: &Ran) {
    let report: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(report["findings"].as_array().unwrap().len(), 0, "{report:#}");
    assert_eq!(report["repairs"].as_array().unwrap().len(), 0, "{report:#}");
    assert!(matches!(report["summary"]["missing"].as_u64(), None | Some(0)), "{report:#}");
    if report["summary"]["outcome"] == "failed" {
        assert_eq!(report["summary"]["missing"], Value::Null);
    }
}

#[rstest]
#[case::moto(Server::Moto)]
#[case::juicefs(Server::JuiceFs)]
#[tokio::test]
async fn a_bucket_that_is_not_there_is_not_an_empty_one(#[case] server: Server) {
    let Some((mut world, object)) = wanting(server).await else { return };
    world.bucket.name = "restock-nowhere".to_owned();
    refused(&world, &object, "there is no bucket `restock-nowhere`");
    assert_eq!(world.restock(&["audit"]).code, Some(1));
    assert_eq!(world.restock(&["probe", &object.digest.to_string()]).code, Some(1));
}

#[tokio::test]
async fn wrong_credentials_are_called_so() {
    let Some((mut world, object)) = wanting(Server::JuiceFs).await else { return };
    let right = std::mem::take(&mut world.environment);
    let wrong = |name, value: &str| {
        let mut environment = right.clone();
        environment.retain(|(own, _)| *own != name);
        environment.push((name, value.to_owned()));
        environment
    };
    for (name, value) in
        [("AWS_SECRET_ACCESS_KEY", "not-the-secret"), ("AWS_ACCESS_KEY_ID", "nobody-here")]
    {
        world.environment = wrong(name, value);
        refused(&world, &object, "the access key or its secret is wrong");
        let said = world.restock(&["audit", "-v"]).said();
        assert!(!said.contains("not-the-secret"), "{said}");
    }
}

#[tokio::test]
async fn an_endpoint_where_nobody_listens_is_named_in_good_time() {
    let Some((mut world, object)) = wanting(Server::Moto).await else { return };
    world.endpoint = dead_endpoint();
    refused(&world, &object, &format!("nothing usable answers at {}", world.endpoint));
}

#[tokio::test]
async fn an_endpoint_that_says_nothing_is_named_in_good_time() {
    let Some((mut world, object)) = wanting(Server::Moto).await else { return };
    let (listener, endpoint) = silent_endpoint();
    world.endpoint = endpoint;
    refused(&world, &object, &format!("no answer from {}", world.endpoint));
    drop(listener);
}

#[tokio::test]
async fn without_credentials_it_says_which_to_set() {
    let Some((mut world, object)) = wanting(Server::JuiceFs).await else { return };
    world.environment.clear();
    let (listener, silent) = silent_endpoint();
    for metadata in [dead_endpoint(), silent] {
        world.options = format!("aws_metadata_endpoint = \"{metadata}\"");
        refused(&world, &object, "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY");
    }
    drop(listener);
}
