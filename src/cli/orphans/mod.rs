//! `restock orphans`: objects that no row wants, listed, planned, taken away, and put back.

mod apply;
mod list;
mod plan;

use super::Context;
use super::args::{OrphansArgs, OrphansCommand};

pub(super) async fn run(args: &OrphansArgs, context: &mut Context<'_>) -> anyhow::Result<u8> {
    match &args.command {
        OrphansCommand::List { flagged, output } => {
            list::list(*flagged, (*output).into(), context).await
        }
        OrphansCommand::Plan(args) => plan::plan(args, context).await,
        OrphansCommand::Apply(args) => apply::apply(args, context).await,
        OrphansCommand::Restore(args) => apply::restore(args, context).await,
    }
}
