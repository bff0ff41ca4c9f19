//! Drives other job queues on Postgres with the same no-op work, to be measured beside Delta.
//!
//! - `cli`: the command line
//! - `scenario`: what is measured, the same for every engine; `work` and `item`: what is worked on
//! - `engine`: what the engines share; then one file for each
//! - `server`: the database seen from beside the engine
//! - `report`, `version`: what is printed

mod apalis;
mod awa;
mod cli;
mod engine;
mod graphile_worker;
mod item;
mod mode;
mod report;
mod scenario;
mod server;
mod sqlxmq;
mod underway;
mod version;
mod work;

use std::os::unix::process::CommandExt;
use std::{env, process};

use anyhow::{Context, Result, ensure};
use clap::Parser;
use serde_json::json;
use tracing_subscriber::EnvFilter;

use crate::apalis::Apalis;
use crate::awa::Awa;
use crate::cli::{Cli, Command, Run};
use crate::engine::{About, Engine};
use crate::graphile_worker::GraphileWorker;
use crate::mode::Mode;
use crate::report::Report;
use crate::server::Server;
use crate::sqlxmq::Sqlxmq;
use crate::underway::Underway;

#[tokio::main]
async fn main() -> Result<()> {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("warn,sqlx::query=error"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
    match Cli::parse().command {
        Command::List => list(),
        Command::GraphileWorker(run) => Box::pin(measure::<GraphileWorker>(run)).await?,
        Command::Apalis(run) => Box::pin(measure::<Apalis>(run)).await?,
        Command::Awa(run) => Box::pin(measure::<Awa>(run)).await?,
        Command::Sqlxmq(run) => Box::pin(measure::<Sqlxmq>(run)).await?,
        Command::Underway(run) => Box::pin(measure::<Underway>(run)).await?,
    }
    Ok(())
}

fn list() {
    for about in [GraphileWorker::ABOUT, Apalis::ABOUT, Awa::ABOUT, Sqlxmq::ABOUT, Underway::ABOUT] {
        let About { name, package, licence, keeps, .. } = about;
        println!("{}", json!({"engine": name, "version": version::of(package), "licence": licence, "keeps": keeps}));
    }
}

async fn measure<E: Engine>(run: Run) -> Result<()> {
    ensure!(run.items > 0 && run.rounds > 0, "expected at least one item and one round, found none");
    if run.mode == Mode::Tuned {
        set(E::ENVIRONMENT)?;
    }
    let report = tokio::time::timeout(run.timeout(), report::<E>(&run)).await.with_context(|| {
        format!("expected {} to finish within {:?}, found it still busy", E::ABOUT.name, run.timeout())
    })??;
    println!("{}", serde_json::to_string(&report)?);
    // The workers have nothing left to do, and the database is thrown away: no shutdown of theirs is waited for.
    process::exit(0)
}

/// Starts this program anew with these variables unless it has them: setting them while threads run is unsound.
fn set(environment: &[(&str, &str)]) -> Result<()> {
    if environment.iter().all(|(name, value)| env::var(name).is_ok_and(|found| found == *value)) {
        return Ok(());
    }
    let program = env::current_exe().context("cannot find this program")?;
    let error = process::Command::new(program).args(env::args_os().skip(1)).envs(environment.iter().copied()).exec();
    Err(error).context("cannot start this program anew")
}

async fn report<E: Engine>(run: &Run) -> Result<Report> {
    let server = Server::connect(&run.url).await?;
    let mut engine: E = scenario::open(&run.url, &server, run.mode, run.scenario).await?;
    let measured = scenario::run(&mut engine, &server, run.scenario, run.size()).await?;
    Ok(Report {
        engine: E::ABOUT.name,
        version: version::of(E::ABOUT.package),
        scenario: run.scenario,
        mode: run.mode,
        payload: run.payload,
        measured,
        settings: engine.settings(),
    })
}
