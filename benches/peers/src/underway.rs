//! `underway`.
//!
//! - Keeps: every task, finished or not, until its time to live (14 days) has passed, and a row for each attempt at it;
//!   retries with backoff (five attempts), a schedule (a delay, cron), priorities, concurrency keys, heartbeats.
//! - Leaves out: a log in order; attempts are found by task. The handler is given a transaction of its own.
//! - Unfinished: any row of `underway.task` in another state than `succeeded`.
//!
//! Its front door, `Job`, wraps a `Task` on a `Queue` with a `Worker`, and these are what is used here: `Queue` alone
//! can enqueue many at once.

use std::sync::Arc;

use anyhow::Result;
use futures::future::try_join_all;
use jiff::ToSpan;
use sqlx_08::postgres::PgPoolOptions;
use sqlx_08::{PgPool, Postgres, Transaction};
use underway::{Queue, Task, Worker, run_migrations, task};

use crate::engine::{About, Engine, Settings};
use crate::item::Item;
use crate::mode::{Mode, Scenario};
use crate::work;

/// The engine, opened.
pub(crate) struct Underway {
    pool: PgPool,
    queue: Arc<Queue<Handle>>,
    tuning: Option<Tuning>,
}

/// What differs from the defaults.
#[derive(Clone, Copy, Debug)]
struct Tuning {
    /// `Worker::set_concurrency_limit`; the default is the number of CPUs.
    concurrency: usize,
    /// `Worker::run_every`: each tick, one minute apart by default, starts one more loop up to the limit.
    period_ms: i64,
    /// Connections of the pool, of which a task that runs takes up to three; sqlx's own default is 10.
    connections: u32,
    /// `Queue::enqueue_multi`: "in chunks (max 5000 per batch) within a single transaction".
    chunk: usize,
    /// Calls of `enqueue_multi` at the same time.
    producers: usize,
}

impl Tuning {
    /// Notifications wake it; loops beyond those that wait take processors from the one that is woken.
    const LATENCY: Self = Self { concurrency: 4, period_ms: 60_000, ..Self::THROUGHPUT };
    const THROUGHPUT: Self = Self { concurrency: 28, period_ms: 1, connections: 84, chunk: 5_000, producers: 4 };
}

/// The work on an item.
#[derive(Clone, Copy, Debug)]
struct Handle;

impl Task for Handle {
    type Input = Item;
    type Output = ();

    async fn execute(&self, _: Transaction<'_, Postgres>, _: Item) -> task::Result<()> {
        work::run();
        Ok(())
    }
}

impl Engine for Underway {
    const ABOUT: About = About {
        name: "underway",
        package: "underway",
        licence: "MIT OR Apache-2.0",
        keeps: "finished tasks and every attempt, retries, schedule, priorities, heartbeats; no log in order",
        schema: Some("underway"),
        unfinished: "select exists (select from underway.task where state <> 'succeeded')",
    };

    async fn open(url: &str, mode: Mode, scenario: Scenario) -> Result<Self> {
        let tuning = match (mode, scenario) {
            (Mode::Defaults, _) => None,
            (Mode::Tuned, Scenario::Pickup) => Some(Tuning::LATENCY),
            (Mode::Tuned, _) => Some(Tuning::THROUGHPUT),
        };
        let mut options = PgPoolOptions::new();
        if let Some(tuning) = tuning {
            options = options.max_connections(tuning.connections);
        }
        let pool = options.connect(url).await?;
        run_migrations(&pool).await?;
        let queue = Queue::builder().name("items").pool(pool.clone()).build().await?;
        Ok(Self { pool, queue: Arc::new(queue), tuning })
    }

    fn settings(&self) -> Settings {
        let Some(tuning) = self.tuning else { return Settings::new() };
        Settings::from([
            ("concurrency_limit", tuning.concurrency.to_string()),
            ("connections", tuning.connections.to_string()),
            ("enqueue_multi", tuning.chunk.to_string()),
            ("producers", tuning.producers.to_string()),
            ("run_every", format!("{}ms", tuning.period_ms)),
        ])
    }

    async fn enqueue(&self, items: Vec<Item>) -> Result<()> {
        let Some(tuning) = self.tuning else {
            self.queue.enqueue_multi(&self.pool, &Handle, &items).await?;
            return Ok(());
        };
        let share = items.len().div_ceil(tuning.producers);
        try_join_all(items.chunks(share).map(async |share| {
            self.queue.enqueue_multi_wth_chunk_size(&self.pool, &Handle, share, tuning.chunk).await
        }))
        .await?;
        Ok(())
    }

    async fn enqueue_one(&self, item: Item) -> Result<()> {
        self.queue.enqueue(&self.pool, &Handle, &item).await?;
        Ok(())
    }

    async fn start(&mut self) -> Result<()> {
        let mut worker = Worker::new(Arc::clone(&self.queue), Handle);
        let period = self.tuning.map(|tuning| tuning.period_ms.milliseconds());
        if let Some(tuning) = self.tuning {
            worker.set_concurrency_limit(tuning.concurrency);
        }
        tokio::spawn(async move {
            let ended = match period {
                None => worker.run().await,
                Some(period) => worker.run_every(period).await,
            };
            if let Err(error) = ended {
                tracing::error!(%error, "the worker has ended");
            }
        });
        Ok(())
    }
}
