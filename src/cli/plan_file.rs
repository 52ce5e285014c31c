//! Plans as files: whole or not there at all.

use std::fs;
use std::io::Write;
use std::path::Path;

use anyhow::Context as _;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::files;

/// Reads a plan; `none` completes the sentence where it is none.
pub(super) fn read<T: DeserializeOwned>(path: &Path, none: &str) -> anyhow::Result<T> {
    let shown = path.display();
    let text = fs::read_to_string(path).with_context(|| format!("cannot read plan {shown}"))?;
    serde_json::from_str(&text).with_context(|| format!("{shown} {none}"))
}

/// Writes a plan as every file is written.
pub(super) fn write(path: &Path, plan: &impl Serialize) -> anyhow::Result<()> {
    let mut text = serde_json::to_string_pretty(plan)?;
    text.push('\n');
    let written = files::write(path, |out| out.write_all(text.as_bytes()));
    written.with_context(|| format!("cannot write the plan to {}", path.display()))
}
