//! Objects with two sources: they are tried in turn, the best result counts, and what each of
//! them said is remembered.

use restock::model::{RepairResult, Unhealable};
use rstest::rstest;

use RepairResult::{Failed, Refused, SourceDrifted, SourceGone};
use Says::{Blocked, Down, Gone, Good, Other};

use crate::single::{BYTES, Single};
use crate::support::http_server::Answer;
use crate::support::world::{Row, repair, unhealable};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Says {
    Good,
    Gone,
    Other,
    Down,
    Blocked,
}

impl Says {
    fn url(self, single: &Single, path: &str) -> String {
        let answer = match self {
            Blocked => return format!("http://10.0.0.1{path}"),
            Good => Answer::ok(BYTES),
            Gone => Answer::status(404),
            Other => Answer::ok("other bytes"),
            Down => Answer::status(500),
        };
        single.world.http.route(path, [answer]);
        single.world.http.url(path)
    }
}

/// A missing object whose two sources say this.
async fn between(first: Says, second: Says) -> Single {
    let mut single = Single::new().await;
    single.world.source_options.tries = 1;
    let digest = single.lost.digest;
    single.world.sql(&format!("DELETE FROM packages WHERE sha256 = '{digest}'")).await;
    for (says, path) in [(first, "/first"), (second, "/second")] {
        let url = Some(says.url(&single, path));
        let row = Row { url, ..single.world.row_of(&single.lost) };
        single.world.row(&row).await;
    }
    single
}

fn asked(single: &Single) -> Vec<String> {
    single.world.http.requests().into_iter().map(|request| request.target).collect()
}

#[rstest]
#[case::the_second_is_good(Gone, Good, &["/first", "/second"])]
#[case::the_first_has_drifted(Other, Good, &["/first", "/second"])]
#[case::the_first_is_down(Down, Good, &["/first", "/second"])]
#[case::the_first_is_blocked(Blocked, Good, &["/second"])]
#[case::the_first_is_good(Good, Gone, &["/first"])]
#[tokio::test(flavor = "multi_thread")]
async fn one_good_source_restores(
    #[case] first: Says,
    #[case] second: Says,
    #[case] requests: &[&str],
) {
    let single = between(first, second).await;
    let report = single.is_restored(requests.len()).await;
    assert_eq!(asked(&single), requests);
    let from = repair(&report, &single.lost).source.clone().unwrap();
    assert!(from.ends_with(requests[requests.len() - 1]), "{from}");
}

#[rstest]
#[case(Other, Gone, SourceGone, "/second", Some(Unhealable::SourceGone))]
#[case(Gone, Other, SourceGone, "/first", Some(Unhealable::SourceGone))]
#[case(Blocked, Gone, SourceGone, "/second", Some(Unhealable::SourceGone))]
#[case(Blocked, Other, SourceDrifted, "/second", Some(Unhealable::SourceDrifted))]
#[case(Other, Other, SourceDrifted, "/first", Some(Unhealable::SourceDrifted))]
#[case(Down, Gone, SourceGone, "/second", None)]
#[case(Gone, Down, SourceGone, "/first", None)]
#[case(Down, Other, SourceDrifted, "/second", None)]
#[case(Down, Blocked, Refused, "/second", None)]
#[case(Down, Down, Failed, "/first", None)]
#[case(Blocked, Blocked, Refused, "/first", Some(Unhealable::PolicyBlocked))]
#[tokio::test(flavor = "multi_thread")]
async fn of_two_that_fail_the_best_result_counts_and_a_source_that_may_recover_is_kept_in_sight(
    #[case] first: Says,
    #[case] second: Says,
    #[case] result: RepairResult,
    #[case] from: &str,
    #[case] why: Option<Unhealable>,
) {
    let single = between(first, second).await;
    let before = single.world.store_content();
    let report = single.world.heal().await;
    let repair = repair(&report, &single.lost);
    assert_eq!(repair.result, result, "{repair:?}");
    assert!(repair.source.as_ref().unwrap().ends_with(from), "{repair:?}");
    assert!(single.world.store_content() == before);
    assert_eq!(report.summary.exit_code, 2);
    let audit = single.world.audit().await;
    assert_eq!(unhealable(&audit, &single.lost), why, "the next audit");
    assert_eq!(unhealable(&report, &single.lost), why, "the heal's own report");
    assert_eq!(audit.findings[0].healable, Some(why.is_none()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_heal_asks_all_but_the_drifted() {
    let single = between(Other, Down).await;
    single.world.heal().await;
    assert_eq!(asked(&single), ["/first", "/second"]);
    Good.url(&single, "/second");
    let report = single.is_restored(1).await;
    assert_eq!(asked(&single)[2..], ["/second"]);
    assert!(repair(&report, &single.lost).source.as_ref().unwrap().ends_with("/second"));
}
