//! `apalis` with `apalis-postgres`.
//!
//! - Keeps: every finished job, with its result, until somebody vacuums them; retries (25 attempts), a schedule
//!   (`run_at`), priorities, idempotency keys; heartbeats of workers, by which jobs of dead ones are given out again.
//! - Leaves out: a log of what happened; only the latest result of a job is kept.
//! - Unfinished: any row of `apalis.jobs` whose status is not `Done`.
//!
//! The plain storage asks again only when something wakes its worker, and nothing does when an item comes: at its
//! defaults an idle worker notices at its next heartbeat, 30 seconds apart. `pickup` needs few rounds there.

use anyhow::{Context, Result};
use apalis::prelude::{BoxDynError, TaskSink, WorkerBuilder};
use apalis_postgres::{Config, PostgresStorage};
use futures::future::try_join_all;
use sqlx_09::postgres::PgPoolOptions;

use crate::engine::{About, Engine, Settings};
use crate::item::Item;
use crate::mode::{Mode, Scenario};
use crate::work;

/// The engine, opened.
pub(crate) struct Apalis {
    storage: PostgresStorage<Item>,
    tuning: Option<Tuning>,
}

/// What differs from the defaults.
#[derive(Clone, Copy, Debug)]
struct Tuning {
    /// `Config::batch_size`: "larger batches can improve throughput by reducing the number of queue operations".
    batch_size: usize,
    /// Workers of the one queue in this process, each with a fetch and an acknowledgement of its own under way.
    workers: usize,
    /// Connections of the pool; sqlx's own default is 10.
    connections: u32,
    /// Items in one call of `push_bulk`, "more efficient than calling push for each task".
    push: usize,
    /// Calls of `push_bulk` at the same time.
    producers: usize,
}

impl Tuning {
    const THROUGHPUT: Self = Self { batch_size: 2_500, workers: 8, connections: 20, push: 1_000, producers: 4 };
    /// One worker with the listener answers an idle queue soonest: more would all wake for each item.
    const LATENCY: Self = Self { batch_size: 10, workers: 1, ..Self::THROUGHPUT };
}

/// Items in one call of `push_bulk` where nothing is tuned.
const PUSH: usize = 1_000;

async fn handle(_: Item) -> Result<(), BoxDynError> {
    work::run();
    Ok(())
}

impl Engine for Apalis {
    const ABOUT: About = About {
        name: "apalis",
        package: "apalis-postgres",
        licence: "MIT OR Apache-2.0 (apalis), unstated (apalis-postgres)",
        keeps: "finished jobs and their results, retries, schedule, priorities, heartbeats; no log",
        schema: Some("apalis"),
        unfinished: "select exists (select from apalis.jobs where status <> 'Done')",
    };

    async fn open(url: &str, mode: Mode, scenario: Scenario) -> Result<Self> {
        let tuning = match (mode, scenario) {
            (Mode::Defaults, _) => None,
            (Mode::Tuned, Scenario::Pickup) => Some(Tuning::LATENCY),
            (Mode::Tuned, _) => Some(Tuning::THROUGHPUT),
        };
        let options = PgPoolOptions::new();
        let pool = match tuning {
            None => options,
            Some(tuning) => options.max_connections(tuning.connections),
        }
        .connect(url)
        .await?;
        PostgresStorage::setup(&pool).await?;
        let storage = PostgresStorage::new(&pool);
        let storage = match tuning {
            None => storage,
            // `lock_tasks(false)`, as the crate's own tests have it: jobs are locked when fetched already.
            Some(tuning) => {
                storage.with_config(Config::default().queue("items").batch_size(tuning.batch_size).lock_tasks(false))
            }
        };
        Ok(Self { storage, tuning })
    }

    fn settings(&self) -> Settings {
        let Some(tuning) = self.tuning else { return Settings::from([("push", PUSH.to_string())]) };
        Settings::from([
            ("batch_size", tuning.batch_size.to_string()),
            ("connections", tuning.connections.to_string()),
            ("lock_tasks", "false".into()),
            ("producers", tuning.producers.to_string()),
            ("pubsub", "on".into()),
            ("push", tuning.push.to_string()),
            ("workers", tuning.workers.to_string()),
        ])
    }

    async fn enqueue(&self, items: Vec<Item>) -> Result<()> {
        let (push, producers) = self.tuning.map_or((PUSH, 1), |tuning| (tuning.push, tuning.producers));
        let share = items.len().div_ceil(producers);
        try_join_all(items.chunks(share).map(async |share| {
            let mut storage = self.storage.clone();
            for items in share.chunks(push) {
                storage.push_bulk(items.to_vec()).await?;
            }
            anyhow::Ok(())
        }))
        .await?;
        Ok(())
    }

    async fn enqueue_one(&self, item: Item) -> Result<()> {
        self.storage.clone().push(item).await.context("cannot push")
    }

    async fn start(&mut self) -> Result<()> {
        let Some(tuning) = self.tuning else {
            let worker = WorkerBuilder::new("worker").backend(self.storage.clone()).build(handle);
            tokio::spawn(async move {
                if let Err(error) = worker.run().await {
                    tracing::error!(%error, "the worker has ended");
                }
            });
            return Ok(());
        };
        for index in 0..tuning.workers {
            let worker =
                WorkerBuilder::new(format!("worker-{index}")).backend(self.storage.clone().with_pubsub()).build(handle);
            tokio::spawn(async move {
                if let Err(error) = worker.run().await {
                    tracing::error!(%error, "a worker has ended");
                }
            });
        }
        Ok(())
    }
}
