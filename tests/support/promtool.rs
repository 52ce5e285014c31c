//! Prometheus' own judge of metrics.

use std::io::Write;
use std::process::{Command, Stdio};

/// Lets `promtool check metrics` judge a text, and fails with what it says of it. Where promtool
/// is absent the test goes on without, but not in CI. `RESTOCK_TEST_PROMTOOL` names another one.
#[track_caller]
pub fn check(metrics: &str) {
    let program = std::env::var_os("RESTOCK_TEST_PROMTOOL").unwrap_or_else(|| "promtool".into());
    let spawned = Command::new(&program)
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let mut promtool = match spawned {
        Ok(promtool) => promtool,
        Err(error) => {
            let in_ci = std::env::var_os("CI").is_some_and(|ci| ci == "true");
            assert!(!in_ci, "CI needs {}: {error}", program.display());
            skip(&format!("not judged, as {} cannot be run: {error}", program.display()));
            return;
        }
    };
    promtool.stdin.take().unwrap().write_all(metrics.as_bytes()).unwrap();
    let said = promtool.wait_with_output().unwrap();
    let words = [said.stdout, said.stderr].concat();
    let words = String::from_utf8_lossy(&words);
    assert!(said.status.success() && words.is_empty(), "{words}\nof:\n{metrics}");
}

#[allow(
    clippy::print_stderr,
    clippy::allow_attributes,
    reason = "whoever reads the output wants to know"
)]
fn skip(why: &str) {
    eprintln!("{why}");
}
