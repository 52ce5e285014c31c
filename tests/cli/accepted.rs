//! `restock accept` and `[[accept]]`.

use crate::place::{CONFIGURATION, Place};
use crate::support::world::Object;

/// A place that lost its first object, whose source is gone.
fn lossy() -> (Place, Object) {
    let (place, objects) = Place::healthy(12);
    place.lose(&objects[..1]);
    place.sql("UPDATE packages SET url = NULL WHERE id = 1");
    place.run("audit").exits(2);
    (place, objects[0].clone())
}

#[test]
fn a_loss_that_is_accepted_decides_no_exit_code_until_that_is_taken_back() {
    let (place, lost) = lossy();
    let digest = lost.digest;
    place.run("accept --list").exits(0).prints("no loss is accepted");
    place
        .run(&format!("accept {digest} --until 2999-12-31 --reason vendor-gone"))
        .exits(0)
        .prints(&format!("accepted {digest} until the end of 2999-12-31"));
    let audit = place.run("audit").exits(0).prints("no: no source (accepted)");
    audit.prints("clean: 11 of 12 expected objects are there, 1 missing, which is accepted");
    let report = place.run("audit --output json").exits(0).json();
    crate::shapes::check(&report);
    assert_eq!(
        (&report["summary"]["accepted"], &report["summary"]["missing"]),
        (&1.into(), &1.into())
    );
    assert_eq!(report["findings"][0]["accepted"], true);
    place.run("heal").exits(0);
    let status = place.run("status --output json").exits(0).json();
    assert_eq!(status["standing"][0]["accepted"], 1, "{status:#}");

    place.run("accept --list").exits(0).prints("2999-12-31").prints("vendor-gone");
    let told = place.run("accept --list --output json").exits(0).json();
    assert_eq!(told["schema"], "restock.accepted/v1");
    let entry = &told["accepted"][0];
    assert_eq!(entry["digest"], digest.to_string());
    assert_eq!((&entry["from"], &entry["holds"]), (&"ledger".into(), &true.into()));

    place.run(&format!("accept {digest} --remove")).exits(0).prints("accepted no more");
    place.run(&format!("accept {digest} --remove")).exits(0).prints("was not accepted");
    place.run("audit").exits(2);
}

#[test]
fn the_configuration_accepts_too_and_wins() {
    let (place, lost) = lossy();
    let entry = |until| {
        let digest = lost.digest;
        format!("\n[[accept]]\ndigest = \"{digest}\"\nuntil = \"{until}\"\nreason = \"gone\"\n")
    };
    place.configure(&(CONFIGURATION.to_owned() + &entry("2999-01-31")));
    place.run("audit").exits(0);
    place.run("accept --list").exits(0).prints("configuration").prints("2999-01-31");
    place.configure(&(CONFIGURATION.to_owned() + &entry("2020-01-31")));
    place.run("audit").exits(2);
    place
        .run(&format!("accept {} --until 2999-12-31 --reason x", lost.digest))
        .exits(0)
        .says("holds in its place: until 2020-01-31");
    place.run("audit").exits(2);
    place.run("accept --list").exits(0).prints("no longer");
    place.configure(CONFIGURATION);
    place.run("audit").exits(0);

    for (wrong, said) in [
        (entry("2027-02-30"), "`2027-02-30` is no day such as 2027-01-31"),
        (entry("2999-01-31") + &entry("2999-01-31"), "is that of an earlier [[accept]]"),
        (entry("2999-01-31").replace("gone", " "), "`accept[0].reason`"),
        ("\n[[accept]]\nreason = \"x\"\n".to_owned(), "`accept[0].until`"),
    ] {
        place.configure(&(CONFIGURATION.to_owned() + &wrong));
        place.run("config check").exits(78).says(said);
    }
}

#[test]
fn a_digest_that_no_row_wants_is_accepted_with_a_warning() {
    let (place, _) = Place::healthy(1);
    let digest = "ab".repeat(32);
    place
        .run(&format!("accept {digest} --until 2999-12-31 --reason x"))
        .exits(0)
        .says(&format!("warning: no row of the catalog wants {digest}"));
    place.run("accept --list").exits(0).prints(&digest);
}

#[test]
fn what_cannot_be_meant_is_a_usage_error() {
    let (place, objects) = Place::healthy(1);
    let digest = objects[0].digest;
    for (line, said) in [
        ("accept".to_owned(), "<DIGEST>"),
        (format!("accept {digest}"), "--until <DATE>"),
        (format!("accept {digest} --until 2999-12-31"), "--reason <TEXT>"),
        (format!("accept {digest} --until tomorrow --reason x"), "is no day such as 2027-01-31"),
        (format!("accept {digest} --until 2020-01-31 --reason x"), "has passed already"),
        (format!("accept {digest} --until 2999-12-31 --reason="), "--reason is empty"),
        (format!("accept {digest} --remove --until 2999-12-31"), "cannot be used with"),
        (format!("accept {digest} --list"), "cannot be used with"),
        ("accept nothing --until 2999-12-31 --reason x".to_owned(), "not a SHA-256 digest"),
    ] {
        place.run(&line).exits(64).says(said);
    }
    place.run("accept --list").exits(0).prints("no loss is accepted");
}
