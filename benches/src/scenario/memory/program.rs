use std::fs;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use clap::Parser;
use delta::{Action, Client, Controller, Name, NamespaceSettings, Resource, WorkContext, WorkError};
use tokio::sync::{Notify, Semaphore};
use tokio::time::timeout;

use super::{Report, What};
use crate::failure::Failure;
use crate::item::{Idle, Item};
use crate::scenario::open::{Open, with_type};
use crate::server::Backend;

/// How long it may take until all are in flight.
const PATIENCE: Duration = Duration::from_mins(1);

/// What was allocated so far.
#[derive(Clone, Copy, Debug, Default)]
pub struct Allocated {
    /// How often, growing included.
    pub count: usize,
    /// Bytes in all.
    pub bytes: usize,
    /// Bytes that were freed again.
    pub freed: usize,
}

/// Works a database, and says what that allocates.
#[derive(Debug, Parser)]
#[command(name = "delta-allocations")]
struct Arguments {
    #[arg(long)]
    backend: Backend,
    #[arg(long)]
    url: String,
    #[arg(long)]
    what: What,
    #[arg(long)]
    items: usize,
}

/// The program `delta-allocations`, whose allocator counts.
#[must_use]
pub fn program(allocated: fn() -> Allocated) -> ExitCode {
    let arguments = Arguments::parse();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(Failure::from);
    let report = runtime.and_then(|runtime| {
        runtime.block_on(async { with_type!(arguments.backend, |S| run::<S>(&arguments, allocated).await) })
    });
    match report.and_then(|report| Ok(serde_json::to_string(&report)?)) {
        Ok(report) => {
            println!("{report}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run<S: Open>(arguments: &Arguments, allocated: fn() -> Allocated) -> Result<Report, Failure> {
    let store = S::open(&arguments.url).await?;
    let before = allocated();
    match arguments.what {
        What::InFlight => {
            let items = u32::try_from(arguments.items)?;
            Item::set_parallelism(Some(items));
            let worker = Together::new(arguments.items);
            // A namespace has fewer by default.
            let many = NamespaceSettings::new().max_workers(items);
            let builder = Client::builder(store).namespace(Name::default_namespace().to_string(), many);
            let client = builder.controller(worker.clone()).build()?;
            let running = client.start().await?;
            let there = timeout(PATIENCE, worker.all_there()).await;
            there.map_err(|_| {
                format!("expected all to be in flight within {PATIENCE:?}, found {} missing", worker.missing())
            })?;
            let report = report(before, allocated());
            worker.go.add_permits(arguments.items);
            running.stop().await;
            report
        }
        What::Drain => {
            Item::set_parallelism(Some(1_000));
            let worker = Idle::default();
            let client = Client::builder(store).controller(worker.clone()).build()?;
            let running = client.start().await?;
            worker.reaches(arguments.items).await;
            running.stop().await;
            report(before, allocated())
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
fn report(before: Allocated, after: Allocated) -> Result<Report, Failure> {
    let bytes = (after.bytes - before.bytes) as f64;
    Ok(Report {
        held: bytes - (after.freed - before.freed) as f64,
        rss_mb: resident_mb()?,
        allocations: (after.count - before.count) as f64,
        bytes,
    })
}

/// The memory of this process, as Linux counts it.
fn resident_mb() -> Result<f64, Failure> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).ok_or("expected VmRSS, found none")?;
    let kilobytes: f64 = line.trim().trim_end_matches("kB").trim().parse()?;
    Ok(kilobytes * 1_024.0 / 1e6)
}

/// Keeps all in flight until everything is.
#[derive(Clone, Debug)]
struct Together {
    missing: Arc<AtomicUsize>,
    there: Arc<Notify>,
    go: Arc<Semaphore>,
}

impl Together {
    fn new(items: usize) -> Self {
        Self {
            missing: Arc::new(AtomicUsize::new(items)),
            there: Arc::new(Notify::new()),
            go: Arc::new(Semaphore::new(0)),
        }
    }

    fn missing(&self) -> usize {
        self.missing.load(Ordering::Acquire)
    }

    async fn all_there(&self) {
        self.there.notified().await;
    }
}

impl Controller for Together {
    type Object = Item;

    async fn work(&self, _: &WorkContext, _: &Resource<Item>) -> Result<Action, WorkError> {
        if self.missing.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.there.notify_one();
        }
        self.go.acquire().await?.forget();
        Ok(Action::Synced)
    }
}
