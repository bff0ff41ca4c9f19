//! `graphile_worker`, a Rust rewrite of the Node.js queue of that name.
//!
//! - Keeps: retries with backoff (25 attempts), a schedule (`run_at`, cron), priorities, named serial queues, job keys;
//!   the last error of a job that failed.
//! - Leaves out: finished jobs are deleted, nothing is kept of them; no log of what happened. No leases: a job of a
//!   worker that died stays locked for four hours, or until the optional recovery (off by default, off here) finds it.
//! - Unfinished: any row of `_private_jobs`.
//!
//! Without its local queue `run` takes one job per worker at each poll, a second apart, or notification: two jobs a
//! second of a backlog on two processors. So at its defaults `drain` calls `run_once`, "process all available jobs".

use std::time::Duration;

use anyhow::{Context, Result};
use futures::future::try_join_all;
use graphile_worker::tokio_postgres::TokioPostgresDatabase;
use graphile_worker::{
    IntoTaskHandlerResult, JobSpec, LocalQueueConfig, TaskHandler, Worker, WorkerContext, WorkerOptions, WorkerUtils,
};

use crate::engine::{About, Engine, Settings};
use crate::item::Item;
use crate::mode::{Mode, Scenario};
use crate::work;

/// The engine, opened.
pub(crate) struct GraphileWorker {
    worker: Option<Worker>,
    utils: WorkerUtils,
    tuning: Option<Tuning>,
    scenario: Scenario,
}

/// What differs from the defaults.
#[derive(Clone, Copy, Debug)]
struct Tuning {
    batching: Option<Batching>,
    /// The reference "Feature Flags": the other driver that it offers, in a pool of 20 as its own default has.
    connections: usize,
    /// The guide "Batch Jobs": `add_jobs` inserts many in one call.
    batch: usize,
    /// Calls of `add_jobs` at the same time.
    producers: usize,
}

/// What trades latency for throughput: the guide "Local Queue" recommends it for many small jobs.
#[derive(Clone, Copy, Debug)]
struct Batching {
    /// `benches/perf_test.rs` of the crate uses 500; the guide's "Throughput-oriented worker" says to tune it, and 200
    /// costs a fifth less CPU here.
    concurrency: usize,
    /// `benches/perf_test.rs`: 5,000 in all.
    local_queue: usize,
    /// The guide "Local Queue": more than one queue "can improve throughput for very small, high-volume jobs".
    queue_count: usize,
    /// The guide "Worker Options", "Completion and failure batching", and `complete_job_batch_delay`: 1 to 5 ms.
    complete_job_batch_delay: Duration,
    /// `benches/perf_test.rs`: 5 ms.
    poll_interval: Duration,
}

impl Tuning {
    const LATENCY: Self = Self { batching: None, connections: 20, batch: 1_000, producers: 4 };
    const THROUGHPUT: Self = Self {
        batching: Some(Batching {
            concurrency: 200,
            local_queue: 2_500,
            queue_count: 2,
            complete_job_batch_delay: Duration::from_millis(5),
            poll_interval: Duration::from_millis(5),
        }),
        ..Self::LATENCY
    };
}

impl TaskHandler for Item {
    const IDENTIFIER: &'static str = "item";

    async fn run(self, _: WorkerContext) -> impl IntoTaskHandlerResult {
        work::run();
    }
}

/// Items in one call of `add_jobs` where nothing is tuned.
const BATCH: usize = 1_000;

impl Engine for GraphileWorker {
    const ABOUT: About = About {
        name: "graphile_worker",
        package: "graphile_worker",
        licence: "MIT",
        keeps: "retries, schedule, priorities, the last error; deletes finished jobs, no log, no leases",
        schema: Some("graphile_worker"),
        unfinished: "select exists (select from graphile_worker._private_jobs)",
    };

    async fn open(url: &str, mode: Mode, scenario: Scenario) -> Result<Self> {
        let tuning = match (mode, scenario) {
            (Mode::Defaults, _) => None,
            (Mode::Tuned, Scenario::Pickup) => Some(Tuning::LATENCY),
            (Mode::Tuned, _) => Some(Tuning::THROUGHPUT),
        };
        let mut options = WorkerOptions::default().define_job::<Item>();
        options = match tuning {
            None => options.database_url(url),
            Some(tuning) => options.database(TokioPostgresDatabase::from_url(url, tuning.connections)?),
        };
        if let Some(batching) = tuning.and_then(|tuning| tuning.batching) {
            let queue =
                LocalQueueConfig::default().with_size(batching.local_queue).with_queue_count(batching.queue_count);
            options = options
                .concurrency(batching.concurrency)
                .poll_interval(batching.poll_interval)
                .complete_job_batch_delay(batching.complete_job_batch_delay)
                .local_queue(queue);
        }
        let worker = Box::pin(options.init()).await?;
        let utils = worker.create_utils();
        Ok(Self { worker: Some(worker), utils, tuning, scenario })
    }

    fn settings(&self) -> Settings {
        let Some(tuning) = self.tuning else { return Settings::from([("batch", BATCH.to_string())]) };
        let mut settings = Settings::from([
            ("batch", tuning.batch.to_string()),
            ("connections", tuning.connections.to_string()),
            ("driver", "tokio-postgres".into()),
            ("producers", tuning.producers.to_string()),
        ]);
        if let Some(batching) = tuning.batching {
            settings.extend([
                ("complete_job_batch_delay", format!("{:?}", batching.complete_job_batch_delay)),
                ("concurrency", batching.concurrency.to_string()),
                ("local_queue.queue_count", batching.queue_count.to_string()),
                ("local_queue.size", batching.local_queue.to_string()),
                ("poll_interval", format!("{:?}", batching.poll_interval)),
            ]);
        }
        settings
    }

    async fn enqueue(&self, items: Vec<Item>) -> Result<()> {
        let (batch, producers) = self.tuning.map_or((BATCH, 1), |tuning| (tuning.batch, tuning.producers));
        let spec = JobSpec::default();
        let jobs: Vec<_> = items.into_iter().map(|item| (item, &spec)).collect();
        let share = jobs.len().div_ceil(producers);
        try_join_all(jobs.chunks(share).map(async |share| {
            for jobs in share.chunks(batch) {
                self.utils.add_jobs(jobs).await?;
            }
            anyhow::Ok(())
        }))
        .await?;
        Ok(())
    }

    async fn enqueue_one(&self, item: Item) -> Result<()> {
        self.utils.add_job(item, JobSpec::default()).await?;
        Ok(())
    }

    async fn start(&mut self) -> Result<()> {
        let worker = self.worker.take().context("expected to be started once, found a second start")?;
        let backlog = self.tuning.is_none() && self.scenario == Scenario::Drain;
        tokio::spawn(async move {
            if backlog && let Err(error) = worker.run_once().await {
                tracing::error!(%error, "the worker has ended");
            }
            if let Err(error) = worker.run().await {
                tracing::error!(%error, "the worker has ended");
            }
        });
        Ok(())
    }
}
