//! Secrets in the URLs of sources: nothing that restock prints or keeps has them.

use crate::binary::{command, run};
use crate::place::Place;
use crate::support::http_server::Answer;

const CANARY: &str = "CANARY";

/// A world whose sources need secrets, with objects lost in every way.
fn place() -> (Place, Vec<String>) {
    let (place, objects) = Place::healthy(30);
    place.sql(
        "UPDATE packages SET url = replace(url, 'http://', 'http://user:CANARYpw@') || \
         '?token=CANARYquery#CANARYfragment'",
    );
    place.sql("UPDATE packages SET url = 'https://CANARY@nowhere.invalid/?CANARY' WHERE id = 5");
    place.sql("INSERT INTO packages (sha256, url) VALUES ('bad', 'https://h.example/?CANARY')");
    place.lose(&objects[..5]);
    place.world.answer(&objects[1], [Answer::status(404)]);
    place.world.answer(&objects[2], [Answer::ok("drifted")]);
    let next = place.world.http.url("/elsewhere?token=CANARYredirect");
    place.world.answer(&objects[3], [Answer::redirect(next)]);
    let digests = objects[..5].iter().map(|object| object.digest.to_string()).collect();
    (place, digests)
}

#[test]
fn no_output_and_no_ledger_has_a_secret_of_a_source() {
    let (place, digests) = place();
    let mut lines: Vec<String> = [
        "audit",
        "audit --output json -vv",
        "audit --output ndjson",
        "audit --output junit",
        "audit --output github",
        "heal --dry-run --output junit",
        "heal --dry-run",
        "heal --dry-run --output json",
        "heal --plan plan.json",
        "heal -vv --output json --report table=report.txt --report ndjson=report.ndjson",
        "heal -vv --log-format text",
        "heal --from-plan plan.json -vv --log-format journald",
        "audit -vv",
        "sources",
        "sources --output ndjson",
        "status",
        "status --output json",
        "breaker show",
        "config show",
        "config check --online",
    ]
    .map(str::to_owned)
    .into();
    for digest in &digests {
        lines.push(format!("show {digest}"));
        lines.push(format!("show {digest} --output json"));
        lines.push(format!("probe {digest}"));
        lines.push(format!("heal {digest} -vv"));
    }
    for line in &lines {
        let ran = place.run(line);
        assert!(ran.code < 5, "{line}: {ran:?}");
        let told = format!("{}{}", ran.stdout, ran.stderr);
        assert!(!told.contains(CANARY), "{line}:\n{told}");
    }
    for file in ["plan.json", "report.txt", "report.ndjson"] {
        let text = std::fs::read_to_string(place.path(file)).unwrap();
        assert!(!text.contains(CANARY), "{file}: {text}");
    }
    let ledger = place.ledger_bytes();
    assert!(!ledger.windows(CANARY.len()).any(|bytes| bytes == CANARY.as_bytes()));
    // The secrets were needed, and used.
    let asked = place.world.http.requests();
    assert!(asked.iter().any(|request| request.target.ends_with("?token=CANARYquery")));
    assert!(asked.iter().any(|request| request.header("authorization").is_some()));
}

#[test]
fn not_even_the_log_of_everything_has_one() {
    let (place, _) = place();
    let ran = run(command(place.dir(), "heal --output json").env("RESTOCK_LOG", "trace"));
    assert!(ran.stderr.len() > 1000, "{}", ran.stderr);
    for line in ran.stderr.lines() {
        assert!(!line.contains(CANARY), "{line}");
    }
}

#[test]
fn an_import_repeats_no_secret_of_its_arguments() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("a.pkg"), "a").unwrap();
    let manifest = format!("{}  https://u:CANARY@h.example/a?CANARY\n", "0".repeat(64));
    std::fs::write(folder.path().join("list"), manifest).unwrap();
    for line in [
        "import a.pkg --source-url-base https://user:CANARY@h.example/x -vv",
        "import a.pkg --source-url-base https://h.example/x?CANARY -vv",
        "import list -vv",
    ] {
        let ran = crate::binary::restock(folder.path(), line);
        assert!(!format!("{}{}", ran.stdout, ran.stderr).contains(CANARY), "{line}: {ran:?}");
    }
}
