//! The documents say what the program does: commands, command lines, exit codes and keys.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs;
use std::path::Path;

use clap::error::ErrorKind;
use restock::cli::args::Cli;

use crate::binary::restock;

const DIGEST: &str = "3f79bb7b435b05321651daefd374cdc681dc06faa65e374e38337b88ca046dea";

pub(crate) fn document(name: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(name)).unwrap()
}

/// The part of a document below a heading, up to the next of its kind.
fn section<'a>(text: &'a str, heading: &str) -> &'a str {
    let (_, rest) = text.split_once(&format!("## {heading}\n")).unwrap();
    rest.split("\n## ").next().unwrap()
}

/// What stands between backticks.
fn quoted(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

/// The lines of a document's blocks of one kind.
fn blocks<'a>(text: &'a str, kind: &str) -> Vec<&'a str> {
    let fence = format!("```{kind}\n");
    let parts = text.split(fence.as_str()).skip(1);
    parts.map(|part| part.split("```").next().unwrap()).collect()
}

/// Reads a command line as the program would; placeholders are filled in.
pub(crate) fn read(line: &str) -> Result<Cli, ErrorKind> {
    let line = line.split(" #").next().unwrap().trim();
    let filled = line.split_whitespace().map(|word| match word.trim_matches(['[', ']', '…']) {
        "DIGEST" | "{}" => DIGEST.to_owned(),
        "N" => "7".to_owned(),
        "i/n" => "1/2".to_owned(),
        "D" | "DURATION" => "90d".to_owned(),
        "DATE" => "2027-01-31".to_owned(),
        "URL" => "https://files.example.com".to_owned(),
        "SHELL" => "bash".to_owned(),
        "LIST" => "missing".to_owned(),
        "FORMAT" => "json".to_owned(),
        "FORMAT=PATH" => "json=report.json".to_owned(),
        word => word.replace("i/n", "1/2"),
    });
    Cli::read(filled.map(OsString::from)).map_err(|error| error.kind())
}

#[test]
fn the_readme_lists_every_command_and_no_other() {
    let readme = document("README.md");
    let rows = section(&readme, "Commands").lines().filter(|line| line.starts_with("| `"));
    let listed: BTreeSet<_> = rows
        .flat_map(|row| quoted(row.split('|').nth(1).unwrap()).collect::<Vec<_>>())
        .map(|command| command.split(' ').next().unwrap().to_owned())
        .collect();
    let definition = Cli::definition();
    let known: BTreeSet<_> =
        definition.get_subcommands().map(|command| command.get_name().to_owned()).collect();
    assert_eq!(listed, known);

    let folder = tempfile::tempdir().unwrap();
    let help = restock(folder.path(), "--help").exits(0).stdout;
    for command in &known {
        assert!(help.contains(&format!("\n  {command} ")), "{command} is not in\n{help}");
    }
}

#[test]
fn the_examples_in_the_help_can_be_read() {
    let mut pending = vec![Cli::definition()];
    let mut seen = 0;
    while let Some(command) = pending.pop() {
        let after = command.get_after_help().map(ToString::to_string).unwrap_or_default();
        for line in after.lines().map(str::trim).filter(|line| line.starts_with("restock ")) {
            let line = line.split([',', '>']).next().unwrap();
            let line = line.split("   ").next().unwrap();
            assert!(read(line).is_ok(), "{line}: {:?}", read(line).err());
            seen += 1;
        }
        pending.extend(command.get_subcommands().cloned());
    }
    assert!(seen > 10, "{seen}");
}

#[test]
fn the_exit_codes_of_the_readme_are_those_of_the_help() {
    let readme = document("README.md");
    let rows = section(&readme, "Exit codes").lines().filter(|line| line.starts_with("| "));
    let numbers = |text: &str| -> Vec<u8> {
        text.split([',', ' ']).filter_map(|word| word.parse().ok()).collect()
    };
    let told: BTreeSet<u8> = rows.flat_map(|row| numbers(row.split('|').nth(1).unwrap())).collect();
    let folder = tempfile::tempdir().unwrap();
    let help = restock(folder.path(), "--help").stdout;
    let (_, codes) = help.split_once("Exit codes:\n").unwrap();
    let codes = codes.split("\n\n").next().unwrap();
    let helped: BTreeSet<u8> =
        codes.lines().filter_map(|line| line.split_whitespace().next()?.parse().ok()).collect();
    assert_eq!(told, helped);
    assert_eq!(told.len(), 11);
}

#[test]
fn the_configuration_in_the_readme_is_one() {
    let readme = document("README.md");
    let examples = blocks(&readme, "toml");
    assert!(!examples.is_empty());
    for text in examples {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("restock.toml"), text).unwrap();
        let ran = restock(folder.path(), "config check").exits(0);
        assert_eq!(ran.stdout, "ok\n");
        let all = text.replace("\n# aws_", "\naws_");
        fs::write(folder.path().join("restock.toml"), all).unwrap();
        restock(folder.path(), "config check").exits(0);
    }
}
