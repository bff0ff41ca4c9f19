//! `sqlxmq`.
//!
//! - Keeps: retries with backoff (four), a schedule (a delay), order within a channel where asked for, checkpoints.
//! - Leaves out: finished jobs are deleted, nothing is kept of them; no log, no priorities, no cron. A job that has
//!   used up its retries stays in the table.
//! - Unfinished: any row of `mq_msgs` but the one of the nil id that its schema starts with.

use std::error::Error;

use anyhow::{Context, Result};
use futures::future::try_join_all;
use sqlx_08::postgres::PgPoolOptions;
use sqlx_08::{Executor, PgPool};
use sqlxmq::{CurrentJob, JobRegistry, JobRunnerHandle, job};

use crate::engine::{About, Engine, Settings};
use crate::item::Item;
use crate::mode::{Mode, Scenario};
use crate::work;

/// Their migrations, which they ask to be copied, taken from the crate as it was downloaded.
const UP: &str = include_str!(concat!(env!("OUT_DIR"), "/sqlxmq.up.sql"));
/// The same backwards.
const DOWN: &str = include_str!(concat!(env!("OUT_DIR"), "/sqlxmq.down.sql"));

/// The engine, opened.
pub(crate) struct Sqlxmq {
    pool: PgPool,
    tuning: Option<Tuning>,
    runner: Option<JobRunnerHandle>,
}

/// What differs from the defaults.
#[derive(Clone, Copy, Debug)]
struct Tuning {
    /// `set_concurrency`: polls when fewer are running.
    min_concurrency: usize,
    /// `set_concurrency`: "larger batch sizes are more efficient", and the difference to the minimum is the largest.
    max_concurrency: usize,
    /// Connections of the pool, each of which completes a job at a time; sqlx's own default is 10.
    connections: u32,
    /// Jobs spawned in one transaction: the README's "Transactional sending of jobs", and `spawn`, which takes one.
    batch: usize,
    /// Transactions that spawn at the same time.
    producers: usize,
}

impl Tuning {
    const LATENCY: Self = Self { min_concurrency: 16, max_concurrency: 32, ..Self::THROUGHPUT };
    const THROUGHPUT: Self =
        Self { min_concurrency: 500, max_concurrency: 1_000, connections: 64, batch: 1_000, producers: 4 };
}

#[job(name = "item")]
async fn item(mut job: CurrentJob) -> Result<(), Box<dyn Error + Send + Sync>> {
    let _: Item = job.json()?.ok_or("expected a payload, found none")?;
    work::run();
    job.complete().await?;
    Ok(())
}

impl Engine for Sqlxmq {
    const ABOUT: About = About {
        name: "sqlxmq",
        package: "sqlxmq",
        licence: "MIT OR Apache-2.0",
        keeps: "retries, schedule, order in a channel; deletes finished jobs, no log, no priorities",
        schema: None,
        unfinished: "select exists (select from mq_msgs where id <> uuid_nil())",
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
        let found: bool = sqlx_08::query_scalar("select to_regclass('mq_msgs') is not null").fetch_one(&pool).await?;
        if found {
            pool.execute(DOWN).await.context("cannot take back their migrations")?;
        }
        pool.execute(UP).await.context("cannot apply their migrations")?;
        Ok(Self { pool, tuning, runner: None })
    }

    fn settings(&self) -> Settings {
        let Some(tuning) = self.tuning else { return Settings::new() };
        Settings::from([
            ("batch", tuning.batch.to_string()),
            ("concurrency", format!("{}, {}", tuning.min_concurrency, tuning.max_concurrency)),
            ("connections", tuning.connections.to_string()),
            ("keep_alive", "false".into()),
            ("producers", tuning.producers.to_string()),
        ])
    }

    async fn enqueue(&self, items: Vec<Item>) -> Result<()> {
        let Some(tuning) = self.tuning else {
            for one in items {
                self.enqueue_one(one).await?;
            }
            return Ok(());
        };
        let share = items.len().div_ceil(tuning.producers);
        try_join_all(items.chunks(share).map(async |share| {
            for batch in share.chunks(tuning.batch) {
                let mut transaction = self.pool.begin().await?;
                for one in batch {
                    item.builder().set_json(one)?.spawn(&mut *transaction).await?;
                }
                transaction.commit().await?;
            }
            anyhow::Ok(())
        }))
        .await?;
        Ok(())
    }

    async fn enqueue_one(&self, one: Item) -> Result<()> {
        item.builder().set_json(&one)?.spawn(&self.pool).await?;
        Ok(())
    }

    async fn start(&mut self) -> Result<()> {
        let mut options = JobRegistry::new(&[item]).runner(&self.pool);
        if let Some(tuning) = self.tuning {
            // `set_keep_alive`: jobs as short as these need none, and each costs a task.
            options.set_concurrency(tuning.min_concurrency, tuning.max_concurrency).set_keep_alive(false);
        }
        self.runner = Some(options.run().await?);
        Ok(())
    }
}
