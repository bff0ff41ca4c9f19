use std::process::ExitCode;
use std::sync::Arc;

use clap::Parser as _;

use crate::arguments::{Arguments, Command, Options};
use crate::failure::Failure;
use crate::record::Record;
use crate::runner::Runner;
use crate::scenario::{self, Plan, Scenario, Size};
use crate::server::World;
use crate::{against, peer, plot, table, worker};

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
    if let Some(file) = &options.read {
        return report(&Record::read(file)?, options);
    }
    // Before hours of work, not after them.
    if let Some(file) = &options.against {
        Record::read(file)?;
    }
    let mut said = Vec::new();
    let scenarios = chosen(options)?;
    let have_peers = scenarios.iter().any(|scenario| peer::SCENARIOS.contains(&scenario.name));
    if have_peers && (options.peers || !(options.quick || options.no_peers)) {
        eprintln!("building the peers");
        said = peer::prepare()?;
    }
    let size = if options.quick { Size::Quick } else { Size::Full };
    let runner = Runner {
        scenarios,
        subjects: options.subjects.clone(),
        values: options.case.clone(),
        plan: Plan::new(size, options.items).soak(options.minutes, options.rate),
        rounds: options.rounds.unwrap_or(if options.quick { 3 } else { 5 }),
        save: options.json.clone(),
    };
    if options.list {
        for (scenario, case) in runner.cases() {
            let subjects: Vec<&str> = case.subjects.iter().map(|subject| subject.name.as_str()).collect();
            println!("{} {:?}: {}", scenario.name, case.parameters, subjects.join(", "));
        }
        return Ok(ExitCode::SUCCESS);
    }
    let mut record = runner.run(Arc::new(World::new())).await?;
    for (number, what) in said.into_iter().enumerate() {
        record.about.insert(format!("note {}", number + 1), what);
    }
    report(&record, options)
}

fn report(record: &Record, options: &Options) -> Result<ExitCode, Failure> {
    for (name, value) in &record.about {
        println!("{name}: {value}");
    }
    println!("{}", table::tables(&record.summaries()));
    println!("{}", table::notes(record));
    if let Some(file) = &options.json {
        record.write(file)?;
    }
    if let Some(folder) = &options.plots {
        println!("drew {} plots into {}", plot::write(record, folder)?, folder.display());
    }
    for failure in &record.failures {
        println!("failed: {failure}");
    }
    let held =
        options.against.as_deref().map_or(Ok(true), |file| guard(&Record::read(file)?, record, options.tolerance))?;
    Ok(if held && record.failures.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Says which ratios fell, and whether none did.
fn guard(baseline: &Record, record: &Record, tolerance: f64) -> Result<bool, Failure> {
    let compared = against::compare(baseline, record);
    if compared.is_empty() {
        return Err("expected a baseline with ratios of what was measured, found none".into());
    }
    let fallen = against::fallen(&compared, tolerance);
    let percent = tolerance * 100.0;
    if fallen.is_empty() {
        println!("none of {} ratios to a limit fell by more than {percent:.0} %", compared.len());
    } else {
        println!("{} of {} ratios to a limit fell by more than {percent:.0} %:", fallen.len(), compared.len());
        println!("{}", against::table(&fallen));
    }
    Ok(fallen.is_empty())
}

/// What a quick run measures: what a change is most likely to make slower.
const QUICK: [&str; 3] = ["drain", "inform", "pickup"];

fn chosen(options: &Options) -> Result<Vec<Scenario>, Failure> {
    let all = scenario::all();
    if options.only.is_empty() {
        let is_wanted = |scenario: &Scenario| !options.quick || QUICK.contains(&scenario.name);
        return Ok(all.into_iter().filter(is_wanted).collect());
    }
    let find = |name: &String| {
        let found = all.iter().find(|scenario| scenario.name == name).copied();
        let names = || all.iter().map(|scenario| scenario.name).collect::<Vec<_>>().join(", ");
        found.ok_or_else(|| format!("expected one of the scenarios {}, found \"{name}\"", names()).into())
    };
    options.only.iter().map(find).collect()
}
