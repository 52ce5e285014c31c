//! The `restock` binary.

use std::io::{self, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;
use std::sync::mpsc::channel;
use std::thread;

use restock::cli::{self, Exit};
use restock::config::Environment;
use tokio::runtime::Runtime;

/// The exit code of a bug.
const PANICKED: u8 = 101;

/// As large as that of a first thread mostly is.
const STACK_BYTES: usize = 8 << 20;

fn main() -> ExitCode {
    let (exit, exited) = channel();
    // On a thread of its own: it may wait for a file for ever, and a signal ends it all the same.
    let command = thread::Builder::new().name("main".to_owned()).stack_size(STACK_BYTES);
    let started = start(exit.clone()).and_then(|run| {
        command.spawn(move || {
            let code = catch_unwind(AssertUnwindSafe(run)).unwrap_or(PANICKED);
            // Nobody hears it where a signal came first.
            let _: Result<(), _> = exit.send(code);
        })
    });
    if let Err(error) = started {
        // Nobody is left to be told where this fails too.
        drop(writeln!(io::stderr(), "restock: error: cannot start: {error}"));
        return ExitCode::FAILURE;
    }
    exited.recv().map_or(ExitCode::FAILURE, ExitCode::from)
}

/// What runs the command line of this process, and gives its exit code.
fn start(exit: Exit) -> io::Result<impl FnOnce() -> u8> {
    let (environment, runtime) = (Environment::of_process()?, Runtime::new()?);
    Ok(move || {
        let (mut stdout, mut stderr) = (io::stdout(), io::stderr());
        let run = cli::run(std::env::args_os(), &environment, &mut stdout, &mut stderr, exit);
        let code = runtime.block_on(run);
        // A second signal must not wait for a read that is stuck.
        runtime.shutdown_background();
        code
    })
}
