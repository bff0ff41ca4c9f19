use std::fs;
use std::process::ExitCode;
use std::sync::Arc;

use clap::Parser as _;

use crate::arguments::{Arguments, Command, Options};
use crate::failure::Failure;
use crate::record::Record;
use crate::runner::Runner;
use crate::scenario::{self, Plan, Scenario, Size};
use crate::server::World;
use crate::{table, worker};

/// The load program: reads its arguments, measures, prints and writes what was found.
#[must_use]
pub fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let outcome =
        tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(Failure::from).and_then(|runtime| {
            match arguments.command {
                Some(Command::Worker(worker)) => runtime.block_on(worker::work(worker)).map(|()| ExitCode::SUCCESS),
                None => runtime.block_on(measure(&arguments.options)),
            }
        });
    outcome.unwrap_or_else(|error| {
        eprintln!("error: {error}");
        ExitCode::FAILURE
    })
}

async fn measure(options: &Options) -> Result<ExitCode, Failure> {
    let size = if options.quick { Size::Quick } else { Size::Full };
    let runner = Runner {
        scenarios: chosen(&options.only)?,
        subjects: options.subjects.clone(),
        plan: Plan::new(size, options.items),
        rounds: options.rounds.unwrap_or(if options.quick { 3 } else { 5 }),
    };
    if options.list {
        for (scenario, case) in runner.cases() {
            let subjects: Vec<&str> = case.subjects.iter().map(|subject| subject.name.as_str()).collect();
            println!("{} {:?}: {}", scenario.name, case.parameters, subjects.join(", "));
        }
        return Ok(ExitCode::SUCCESS);
    }
    let record = runner.run(Arc::new(World::new())).await;
    report(&record, options)
}

fn report(record: &Record, options: &Options) -> Result<ExitCode, Failure> {
    for (name, value) in &record.about {
        println!("{name}: {value}");
    }
    println!("{}", table::tables(&record.summaries()));
    if let Some(file) = &options.json {
        fs::write(file, serde_json::to_string_pretty(record)?)?;
    }
    for failure in &record.failures {
        println!("failed: {failure}");
    }
    Ok(if record.failures.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn chosen(only: &[String]) -> Result<Vec<Scenario>, Failure> {
    let all = scenario::all();
    if only.is_empty() {
        return Ok(all);
    }
    let find = |name: &String| {
        let found = all.iter().find(|scenario| scenario.name == name).copied();
        let names = || all.iter().map(|scenario| scenario.name).collect::<Vec<_>>().join(", ");
        found.ok_or_else(|| format!("expected one of the scenarios {}, found \"{name}\"", names()).into())
    };
    only.iter().map(find).collect()
}
