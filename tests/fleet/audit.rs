//! What is found, and what is not.

use rstest::rstest;

use crate::fleet::{Age, FleetWorld, told};
use crate::s3::Server;

#[rstest]
#[case::of_4_60(Age::Of460, Server::Moto)]
#[case::of_4_90(Age::Of490, Server::Moto)]
#[case::next(Age::Next, Server::Moto)]
#[case::on_juicefs(Age::Of490, Server::JuiceFs)]
#[tokio::test]
async fn where_all_is_well_nothing_is_found(#[case] age: Age, #[case] server: Server) {
    let Some(world) = FleetWorld::of(age, server).await else { return };
    let report = world.pass(0, &["audit"]);
    assert_eq!(told(&report, &[]).len(), 0, "{report:#}");
    let summary = &report["summary"];
    let stored = world.stored().count();
    assert_eq!(summary["expected"], stored);
    assert_eq!(summary["present"], stored);
}
