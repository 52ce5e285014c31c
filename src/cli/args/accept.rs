//! `accept`.

use clap::{ArgAction, Args};

use super::AnswerFormat;
use crate::model::{Day, Digest};

/// `restock accept`.
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
An accepted loss stays in every report, and decides neither exit codes nor alerts until then

Examples:
  restock accept 3f79bb7b435b05321651daefd374cdc681dc06faa65e374e38337b88ca046dea --until 2027-01-31 --reason vendor-gone
  restock accept --list")]
pub struct AcceptArgs {
    /// The object that is lost.
    #[arg(value_name = "DIGEST", required_unless_present = "list", conflicts_with = "list")]
    pub digest: Option<Digest>,
    /// The last day on which the loss is accepted, in UTC.
    #[arg(
        long,
        value_name = "DATE",
        required_unless_present_any = ["list", "remove"],
        conflicts_with_all = ["list", "remove"]
    )]
    pub until: Option<Day>,
    /// Why, for whoever wonders later.
    #[arg(
        long,
        value_name = "TEXT",
        required_unless_present_any = ["list", "remove"],
        conflicts_with_all = ["list", "remove"]
    )]
    pub reason: Option<String>,
    /// Take it back: the loss counts again.
    #[arg(long, action = ArgAction::SetTrue, conflicts_with = "list")]
    pub remove: bool,
    /// Tell which losses are accepted.
    #[arg(long, action = ArgAction::SetTrue)]
    pub list: bool,
    /// How the list is written.
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t, requires = "list")]
    pub output: AnswerFormat,
}
