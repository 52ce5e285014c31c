//! `--textfile`: the numbers of one run for Prometheus, through `node_exporter` or its like.

use std::fs;
use std::path::Path;

use crate::files;
use crate::model::Summary;
use crate::observe::AuditMetrics;
use crate::report::write_text;

use super::Context;

/// Writes the numbers of a run, in place of those of the one before. What this run could not
/// establish stays as that one had it.
pub(super) fn write(
    path: Option<&Path>,
    summary: &Summary,
    context: &Context<'_>,
) -> anyhow::Result<()> {
    let Some(path) = path else { return Ok(()) };
    let store = context.config()?.options.store.name;
    // Without one, or with one that is no text, this run is the first. A pipe would never end.
    let earlier = files::place(path).and_then(|file| fs::read_to_string(file).ok());
    let earlier = earlier.unwrap_or_default();
    let metrics = AuditMetrics { store: &store, summary, earlier: &earlier };
    write_text(path, &metrics.render()?)?;
    Ok(())
}
