//! Whole heals from sources beyond the rows' URLs: which is asked when, and what is remembered.

use std::time::Duration;

use restock::model::{FailureReason, RepairResult, Span, Unhealable, Verdict};
use restock::pass::PassReport;

use crate::apps::manifest;
use crate::catalog::Rich;
use crate::memory_catalog::Written;
use crate::support::http_server::Answer;
use crate::support::world::{Object, Row, World, digest_of, repair, unhealable};

const SCRIPT: &str = "#!/bin/sh\r\necho hello\r\n";
/// The same as a database keeps it.
const KEPT: &str = "#!/bin/sh\necho hello\n";
const MANIFEST: &str = "/m/slack/darwin.json";

/// A world of eight objects in which one, a script, is missing. It has two rows with URLs that
/// answer 404, a manifest with another digest, and a text that is not it.
struct Lost {
    world: World,
    rich: Rich,
    script: Object,
}

impl Lost {
    async fn new() -> Self {
        let (mut world, _) = World::healthy(7).await;
        world.source_options.maintained_apps = vec![world.http.url("/m")];
        let lost = Object::of(SCRIPT, "hello.sh");
        for path in ["/first", "/second"] {
            world.http.route(path, [Answer::status(404)]);
            let url = Some(world.http.url(path));
            world.row(&Row { url, ..world.row_of(&lost) }).await;
        }
        let rich = Rich::of(&mut world).await;
        rich.app(lost.digest, "slack/darwin").script(lost.digest, "7", Some("echo bye"));
        let lost = Self { world, rich, script: lost };
        lost.name_in_manifest(&digest_of(b"other").to_string(), "/third");
        lost
    }

    fn name_in_manifest(&self, sha256: &str, path: &str) {
        let json = manifest(sha256, &self.world.http.url(path));
        self.world.http.route(MANIFEST, [Answer::ok(json)]);
    }

    fn serve(&self, path: &str) {
        self.world.http.route(path, [Answer::ok(SCRIPT)]);
    }

    /// Heals, and gives the paths that were asked for on the way.
    async fn heal(&self) -> (PassReport, Vec<String>) {
        let before = self.world.http.requests().len();
        let report = self.world.heal().await;
        let asked = self.world.http.requests().split_off(before);
        (report, asked.into_iter().map(|request| request.target).collect())
    }

    async fn is_restored_from(&self, source: &str, asked: &[&str]) {
        let (report, requests) = self.heal().await;
        let told = repair(&report, &self.script);
        assert_eq!(
            (told.result, report.summary.exit_code),
            (RepairResult::Restored, 0),
            "{told:?}"
        );
        assert!(told.source.as_ref().unwrap().ends_with(source), "{told:?}");
        assert_eq!(requests, asked);
        assert_eq!(self.world.get(&self.script.key).unwrap(), SCRIPT.as_bytes());
        assert_eq!(self.world.open_ledger().await.verdicts().await.unwrap(), []);
    }

    async fn verdicts(&self) -> Vec<(String, Verdict)> {
        let verdicts = self.world.open_ledger().await.verdicts().await.unwrap();
        let mut brief: Vec<_> = verdicts
            .into_iter()
            .map(|kept| (kept.source.replace(&self.world.http.url(""), ""), kept.verdict))
            .collect();
        brief.sort_by(|a, b| a.0.cmp(&b.0));
        brief
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_source_is_asked_only_when_the_ones_before_it_failed() {
    for (good, source, asked) in [
        ("/first", "/first", &["/first"][..]),
        ("/second", "/second", &["/first", "/second"]),
        ("/third", "maintained-app:slack/darwin", &["/first", "/second", MANIFEST, "/third"]),
        ("text", "script:7", &["/first", "/second", MANIFEST]),
    ] {
        let lost = Lost::new().await;
        match good {
            "text" => {
                lost.rich.script(lost.script.digest, "7", Some(KEPT));
            }
            "/third" => {
                lost.serve("/third");
                lost.name_in_manifest(&lost.script.digest.to_string(), "/third");
            }
            path => lost.serve(path),
        }
        // What comes after it would do as well, and is left alone.
        lost.is_restored_from(source, asked).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_each_source_said_is_remembered_until_a_row_changes() {
    let lost = Lost::new().await;
    let before = lost.world.store_content();
    for _ in 0..2 {
        let (report, asked) = lost.heal().await;
        let told = repair(&report, &lost.script);
        assert_eq!((told.result, report.summary.exit_code), (RepairResult::SourceGone, 2));
        assert_eq!(asked, ["/first", "/second", MANIFEST], "one who lacks it may have it again");
        assert_eq!(unhealable(&report, &lost.script), Some(Unhealable::SourceGone));
        assert!(lost.world.store_content() == before);
    }
    let all = ["/first", "/second", "maintained-app:slack/darwin", "script:7"];
    assert_eq!(lost.verdicts().await, all.map(|source| (source.to_owned(), Verdict::Gone)));
    lost.world.put(&lost.script.key, SCRIPT.as_bytes());
    assert_eq!(lost.world.audit().await.summary.at_risk, Some(1), "it could not be had again");
    lost.world.remove(&lost.script.key);

    let written = Written::At("2026-01-02T03:04:05Z".parse().unwrap());
    lost.rich.change(lost.script.digest, |row| row.written = written.clone());
    let audit = lost.world.audit().await;
    assert_eq!((unhealable(&audit, &lost.script), lost.verdicts().await), (None, vec![]));
    lost.rich.script(lost.script.digest, "7", Some(KEPT));
    lost.is_restored_from("script:7", &["/first", "/second", MANIFEST]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_slug_or_another_text_is_a_changed_row() {
    let lost = Lost::new().await;
    for change in 0..2 {
        lost.heal().await;
        assert_eq!(lost.verdicts().await.len(), 4);
        if change == 0 {
            lost.rich.app(lost.script.digest, "other/darwin");
            lost.world.http.route("/m/other/darwin.json", [Answer::status(404)]);
        } else {
            lost.rich.script(lost.script.digest, "8", None);
        }
        let audit = lost.world.audit().await;
        assert_eq!((unhealable(&audit, &lost.script), lost.verdicts().await), (None, vec![]));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_url_that_drifted_is_not_downloaded_again_because_a_manifest_names_it() {
    let lost = Lost::new().await;
    lost.world.http.route("/second", [Answer::ok("another release")]);
    lost.name_in_manifest(&lost.script.digest.to_string(), "/second");
    let (report, asked) = lost.heal().await;
    assert_eq!(repair(&report, &lost.script).result, RepairResult::SourceGone);
    assert_eq!(asked, ["/first", "/second", MANIFEST]);
    let (gone, drifted) = (Verdict::Gone, Verdict::Drifted);
    let kept = [
        ("/first", gone),
        ("/second", drifted),
        ("maintained-app:slack/darwin", drifted),
        ("script:7", gone),
    ];
    assert_eq!(lost.verdicts().await, kept.map(|(source, verdict)| (source.to_owned(), verdict)));
    let (_, asked) = lost.heal().await;
    assert_eq!(asked, ["/first"], "remembered drift binds the manifest too");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_url_that_was_down_for_a_row_is_asked_again_for_the_manifest() {
    let mut lost = Lost::new().await;
    lost.world.source_options.tries = 1;
    lost.world.http.route("/second", [Answer::status(500), Answer::ok(SCRIPT)]);
    lost.name_in_manifest(&lost.script.digest.to_string(), "/second");
    let asked = ["/first", "/second", MANIFEST, "/second"];
    lost.is_restored_from("maintained-app:slack/darwin", &asked).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sources_that_may_recover_leave_no_verdict() {
    let mut lost = Lost::new().await;
    lost.world.source_options.tries = 2;
    lost.world.http.route(MANIFEST, [Answer::status(503).header("retry-after", "0")]);
    lost.rich.fail(true);
    let (report, asked) = lost.heal().await;
    assert_eq!(repair(&report, &lost.script).result, RepairResult::SourceGone, "the best counts");
    assert_eq!(asked[2..], [MANIFEST; 2]);
    let gone = ["/first", "/second"].map(|source| (source.to_owned(), Verdict::Gone));
    assert_eq!(lost.verdicts().await, gone);
    assert_eq!(unhealable(&report, &lost.script), None);
    lost.rich.script(lost.script.digest, "7", Some(KEPT)).fail(false);
    lost.is_restored_from("script:7", &["/first", "/second", MANIFEST, MANIFEST]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_bases_a_manifest_is_no_source_and_says_why() {
    let mut lost = Lost::new().await;
    lost.world.source_options.maintained_apps = Vec::new();
    lost.rich.change(lost.script.digest, |row| row.sources.url = None);
    lost.rich.script(lost.script.digest, "7", Some(KEPT));
    lost.is_restored_from("script:7", &[]).await;

    let only_app = Object::of("an app", "app.pkg");
    lost.rich.add(&only_app).app(only_app.digest, "slack/darwin");
    let (report, asked) = lost.heal().await;
    let told = repair(&report, &only_app);
    assert_eq!((told.result, asked.len()), (RepairResult::Refused, 0), "{told:?}");
    assert_eq!(told.detail, "policy: source.maintained_apps is empty");
    assert_eq!(unhealable(&report, &only_app), Some(Unhealable::PolicyBlocked));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_source_without_a_url_counts_where_sources_count() {
    let mut lost = Lost::new().await;
    let (app, script) = (Object::of("an app", "app.pkg"), Object::of("a script", "a.sh"));
    for object in [&app, &script] {
        lost.world.put(&object.key, &object.bytes);
        lost.rich.add(object);
    }
    assert_eq!(lost.world.audit().await.summary.at_risk, Some(2));
    lost.rich.app(app.digest, "slack/darwin").script(script.digest, "9", None);
    assert_eq!(lost.world.audit().await.summary.at_risk, Some(0));
    lost.world.source_options.maintained_apps = Vec::new();
    assert_eq!(lost.world.audit().await.summary.at_risk, Some(1));
    lost.world.remove(&app.key);
    let report = lost.world.audit().await;
    let finding = report.findings.iter().find(|f| f.digest == Some(app.digest)).unwrap();
    assert_eq!(finding.sources, ["maintained-app:slack/darwin"]);
    assert_eq!(finding.healable, Some(false));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silent_host_of_manifests_is_left_alone_as_any_other() {
    let (mut world, objects) = World::healthy(12).await;
    world.settings.breaker.missing_share = 1.0;
    world.source_options.maintained_apps = vec![world.http.url("/m")];
    world.source_options.tries = 1;
    world.source_options.read_timeout = Span(Duration::from_millis(200));
    world.sql("UPDATE packages SET url = NULL").await;
    let rich = Rich::of(&mut world).await;
    for (n, object) in objects.iter().enumerate() {
        world.remove(&object.key);
        rich.app(object.digest, &format!("app-{n}/darwin"));
        let path = format!("/m/app-{n}/darwin.json");
        world.http.route(&path, [Answer::raw("").then_stall()]);
    }
    let report = world.heal().await;
    assert_eq!((world.http.requests().len(), report.summary.held), (5, 7));
    let reasons = report.repairs.iter().filter(|r| r.reason == Some(FailureReason::HostSilent));
    assert_eq!(reasons.count(), 7);
}
