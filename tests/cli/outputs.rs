//! What reports, plans and text files may not take the place of.

use std::fs;
use std::os::unix::fs::symlink;

use crate::binary::{command, run};
use crate::place::{CONFIGURATION, Place};

/// Every option that names a file to write.
const WRITERS: [&str; 6] = [
    "audit --report json=PATH",
    "audit --textfile PATH",
    "heal --plan PATH",
    "heal --report table=PATH",
    "orphans plan -o PATH",
    "preflight gitops --report junit=PATH",
];

fn place() -> Place {
    let (place, objects) = Place::healthy(3);
    let hosts = "\n[http]\nadmin_token_file = \"token\"\n[[source.host]]\nname = \"h.example\"\n\
                 bearer_token_file = \"bearer\"\n";
    place.configure(&(CONFIGURATION.to_owned() + hosts));
    for secret in ["token", "bearer"] {
        fs::write(place.path(secret), "0123456789abcdef").unwrap();
    }
    fs::create_dir(place.path("gitops")).unwrap();
    place.run("audit").exits(0);
    place.lose(&objects[..1]);
    place
}

#[test]
fn nothing_is_written_over_what_restock_lives_by_and_nothing_is_done_before_that_is_said() {
    let place = place();
    symlink("catalog.db", place.path("link")).unwrap();
    symlink(place.path("store"), place.path("elsewhere")).unwrap();
    let object = place.world.store_content().into_keys().next().unwrap();
    let object = object.strip_prefix(place.path("store")).unwrap_or(&object).display().to_string();
    let before = (place.world.store_content(), fs::read(place.path("catalog.db")).unwrap());
    let passes = place.run("status --output json").exits(0).json();
    for kept in [
        "restock.toml",
        "./store/../restock.toml",
        "catalog.db",
        "link",
        "catalog.db-wal",
        "ledger.db",
        "ledger.db-shm",
        "ledger.db.0123456789abcdef.lock",
        "token",
        "bearer",
        &format!("store/{object}"),
        &format!("elsewhere/{object}"),
        "store/software-installers/report",
    ] {
        for writer in WRITERS {
            let line = writer.replace("PATH", kept);
            let ran = place.run(&line).exits(64);
            assert!(ran.stderr.contains("which nothing may overwrite"), "{line}: {ran:?}");
            assert_eq!(ran.stdout, "", "{line}");
        }
    }
    let after = (place.world.store_content(), fs::read(place.path("catalog.db")).unwrap());
    assert!(before == after, "catalog and store are as they were");
    assert_eq!(place.run("status --output json").exits(0).json(), passes, "no pass was made");
    assert!(place.world.http.requests().is_empty());
    place.run("config check").exits(0);
}

#[test]
fn a_configuration_that_cannot_be_read_and_a_file_that_a_variable_names_are_kept_too() {
    let place = place();
    fs::write(place.path("url"), "sqlite://ledger.db").unwrap();
    let mut audit = command(place.dir(), "audit --report json=url");
    let ran = run(audit.env("RESTOCK_LEDGER__URL_FILE", place.path("url"))).exits(64);
    assert!(ran.stderr.contains("RESTOCK_LEDGER__URL_FILE"), "{ran:?}");
    place.configure("[catalogue]\n");
    place.run("preflight gitops --report junit=restock.toml").exits(64);
    assert_eq!(fs::read_to_string(place.path("restock.toml")).unwrap(), "[catalogue]\n");
}

#[test]
fn the_record_of_what_was_taken_away_lies_beside_a_file_and_not_in_the_store() {
    let place = place();
    place.run("orphans plan -o plan.json").exits(0);
    fs::copy(place.path("plan.json"), place.path("store/plan.json")).unwrap();
    place.run("orphans apply store/plan.json --max-delete 1").exits(64).says("in the store");
    let ran = place.run("orphans apply /dev/stdin --max-delete 1").exits(64);
    ran.says("is no file, beside which a record could lie");
}

/// The words of the help: `-` is stdout.
#[test]
fn what_is_written_to_a_stream_overwrites_nothing() {
    let place = place();
    place.run("audit --report json=- -q --output github").exits(2).prints("\"restock.pass/v1\"");
    place.run("audit --textfile /dev/stdout").exits(2).prints("restock_audit_last_exit_code");
}
