//! Lost objects come back without a hand, what cannot come back is called, and a whole lost bucket
//! is touched by nobody before a person has answered.

use rstest::rstest;

use crate::binary::until;
use crate::databases::Engine;
use crate::support::promtool;
use crate::watched::Watched;

const OBJECTS: u32 = 40;

const UNHEALABLE: &str = "RestockObjectsUnhealable no_source";
const BREAKER: &str = "RestockBreakerOpen mass_missing";

#[rstest]
#[case::postgres(Engine::Postgres)]
#[case::mariadb(Engine::MariaDb)]
#[tokio::test(flavor = "multi_thread")]
async fn what_prometheus_tells_of_a_store_that_loses_objects(#[case] engine: Engine) {
    let Some(world) = Watched::of(engine, OBJECTS).await else { return };
    let (hopeless, others) = world.objects.split_last().unwrap();
    until("a scrape", || world.prometheus.value("restock_records") == Some(40.0));
    assert!(!world.prometheus.firing().iter().any(|alert| alert.starts_with("RestockObjectsUnh")));

    // Three are lost, and come back.
    for object in &others[..3] {
        world.bucket.aws_remove(&object.key);
    }
    for object in &others[..3] {
        until_there(&world, &object.key).await;
        assert_eq!(world.bucket.get(&object.key).await.unwrap(), object.bytes);
    }
    let healed = "sum(restock_objects_healed_total{cause=\"missing\"})";
    until("the heals", || world.prometheus.value(healed) == Some(3.0));

    // One cannot come back.
    world.bucket.aws_remove(&hopeless.key);
    world.prometheus.fires(UNHEALABLE);
    world.prometheus.is_silent_about("RestockBreakerOpen");
    let show = world.restock(&format!("show {}", hopeless.digest)).exits(0);
    show.prints("package not found with hash");

    // All are lost. A pass that listed in the midst of it may have seen few of them missing, and
    // healed those: they are lost once more, while the breaker is open.
    world.bucket.aws_remove_all(&world.bucket.keys().await);
    world.prometheus.fires(BREAKER);
    let healed_before = world.bucket.keys().await;
    if !healed_before.is_empty() {
        world.bucket.aws_remove_all(&healed_before);
    }
    let asked = world.source.requests().len();
    let passes = world.passes();
    until("three more passes", || world.passes() >= passes + 3.0);
    assert_eq!(world.bucket.keys().await, [""; 0], "nothing is healed");
    assert_eq!(world.source.requests().len(), asked, "nobody was asked for anything");

    // A person answers: first with a wrong number.
    world.restock("breaker show").exits(4).prints("--expect-missing 40");
    world.restock("breaker ack --expect-missing 39").exits(4);
    assert_eq!(world.bucket.keys().await, [""; 0]);
    world.restock("breaker ack --expect-missing 40").exits(0);
    for object in others {
        until_there(&world, &object.key).await;
    }
    world.prometheus.is_silent_about("RestockBreakerOpen");
    world.prometheus.fires(UNHEALABLE);
    let all = 3.0 + 39.0 + f64::from(u32::try_from(healed_before.len()).unwrap());
    until("the heals", || world.prometheus.value(healed) == Some(all));
    assert_eq!(world.prometheus.value("sum(restock_heal_failures_total)"), Some(0.0));

    // And accepts the loss.
    let accept = format!("accept {} --until 2099-12-31 --reason gone", hopeless.digest);
    world.restock(&accept).exits(0);
    world.prometheus.is_silent_about("RestockObjectsUnheal");
    until("its count", || world.prometheus.value("restock_accepted_objects") == Some(1.0));
    promtool::check(&world.metrics());
    assert_eq!(world.said(" catalog: "), 1, "each pass opens it, and finds it as it was");
    world.ends_well();
}

async fn until_there(world: &Watched, key: &str) {
    let deadline = tokio::time::Instant::now() + std::time::Duration::from_secs(30);
    while world.bucket.get(key).await.is_none() {
        assert!(tokio::time::Instant::now() < deadline, "waited in vain for {key}");
    }
}
