use clap::Args;

use crate::backend::{Backend, list};
use crate::cargo::{Built, Metadata, WHOLE, cargo, run as run_command};
use crate::failure::Failure;
use crate::report::Report;
use crate::server::Server;
use crate::steps::Steps;
use crate::tools;

/// What to test.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// The backends to test on; the others are left out, which is said at the end.
    #[arg(long, value_enum, value_delimiter = ',', default_values_t = Backend::ALL)]
    backends: Vec<Backend>,

    /// Arguments for the test programs, such as a part of a test's name.
    #[arg(last = true)]
    arguments: Vec<String>,
}

impl Default for Options {
    /// All tests on all backends.
    fn default() -> Self {
        Self { backends: Backend::ALL.to_vec(), arguments: vec![] }
    }
}

/// Runs the tests.
pub(crate) fn run(options: &Options) -> Result<(), Failure> {
    tools::require(&[tools::COMPILER])?;
    let mut steps = Steps::default();
    let built = steps.run("build the tests", Built::tests)?;
    execute(&mut steps, &built, options)
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
    eprintln!("\n{}", report.summary(&options.backends));
    outcome?;
    let untouched = report.untouched(&options.backends);
    if untouched.is_empty() || !options.arguments.is_empty() {
        return Ok(());
    }
    Err(Failure::Message(format!(
        "no test ran on {}: a test says that it does by `delta_testkit::Backend::enabled`",
        list(&untouched)
    )))
}
