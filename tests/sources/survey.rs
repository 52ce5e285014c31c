//! Whether each object could be had again today: who is asked, and what the answers come to.

use std::sync::Arc;

use restock::clock::SystemClock;
use restock::model::{Outcome, Span};
use restock::observe::Silent;
use restock::survey::{Availability, SurveyError, SurveyOptions, Surveyed, Surveyor, Totals};
use tokio::sync::mpsc;

use crate::apps::manifest;
use crate::catalog::Rich;
use crate::support::http_server::Answer;
use crate::support::world::{Object, Row, World, digest_of};

use Availability::{
    Available, Drifted, Gone, NoSource, PolicyBlocked, TooLarge, Unavailable, Unknown,
};

const OPTIONS: SurveyOptions =
    SurveyOptions { tries: 2, per_host: 2, max_object_size: 1 << 30, memory_bytes: 1 << 20 };

async fn surveyor(world: &World, options: SurveyOptions) -> Surveyor {
    Surveyor {
        catalog: world.open_catalog().await,
        source: world.source().await,
        clock: Arc::new(SystemClock),
        observer: Arc::new(Silent),
        options,
        cancel: world.cancel.clone(),
    }
}

async fn try_survey(
    world: &World,
    options: SurveyOptions,
) -> Result<(Vec<Surveyed>, Totals), SurveyError> {
    let surveyor = surveyor(world, options).await;
    let (found, mut heard) = mpsc::channel(1);
    let all = async {
        let mut all = Vec::new();
        while let Some(one) = heard.recv().await {
            all.push(one);
        }
        all
    };
    let (totals, all) = tokio::join!(surveyor.survey(&[], found), all);
    Ok((all, totals?))
}

async fn survey(world: &World) -> (Vec<Surveyed>, Totals) {
    try_survey(world, OPTIONS).await.unwrap()
}

fn of<'a>(all: &'a [Surveyed], object: &Object) -> &'a Surveyed {
    let mut found = all.iter().filter(|one| one.digest == object.digest);
    let one = found.next().unwrap();
    assert!(found.next().is_none(), "told twice");
    one
}

fn methods(world: &World) -> Vec<String> {
    world.http.requests().into_iter().map(|request| request.method).collect()
}

async fn set_url(world: &World, object: &Object, url: &str) {
    world
        .sql(&format!("UPDATE packages SET url = '{url}' WHERE sha256 = '{}'", object.digest))
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_can_be_had_is_available_and_nothing_is_downloaded_or_written() {
    let (world, objects) = World::healthy(9).await;
    let before = world.store_content();
    let (all, totals) = survey(&world).await;
    assert_eq!((totals.objects, totals.available), (9, 9));
    assert_eq!((totals.outcome, totals.exit_code), (Outcome::Clean, 0));
    assert!(all.is_sorted_by(|a, b| a.digest < b.digest), "by digest");
    let one = of(&all, &objects[3]);
    let size = u64::try_from(objects[3].bytes.len()).ok();
    assert_eq!((one.result, one.sources, one.detail.as_str()), (Available, 1, ""));
    assert_eq!((one.expected_size, one.offered_size), (size, size));
    assert_eq!(methods(&world), ["HEAD"; 9]);
    assert!(world.store_content() == before);
    assert!(!world.dir.path().join("ledger.db").exists(), "nothing is written down");
}

#[tokio::test(flavor = "multi_thread")]
async fn each_answer_has_its_result_and_the_worst_of_all_its_exit_code() {
    for (answer, result, detail, code) in [
        (Answer::status(404), Gone, "answered 404", 2),
        (Answer::status(410), Gone, "answered 410", 2),
        (Answer::status(403), Unavailable, "answered 403", 2),
        (Answer::status(503).header("retry-after", "0"), Unknown, "answered 503", 3),
        (Answer::status(500), Unknown, "answered 500", 3),
        (Answer::raw("").then_reset(), Unknown, "http://127.0.0.1", 3),
        (Answer::ok("short"), Drifted, "offers 5 bytes, and the catalog gives 13", 2),
        (Answer::ok("<p>").header("content-type", "text/html"), Drifted, "a web page", 2),
        (Answer::redirect("http://10.0.0.1/x"), PolicyBlocked, "10.0.0.1 is private", 2),
        (Answer::ok("").saying_length(2 << 30), TooLarge, "heal.max_object_size", 2),
        (Answer::raw("HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n"), Available, "", 0),
    ] {
        let (world, objects) = World::healthy(4).await;
        world.answer(&objects[0], [answer.clone()]);
        let (all, totals) = survey(&world).await;
        let one = of(&all, &objects[0]);
        assert_eq!(one.result, result, "{answer:?}: {one:?}");
        assert!(one.detail.contains(detail), "{answer:?}: {one:?}");
        assert_eq!((totals.objects, totals.exit_code), (4, code), "{answer:?}");
        assert_eq!(totals.of(result), if result == Available { 4 } else { 1 });
        if result != Available {
            assert_eq!(all.last(), Some(one), "what cannot be had comes last");
            assert_eq!(
                (&one.names[..], &one.refs[..]),
                (&[objects[0].name.clone()][..], &["1".to_owned()][..])
            );
        }
        assert!(one.source.as_ref().unwrap().starts_with("http://127.0.0.1:"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_no_request_can_tell_is_told_without_one() {
    let (world, objects) = World::healthy(3).await;
    set_url(&world, &objects[0], "").await;
    set_url(&world, &objects[1], "ftp://h.example/a?CANARY").await;
    set_url(&world, &objects[2], "http://10.0.0.1/a").await;
    let (all, totals) = survey(&world).await;
    assert_eq!(
        (of(&all, &objects[0]).result, of(&all, &objects[0]).source.clone()),
        (NoSource, None)
    );
    assert_eq!(of(&all, &objects[1]).result, PolicyBlocked);
    assert_eq!(of(&all, &objects[1]).source.as_deref(), Some("ftp://h.example"));
    assert_eq!((totals.no_source, totals.policy_blocked, totals.exit_code), (1, 2, 2));
    assert_eq!(world.http.accepted(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn where_the_catalog_gives_no_size_only_an_empty_file_is_no_offer() {
    let (world, objects) = World::healthy(3).await;
    world.sql("UPDATE packages SET size_bytes = NULL").await;
    world.answer(&objects[0], [Answer::ok("short")]);
    world.answer(&objects[1], [Answer::ok("")]);
    let (all, _) = survey(&world).await;
    assert_eq!(of(&all, &objects[0]).result, Available);
    assert_eq!(of(&all, &objects[1]).result, Drifted);
    assert_eq!(of(&all, &objects[1]).expected_size, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_is_taken_for_a_file_where_its_size_or_its_url_says_so() {
    let (world, objects) = World::healthy(3).await;
    let page = |bytes: &[u8]| Answer::ok(bytes).header("content-type", "text/html");
    world.answer(&objects[0], [page(&objects[0].bytes)]);
    set_url(&world, &objects[1], &world.http.url("/manual.html?v=2")).await;
    world.http.route("/manual.html", [page(b"<html>")]);
    world.sql("UPDATE packages SET size_bytes = NULL").await;
    world
        .sql(&format!("UPDATE packages SET size_bytes = {} WHERE id = 1", objects[0].bytes.len()))
        .await;
    world.answer(&objects[2], [page(b"busy"), Answer::ok(objects[2].bytes.clone())]);
    let (_, totals) = survey(&world).await;
    assert_eq!((totals.available, totals.objects), (3, 3));
}

#[tokio::test(flavor = "multi_thread")]
async fn sources_are_asked_in_turn_until_one_offers_it_and_the_best_answer_counts() {
    for (first, second, result, asked) in [
        (200, 404, Available, 1),
        (404, 200, Available, 3),
        (500, 200, Available, 3),
        (404, 500, Unknown, 4),
        (403, 404, Unavailable, 4),
        (404, 403, Unavailable, 4),
    ] {
        let world = World::empty().await;
        let object = Object::nth(1);
        for (path, status) in [("/first", first), ("/second", second)] {
            let length = u64::try_from(object.bytes.len()).unwrap();
            world.http.route(path, [Answer::status(status).saying_length(length)]);
            world.row(&Row { url: Some(world.http.url(path)), ..world.row_of(&object) }).await;
        }
        let (all, totals) = survey(&world).await;
        let one = of(&all, &object);
        assert_eq!((one.result, one.sources, totals.objects), (result, 2, 1), "{first} {second}");
        assert_eq!(world.http.requests().len(), asked, "{first} {second}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn trouble_that_passes_is_waited_out_as_often_as_configured() {
    let (world, objects) = World::healthy(2).await;
    world.answer(&objects[0], [Answer::status(500), Answer::ok(objects[0].bytes.clone())]);
    world.answer(&objects[1], [Answer::status(500), Answer::status(500), Answer::status(404)]);
    let (all, _) = survey(&world).await;
    assert_eq!(of(&all, &objects[0]).result, Available);
    assert_eq!(of(&all, &objects[1]).result, Unknown);
    assert_eq!(world.http.requests().len(), 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn manifests_and_texts_offer_what_has_the_digest() {
    let (mut world, objects) = World::healthy(4).await;
    world.source_options.maintained_apps = vec![world.http.url("/m")];
    world.sql("UPDATE packages SET url = NULL").await;
    let text = String::from_utf8(objects[2].bytes.clone()).unwrap();
    let rich = Rich::of(&mut world).await;
    rich.app(objects[0].digest, "good").app(objects[1].digest, "other");
    rich.script(objects[2].digest, "7", Some(&text)).script(objects[3].digest, "8", Some("no"));
    let url = world.http.url("/app.dmg");
    world.http.route("/app.dmg", [Answer::ok(objects[0].bytes.clone())]);
    for (slug, digest) in [("good", objects[0].digest), ("other", digest_of(b"other"))] {
        let json = manifest(&digest.to_string(), &url);
        world.http.route(&format!("/m/{slug}.json"), [Answer::ok(json)]);
    }
    let (all, totals) = survey(&world).await;
    let results: Vec<_> = objects.iter().map(|object| of(&all, object).result).collect();
    assert_eq!(results, [Available, Gone, Available, Gone]);
    assert_eq!(of(&all, &objects[0]).source.as_deref(), Some("maintained-app:good"));
    assert!(of(&all, &objects[1]).detail.contains("the manifest of other is at version"));
    assert_eq!(totals.exit_code, 2);
    world.http.route("/app.dmg", [Answer::status(404)]);
    assert_eq!(of(&survey(&world).await.0, &objects[0]).result, Gone);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_answers_nobody_is_left_alone_and_others_are_asked_on() {
    let (world, mut objects) = World::healthy(40).await;
    objects.sort_by_key(|object| object.digest);
    let free = std::net::TcpListener::bind("127.0.0.2:0").unwrap().local_addr().unwrap();
    for object in &objects[..30] {
        set_url(&world, object, &format!("http://{free}/{}", object.digest)).await;
    }
    let (all, totals) =
        try_survey(&world, SurveyOptions { per_host: 1, tries: 1, ..OPTIONS }).await.unwrap();
    assert_eq!((totals.unknown, totals.available, totals.exit_code), (30, 10, 3));
    let left = all.iter().filter(|one| one.detail.starts_with("not asked: several objects"));
    assert_eq!(left.count(), 25);
}

#[tokio::test(flavor = "multi_thread")]
async fn silence_behind_a_redirect_is_that_of_the_host_behind_it_and_each_one_counts() {
    let (mut world, objects) = World::healthy(40).await;
    world.source_options.read_timeout = Span(std::time::Duration::from_millis(200));
    for object in &objects[..30] {
        let far = format!("/far/{}", object.digest);
        world.answer(object, [Answer::redirect(world.http.url_as("localhost", &far))]);
        world.http.route(&far, [Answer::raw("").then_stall()]);
    }
    let (_, totals) =
        try_survey(&world, SurveyOptions { per_host: 1, tries: 2, ..OPTIONS }).await.unwrap();
    assert_eq!((totals.unknown, totals.available, totals.exit_code), (30, 10, 3));
    let asked = world.http.requests();
    assert_eq!(asked.iter().filter(|request| request.target.starts_with("/far/")).count(), 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_answers_now_and_then_is_asked_on() {
    let (mut world, mut objects) = World::healthy(40).await;
    world.source_options.per_host = 1;
    objects.sort_by_key(|object| object.digest);
    for (n, object) in objects.iter().enumerate() {
        if n % 5 != 4 {
            world.answer(object, [Answer::status(500)]);
        }
    }
    let (_, totals) =
        try_survey(&world, SurveyOptions { per_host: 1, tries: 1, ..OPTIONS }).await.unwrap();
    assert_eq!((totals.unknown, totals.available), (32, 8));
    assert_eq!(world.http.requests().len(), 40);
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_of_one_digest_meet_wherever_they_stand_and_whatever_is_spilled() {
    let (world, objects) = World::healthy(30).await;
    for object in &objects {
        world.answer(object, [Answer::status(404)]);
    }
    world.http.route("/second", [Answer::status(200)]);
    for object in objects.iter().rev() {
        let url = world.http.url(&format!("/second?{}", object.digest));
        let digest = object.digest.to_string().to_uppercase();
        world.row(&Row { digest, url: Some(url), size: None, ..world.row_of(object) }).await;
    }
    world.sql("INSERT INTO packages (sha256, url) VALUES ('none', 'http://h/')").await;
    world.sql("UPDATE packages SET size_bytes = NULL").await;
    world.http.route("/second", [Answer::raw("HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n")]);
    let (in_memory, totals) = survey(&world).await;
    assert_eq!((totals.objects, totals.available, totals.invalid_records), (30, 30, 1));
    assert!(in_memory.iter().all(|one| one.sources == 2));
    let spilling = SurveyOptions { memory_bytes: 0, ..OPTIONS };
    let (spilled, _) = try_survey(&world, spilling).await.unwrap();
    assert_eq!(spilled, in_memory);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_more_requests_are_under_way_at_one_host_than_configured() {
    let (mut world, objects) = World::healthy(6).await;
    world.source_options.per_host = 8;
    world.source_options.read_timeout = Span::seconds(60);
    for object in &objects {
        world.answer(object, [Answer::raw("").then_stall()]);
    }
    let surveyor = surveyor(&world, OPTIONS).await;
    let (found, _heard) = mpsc::channel(1);
    let mut running = std::pin::pin!(surveyor.survey(&[], found));
    let waiting = async {
        while world.http.requests().len() < 2 {
            tokio::task::yield_now().await;
        }
        // Whoever else would come has had its turn by then.
        for _ in 0..1_000 {
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        _ = &mut running => unreachable!("nobody answers"),
        () = waiting => {}
    }
    assert_eq!(world.http.accepted(), 2);
    world.cancel.cancel();
    assert!(matches!(running.await, Err(SurveyError::Cancelled)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_catalog_that_breaks_off_ends_the_survey_before_anybody_is_asked() {
    let (world, _) = World::healthy(3).await;
    let surveyor = surveyor(&world, OPTIONS).await;
    world.sql("ALTER TABLE packages RENAME TO elsewhere").await;
    let (found, _heard) = mpsc::channel(1);
    let failure = surveyor.survey(&[], found).await.unwrap_err();
    assert!(matches!(failure, SurveyError::Catalog(_)), "{failure:?}");
    assert_eq!(world.http.requests().len(), 0);
}
