//! Sources that the policy does not allow: a listener at the denied address counts connections,
//! and none may come.

use ipnet::IpNet;
use restock::model::{FailureReason, Unhealable};
use rstest::rstest;

use crate::single::{BYTES, Single, refused, unavailable};
use crate::support::http_server::{Answer, HttpServer};
use crate::support::world::{repair, unhealable};

/// A world whose sources may resolve to 127.0.0.1 alone, and a listener at another address.
async fn guarded() -> (Single, HttpServer) {
    let mut single = Single::new().await;
    single.world.source_options.allow_private = vec![own_address()];
    let canary = HttpServer::start_at("127.0.0.2");
    canary.route("/x", [Answer::ok(BYTES)]);
    (single, canary)
}

fn own_address() -> IpNet {
    "127.0.0.1/32".parse().unwrap()
}

async fn point_to(single: &Single, url: &str) {
    let digest = single.lost.digest;
    single.world.sql(&format!("UPDATE packages SET url = '{url}' WHERE sha256 = '{digest}'")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redirect_to_a_private_address_is_not_followed() {
    let (single, canary) = guarded().await;
    single.world.answer(&single.lost, [Answer::redirect(canary.url("/x"))]);
    let report = single.fails(refused(FailureReason::PolicyBlocked, 1)).await;
    let told = &repair(&report, &single.lost).detail;
    assert!(told.contains("127.0.0.2") && told.contains("source.allow_private"), "{told}");
    assert_eq!(canary.accepted(), 0);
}

#[rstest]
#[case::metadata("http://169.254.169.254/latest/meta-data/")]
#[case::mapped_into_ipv6("http://[::ffff:127.0.0.2]:80/x")]
#[case::written_as_a_number("http://2130706434/x")]
#[case::another_scheme("file:///etc/passwd")]
#[tokio::test(flavor = "multi_thread")]
async fn a_redirect_out_of_the_policy_ends_there(#[case] to: &str) {
    let (single, canary) = guarded().await;
    single.world.answer(&single.lost, [Answer::redirect(to)]);
    single.fails(refused(FailureReason::PolicyBlocked, 1)).await;
    assert_eq!(canary.accepted(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_private_address_after_two_good_hops_is_not_asked_either() {
    let (single, canary) = guarded().await;
    single.world.http.route("/hop", [Answer::redirect(canary.url("/x"))]);
    single.world.answer(&single.lost, [Answer::redirect("/hop")]);
    single.fails(refused(FailureReason::PolicyBlocked, 2)).await;
    assert_eq!(canary.accepted(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_private_address_as_written_is_known_without_asking() {
    let (single, canary) = guarded().await;
    point_to(&single, &canary.url("/x")).await;
    let report = single.fails(refused(FailureReason::PolicyBlocked, 0)).await;
    assert_eq!(unhealable(&report, &single.lost), Some(Unhealable::PolicyBlocked));
    let audit = single.world.audit().await;
    assert_eq!(unhealable(&audit, &single.lost), Some(Unhealable::PolicyBlocked));
    assert_eq!(canary.accepted(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_resolves_to_a_private_address_is_not_connected_to() {
    let (mut single, _) = guarded().await;
    single.world.source_options.allow_private = Vec::new();
    let url = single.world.http.url_as("localhost", "/x");
    point_to(&single, &url).await;
    single.fails(refused(FailureReason::PolicyBlocked, 0)).await;
    assert_eq!(single.world.http.accepted(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn plain_http_has_to_be_allowed() {
    let (mut single, _) = guarded().await;
    single.world.source_options.allow_http = false;
    let report = single.fails(refused(FailureReason::PolicyBlocked, 0)).await;
    let told = &repair(&report, &single.lost).detail;
    assert!(told.contains("allow_http"), "{told}");
    assert_eq!(unhealable(&report, &single.lost), Some(Unhealable::PolicyBlocked));
    assert_eq!(single.world.http.accepted(), 0);
}

#[rstest]
#[case::ftp("ftp://127.0.0.1/x")]
#[case::no_url_at_all("c:\\packages\\app.msi")]
#[case::relative("/packages/app.msi")]
#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_web_address_is_refused(#[case] url: &str) {
    let (single, _) = guarded().await;
    point_to(&single, url).await;
    single.fails(refused(FailureReason::PolicyBlocked, 0)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn redirects_that_lead_back_or_on_and_on_give_nothing() {
    let (mut single, _) = guarded().await;
    single.world.http.route("/back", [Answer::redirect("/to")]);
    single.world.http.route("/to", [Answer::redirect("/back")]);
    single.world.answer(&single.lost, [Answer::redirect("/back")]);
    let report = single.fails(unavailable(3)).await;
    assert!(repair(&report, &single.lost).detail.contains("redirect loop"));

    single.world.source_options.max_redirects = 2;
    for n in 0..4 {
        single.world.http.route(&format!("/{n}"), [Answer::redirect(format!("/{}", n + 1))]);
    }
    single.world.answer(&single.lost, [Answer::redirect("/0")]);
    let report = single.world.heal().await;
    let told = &repair(&report, &single.lost).detail;
    assert!(told.contains("more than 2 redirects"), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redirect_within_the_policy_is_followed() {
    let (single, _) = guarded().await;
    single.world.http.route("/new", [Answer::ok(BYTES)]);
    single.world.answer(&single.lost, [Answer::redirect(single.world.http.url("/new"))]);
    single.is_restored(2).await;
}
