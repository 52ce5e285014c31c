//! Accepted losses, for people and for programs.

use std::io::{self, Write};

use schemars::{JsonSchema, Schema};
use serde::Serialize;

use super::json::line;
use super::shapes;
use super::text::{escape, grid};
use crate::model::Acceptance;

/// An accepted loss, and where it was accepted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct AcceptedView {
    /// The loss.
    #[serde(flatten)]
    pub loss: Acceptance,
    /// Where it was accepted.
    pub from: AcceptedIn,
    /// Whether it holds now.
    pub holds: bool,
}

/// Where a loss was accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AcceptedIn {
    /// In `[[accept]]` of the configuration.
    Configuration,
    /// By `restock accept`.
    Ledger,
}

const SCHEMA: &str = "restock.accepted/v1";

#[derive(Serialize, JsonSchema)]
struct Document<'a> {
    schema: &'static str,
    /// The accepted losses, by digest.
    accepted: &'a [AcceptedView],
}

/// The JSON Schema of the document.
pub(super) fn schema() -> Schema {
    shapes::root::<Document<'static>>(SCHEMA)
}

/// Writes one document, `restock.accepted/v1`.
pub fn accepted_json(accepted: &[AcceptedView], out: &mut impl Write) -> io::Result<()> {
    line(&Document { schema: SCHEMA, accepted }, out)
}

/// Writes a row for each.
pub fn accepted_table(accepted: &[AcceptedView], out: &mut impl Write) -> io::Result<()> {
    if accepted.is_empty() {
        return writeln!(out, "no loss is accepted");
    }
    let rows = accepted.iter().map(|view| {
        let AcceptedView { loss, from, holds } = view;
        let from = match from {
            AcceptedIn::Configuration => "configuration",
            AcceptedIn::Ledger => "accept",
        };
        let state = if *holds { "accepted" } else { "no longer" };
        let reason = escape(&loss.reason).into_owned();
        [loss.digest.to_string(), state.to_owned(), loss.until.to_string(), from.to_owned(), reason]
    });
    grid(out, ["DIGEST", "STATE", "UNTIL", "BY", "REASON"], rows)
}
