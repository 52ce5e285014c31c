//! What GitOps files hold, and what is wrong with them, line by line.

#![expect(clippy::unwrap_used, reason = "a broken test should stop")]

#[path = "../support/golden.rs"]
mod golden;

mod found;
mod fuzz;

use std::path::{Path, PathBuf};

use restock::gitops::{self, Found};

/// The folder with the files that are written for these tests.
fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/gitops")
}

/// The variables that the files name; all others are not set.
fn variable(name: &str) -> Option<String> {
    let value = match name {
        "TEAM" => "those who write them",
        "SOFTWARE" => "../lib/software",
        "VERSION" => "2026.11",
        "DIGEST" => "00000000000000000000000000000000000000000000000000000000000d19e5",
        "DIGEST_OF_APP" => "0000000000000000000000000000000000000000000000000000000000000a99",
        _ => return None,
    };
    Some(value.to_owned())
}

fn read(from: &Path, paths: &[&str]) -> Found {
    let paths: Vec<_> = paths.iter().map(PathBuf::from).collect();
    gitops::read(&paths, from, &variable)
}
