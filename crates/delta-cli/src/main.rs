//! The `delta` program: migrates, shows, repairs, tails and moves a Delta database.

mod arguments;
mod clock;
mod commands;
mod consumers;
mod database;
mod failure;
mod filter;
mod log;
mod output;
mod records;
mod transfer;

use std::process::ExitCode;

use clap::Parser as _;

use crate::arguments::Arguments;
use crate::failure::Failure;
use crate::output::Output;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let mut output = Output::stdout(arguments.format());
    let ended = arguments.command.run(&arguments.database, &mut output).await;
    let ended = ended.and_then(|()| output.finish());
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        // Whoever read the output has seen enough of it.
        Err(Failure::Output(error)) if error.kind() == std::io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(failure) => {
            output.finish().ok();
            eprintln!("delta: {failure}");
            failure.exit_code()
        }
    }
}
