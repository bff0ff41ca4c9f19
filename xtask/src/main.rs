//! Developer commands of the workspace: `cargo xtask test`, `cargo xtask sim`, `cargo xtask bench`, `cargo xtask ci`.

mod backend;
mod bench;
mod cargo;
mod ci;
mod examples;
mod failure;
mod matrix;
mod readme;
mod report;
mod server;
mod sim;
mod steps;
mod test;
mod third_party;
mod tools;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::failure::Failure;

/// Developer commands of the workspace.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Runs all tests, on every backend; finds, starts or installs the servers that they need.
    Test(test::Options),
    /// Simulates fleets of clients: replays a seed, or searches many for one that fails.
    Sim(sim::Options),
    /// Measures Delta beside the limits of its databases and beside its peers.
    Bench(bench::Options),
    /// Runs what a change must pass: format, lints, docs, each feature alone, the third-party store, all tests, the examples.
    Ci,
}

fn main() -> ExitCode {
    let outcome = match Arguments::parse().command {
        Command::Test(options) => test::run(&options),
        Command::Sim(options) => sim::run(&options),
        Command::Bench(options) => bench::run(&options),
        Command::Ci => ci::run(),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure::Status(status)) => u8::try_from(status).map_or(ExitCode::FAILURE, ExitCode::from),
        Err(Failure::Message(message)) => {
            eprintln!("error: {message}");
            ExitCode::FAILURE
        }
    }
}
