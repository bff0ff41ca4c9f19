use std::env;

use clap::Args;

use crate::backend::{Backend, list};
use crate::cargo::{Built, Metadata, WHOLE, cargo, run as run_command};
use crate::failure::Failure;
use crate::report::Report;
use crate::server::Server;
use crate::steps::Steps;
use crate::{readme, third_party, tools};

/// What to test.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// The backends to test on; the others are left out, which is said at the end.
    #[arg(long, value_enum, value_delimiter = ',', default_values_t = Backend::ALL)]
    backends: Vec<Backend>,

    /// Writes what the tests have shown into the matrix of the README, instead of comparing the two.
    #[arg(long, env = "DELTA_BLESS", value_parser = clap::builder::FalseyValueParser::new())]
    bless: bool,

    /// Arguments for the test programs, such as a part of a test's name.
    #[arg(last = true)]
    arguments: Vec<String>,
}

impl Default for Options {
    /// All tests on all backends.
    fn default() -> Self {
        Self { backends: Backend::ALL.to_vec(), bless: false, arguments: vec![] }
    }
}

/// Runs the tests.
pub(crate) fn run(options: &Options) -> Result<(), Failure> {
    tools::require(&[tools::COMPILER])?;
    let mut steps = Steps::default();
    let built = build(&mut steps)?;
    execute(&mut steps, &built, options)
}

/// Builds all tests.
pub(crate) fn build(steps: &mut Steps) -> Result<Built, Failure> {
    let built = steps.run("build the tests", Built::tests)?;
    steps.run("build the tests of the third-party store", third_party::build)?;
    Ok(built)
}

/// Runs tests that are built.
pub(crate) fn execute(steps: &mut Steps, built: &Built, options: &Options) -> Result<(), Failure> {
    let report = Report::start(Metadata::read()?.target().join("xtask").join("backends"))?;
    let mut servers = vec![];
    for &backend in options.backends.iter().filter(|backend| backend.variable().is_some()) {
        servers.extend(steps.run(&format!("get a server of {}", backend.name()), || Server::start(built, backend))?);
    }
    let outcome = steps.run("run the tests", || {
        let mut command = cargo(&["test", "--no-fail-fast"]);
        command
            .args(WHOLE)
            .arg("--")
            .args(&options.arguments)
            .env("DELTA_TEST_BACKENDS", list(&options.backends))
            .env("DELTA_TEST_RECORD", report.directory());
        for server in &servers {
            server.tell(&mut command);
        }
        run_command(&mut command)
    });
    // Part of every run of all tests; a part of a name is looked for in the workspace.
    let third_party = if options.arguments.is_empty() {
        steps.run("run the tests of the third-party store", || third_party::test(report.directory()))
    } else {
        Ok(())
    };
    eprintln!("\n{}", report.summary(&options.backends));
    outcome.and(third_party)?;
    if !options.arguments.is_empty() {
        return Ok(());
    }
    let untouched = report.untouched(&options.backends);
    if !untouched.is_empty() {
        return Err(Failure::Message(format!(
            "no test ran on {}: a test says that it does by `delta_testkit::Backend::enabled`",
            list(&untouched)
        )));
    }
    matrix(&report, options)
}

/// Compares the README with what all tests have shown, or brings it into step.
fn matrix(report: &Report, options: &Options) -> Result<(), Failure> {
    let table = report.matrix()?.table();
    eprintln!("{table}");
    if Backend::ALL.iter().any(|backend| !options.backends.contains(backend)) {
        eprintln!("not compared with the README, as backends are left out");
        return Ok(());
    }
    if let Some(variable) = Backend::MariaDb.variable().filter(|variable| env::var_os(variable).is_some()) {
        eprintln!("not compared with the README, as {variable} may name a server of MySQL");
        return Ok(());
    }
    if options.bless { readme::bless(&table) } else { readme::check(&table) }
}
