//! The examples for CI can be read as YAML, and call restock as it can be called.

use saphyr_parser::{Event, Parser};

use crate::documents::{document, read};
use crate::place::Place;

const EXAMPLES: [&str; 2] = ["deploy/ci/github.yml", "deploy/ci/gitlab-ci.yml"];

/// The texts of a YAML file.
fn scalars(name: &str) -> Vec<String> {
    let text = document(name);
    let mut parser = Parser::new_from_str(&text);
    let mut scalars = Vec::new();
    while let Some(event) = parser.next_event() {
        let (event, span) = event.unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(!matches!(event, Event::Alias(_)), "{name}:{}", span.start.line());
        if let Event::Scalar(text, ..) = event {
            scalars.push(text.into_owned());
        }
    }
    scalars
}

/// The command lines of restock in a file.
fn commands(name: &str) -> Vec<String> {
    let scalars = scalars(name);
    let lines = scalars.iter().flat_map(|text| text.lines().map(str::trim));
    lines.filter(|line| line.starts_with("restock ")).map(str::to_owned).collect()
}

#[test]
fn every_command_line_is_one_and_the_preflight_comes_before_gitops() {
    for name in EXAMPLES {
        let commands = commands(name);
        assert!(commands.iter().any(|line| line.starts_with("restock preflight ")), "{name}");
        for line in &commands {
            assert!(read(line).is_ok(), "{name}: {line}: {:?}", read(line).err());
        }
        let scalars = scalars(name);
        let at = |text: &str| scalars.iter().position(|scalar| scalar.contains(text));
        assert!(at("restock preflight") < at("fleetctl gitops"), "{name}");
        assert!(at("restock preflight").is_some(), "{name}");
    }
    let github = scalars(EXAMPLES[0]);
    assert!(github.windows(2).any(|pair| pair == ["needs", "preflight"]), "{github:?}");
    let gitlab = scalars(EXAMPLES[1]);
    assert!(
        gitlab.windows(3).any(|three| three == ["stages", "preflight", "gitops"]),
        "{gitlab:?}"
    );
}

#[test]
fn every_variable_names_a_key_and_none_holds_a_secret() {
    let schema = restock::config::schema();
    let text = schema.to_string();
    for name in EXAMPLES {
        let scalars = scalars(name);
        let pairs = scalars
            .windows(2)
            .filter(|pair| pair[0].starts_with("RESTOCK_") && pair[0].contains("__"));
        let mut seen = 0;
        for pair in pairs {
            let name = pair[0].trim_start_matches("RESTOCK_").to_lowercase();
            let mut parts = name.split("__");
            let section = parts.next().unwrap();
            assert!(schema["properties"].get(section).is_some(), "{name}");
            let key = parts.next().unwrap();
            assert!(text.contains(&format!("\"{key}\"")), "{name}");
            let is_secret = section != "ledger" && key == "url";
            assert!(!is_secret || pair[1].starts_with("${{ secrets."), "{pair:?}");
            seen += 1;
        }
        assert!(seen >= 2, "{name}");
    }
}

/// The jobs of a workflow see the files of whoever opens a pull request: those get no credentials,
/// and nothing that restock says of them goes into an artifact or a log.
#[test]
fn pull_requests_get_no_credentials_and_no_report() {
    let github = scalars(EXAMPLES[0]);
    for event in ["pull_request", "pull_request_target", "merge_group", "workflow_run"] {
        assert!(!github.iter().any(|text| text == event), "{event} starts the workflow");
    }
    assert!(github.iter().any(|text| text == "push"), "{github:?}");
    // What is secret is given to the one step that needs it, not to every job and step.
    let text = document(EXAMPLES[0]);
    let (head, _) = text.split_once("\njobs:").unwrap();
    let settings = head.lines().filter(|line| !line.starts_with('#'));
    assert!(settings.clone().all(|line| !line.contains("secrets.")), "{head}");
    assert!(settings.clone().all(|line| !line.contains("id-token")), "{head}");

    let gitlab = document(EXAMPLES[1]);
    let (_, jobs) = gitlab.split_once("\npreflight:").unwrap();
    for job in jobs.split("\ngitops:") {
        let rules = "  rules:\n    - if: $CI_COMMIT_BRANCH == $CI_DEFAULT_BRANCH\n";
        assert!(job.contains(rules), "{job}");
        assert!(!job.contains("merge_request"), "{job}");
    }
}

#[test]
fn the_preflight_of_the_examples_runs_as_it_stands() {
    for name in EXAMPLES {
        let (place, objects) = Place::healthy(1);
        for folder in ["fleets", "lib"] {
            std::fs::create_dir(place.path(folder)).unwrap();
        }
        std::fs::write(place.path("default.yml"), "org_settings:\n").unwrap();
        let text =
            format!("name: T\nsoftware: {{packages: [{{hash_sha256: {}}}]}}\n", objects[0].digest);
        std::fs::write(place.path("fleets/t.yml"), text).unwrap();
        for line in commands(name) {
            place.run(line.trim_start_matches("restock ")).exits(0);
        }
        let report = std::fs::read_to_string(place.path("preflight.xml")).unwrap();
        assert!(report.contains("tests=\"2\""), "{report}");
    }
}
