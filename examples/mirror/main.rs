//! Mirrors a directory tree: the main job of Delta, on real input.
//!
//! `cargo run --release --example mirror -- <source> <target>`
//!
//! | file | what it has |
//! |---|---|
//! | `args`, `failure`, `places` | the command line, the exit codes, the directories and the lock |
//! | `entry` | the object: one entry of the tree |
//! | `walk` | the informer's stream of entries |
//! | `controller` | the Delta side: worker and informer |
//! | `mirror`, `copy`, `target`, `tree` | the file side: brings one entry in step |
//! | `run` | puts a client together and drives it |
//! | `progress`, `report`, `summary` | what it shows |

mod args;
mod controller;
mod copy;
mod entry;
mod failure;
mod mirror;
mod places;
mod progress;
mod report;
mod run;
mod summary;
mod target;
mod times;
mod tree;
mod trouble;
mod walk;

use std::process::ExitCode;

use clap::Parser as _;
use tracing_subscriber::EnvFilter;

use crate::args::Args;
use crate::failure::Failure;
use crate::places::Places;

#[tokio::main]
async fn main() -> ExitCode {
    tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("error")))
        .with_writer(std::io::stderr)
        .init();
    let args = Args::parse();
    match mirror(&args).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("mirror: {failure}");
            failure.exit_code()
        }
    }
}

async fn mirror(args: &Args) -> Result<(), Failure> {
    let places = Places::find(args)?;
    run::run(args, &places).await
}
