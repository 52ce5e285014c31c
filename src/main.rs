//! The `restock` binary.

use std::io::{self, Write};
use std::process::ExitCode;

use restock::cli;
use restock::config::Environment;
use tokio::runtime::Runtime;

fn main() -> ExitCode {
    let started =
        Environment::of_process().and_then(|environment| Ok((environment, Runtime::new()?)));
    let (environment, runtime) = match started {
        Ok(started) => started,
        Err(error) => {
            // Nobody is left to be told where this fails too.
            drop(writeln!(io::stderr(), "restock: error: cannot start: {error}"));
            return ExitCode::FAILURE;
        }
    };
    let (mut stdout, mut stderr) = (io::stdout(), io::stderr());
    let run = cli::run(std::env::args_os(), &environment, &mut stdout, &mut stderr);
    let code = runtime.block_on(run);
    // A second signal must not wait for a read that is stuck.
    runtime.shutdown_background();
    ExitCode::from(code)
}
