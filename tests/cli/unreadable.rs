//! Rows whose digest cannot be read, and objects whose bytes cannot: what they hold, and who says so.

use crate::orphans::{plan_of, planned};
use crate::place::Place;
use crate::support::http_server::Answer;

#[test]
fn a_row_that_cannot_be_read_holds_the_orphans_of_its_collection_in_list_plan_and_apply() {
    let (place, orphans) = planned(2);
    place.sql("INSERT INTO packages (id, sha256) VALUES (1000, 'sha256:almost')");
    let held = place.run("orphans apply plan.json --max-delete 2").exits(4);
    held.prints("a digest that cannot be read").prints("2 held");
    let why = "1 row of collection `software-installers` has a digest that cannot be read";
    place.run("orphans plan -o plan.json").exits(3).says("unreadable_rows").says(why);
    assert_eq!(plan_of(&place)["entries"].as_array().unwrap().len(), 0);
    place.run("audit").exits(2).prints("unreadable_rows").prints(why);
    place.run("orphans list").exits(0).prints("2 orphans (0 flagged").prints(why);
    let list = place.run("orphans list --output json").exits(0).json();
    assert_eq!(list["summary"]["errors"][0]["code"], "unreadable_rows");
    assert_eq!(place.world.get(&orphans[0].key).as_ref(), Some(&orphans[0].bytes));
    place.sql("UPDATE packages SET sha256 = NULL WHERE id = 1000");
    place.run("orphans plan -o plan.json").exits(0);
    assert_eq!(plan_of(&place)["entries"].as_array().unwrap().len(), 2);
}

/// A bucket shows the object to LIST and HEAD, and denies it to GET.
#[test]
fn an_object_that_nobody_can_read_is_replaced_where_that_is_asked_for() {
    let (place, objects) = Place::healthy(1);
    let (http, object) = (&place.world.http, &objects[0]);
    let store = format!(
        "url = \"s3://b/p\"\n[store.options]\naws_endpoint = \"{}\"\naws_allow_http = true\n\
         aws_region = \"us-east-1\"\naws_access_key_id = \"x\"\naws_secret_access_key = \"y\"",
        http.url("")
    );
    place.configure_with("url = \"store\"", &store);
    let listing = "<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>";
    http.route("/b", [Answer::ok(listing)]);
    let denied = || Answer::status(404).body("<Error><Code>NoSuchKey</Code></Error>");
    let size = object.bytes.len().try_into().unwrap();
    let shown = || Answer::status(200).saying_length(size).header("etag", "e");
    let path = format!("/b/p/{}", object.key);
    let looks = |more: &[Answer]| http.route(&path, [&[denied(), shown()], more].concat());
    let line = format!("heal {}", object.digest);
    for (end, plan) in [("", "plan: 0 objects"), (" --replace-unreadable", "replace unreadable")] {
        looks(&[]);
        place.run(&format!("{line} --dry-run{end}")).exits(3).prints(plan);
    }
    looks(&[]);
    place.run(&line).exits(3);
    let written = || http.requests().iter().any(|request| request.method == "PUT");
    assert!(!written());
    // It is looked at once more, cannot be copied, is the same still, is written, and read back.
    let (taken, right) = (Answer::status(200), Answer::ok(object.bytes.clone()));
    let [taken, right] = [taken, right].map(|answer| answer.header("etag", "n"));
    looks(&[shown(), denied(), shown(), shown(), taken, right]);
    place.run(&format!("{line} --replace-unreadable")).exits(0).prints("1 healed");
    assert!(written());
}
