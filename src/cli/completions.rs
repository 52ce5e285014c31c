//! `restock completions` and `restock man`: made from the definition of the command line.

use std::fs;
use std::io::Write as _;

use anyhow::Context as _;

use super::Context;
use super::args::{Cli, CompletionsArgs, ManArgs};
use crate::files;

/// Prints the script of one shell.
pub(super) fn completions(args: &CompletionsArgs, context: &mut Context<'_>) -> anyhow::Result<u8> {
    let mut script = Vec::new();
    // Written to memory first: the generator panics where its writer fails.
    clap_complete::generate(args.shell, &mut Cli::definition(), "restock", &mut script);
    context.stdout.write_all(&script)?;
    Ok(0)
}

/// Writes one page for restock and for each of its commands, and prints their paths.
pub(super) fn man(args: &ManArgs, context: &mut Context<'_>) -> anyhow::Result<u8> {
    let folder = context.environment.working_directory().join(&args.dir);
    fs::create_dir_all(&folder)
        .with_context(|| format!("cannot make the folder {}", args.dir.display()))?;
    let mut definition = Cli::definition().disable_help_subcommand(true);
    definition.build();
    let mut pending = vec![definition];
    while let Some(command) = pending.pop() {
        pending.extend(command.get_subcommands().cloned());
        let page = clap_mangen::Man::new(command);
        let path = args.dir.join(page.get_filename());
        let mut text = Vec::new();
        page.render(&mut text)?;
        files::write(&folder.join(page.get_filename()), |out| out.write_all(&text))
            .with_context(|| format!("cannot write the manual page {}", path.display()))?;
        writeln!(context.stdout, "{}", path.display())?;
    }
    Ok(0)
}
