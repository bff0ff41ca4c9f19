//! `awa`, with its queue storage.
//!
//! - Keeps: finished jobs for a day as compact records in partitions that are truncated; retries with backoff (25
//!   attempts), a schedule, cron, priorities with ageing, unique jobs, a dead letter queue, leases and heartbeats.
//! - Leaves out: a log of what happened. Tuned, the deadline of an attempt too, which its quickest path asks for.
//! - Unfinished: fewer jobs are completed than were enqueued, in the tables that the view `awa.terminal_jobs` joins,
//!   without the join.

use std::time::Duration;

use anyhow::Result;
use awa::model::insert::params_with;
use awa::{
    Client, InsertOpts, InsertParams, JobArgs, JobResult, QueueConfig, QueueStorage, QueueStorageConfig, insert_many,
    insert_with, migrations,
};
use futures::future::try_join_all;
use sqlx_08::PgPool;
use sqlx_08::postgres::PgPoolOptions;

use crate::engine::{About, Engine, Settings};
use crate::item::Item;
use crate::mode::{Mode, Scenario};
use crate::work;

/// The engine, opened.
pub(crate) struct Awa {
    pool: PgPool,
    storage: QueueStorage,
    tuning: Option<Tuning>,
    client: Client,
}

/// What differs from the defaults.
#[derive(Clone, Copy, Debug)]
struct Tuning {
    /// `QueueConfig::max_workers`: two batches of what is claimed at once.
    max_workers: u32,
    /// `QueueConfig::claimers`; their configuration guide has one for most, more for a reason of the workload.
    claimers: u16,
    /// `QueueConfig::claim_batch_size`; the configuration guide lowers it from 512 for small queues and for latency.
    claim_batch_size: usize,
    /// `QueueConfig::deadline_duration`: zero takes the "receipt-plane short path" (`lease_claim_receipts`), as in
    /// their `tests/benchmark_test.rs`.
    deadline_duration: Duration,
    /// `QueueConfig::poll_interval`: 50 ms in their `tests/benchmark_test.rs`.
    poll_interval: Duration,
    /// `awa.queue_meta.enqueue_shards`: the configuration guide has it as the first thing to raise for one hot queue.
    enqueue_shards: i16,
    /// Connections of the pool: 20 in their `tests/benchmark_test.rs`; sqlx's own default is 10.
    connections: u32,
    /// Jobs in one `QueueStorage::enqueue_params_copy`, which `insert_many_copy` names as preferred.
    copy: usize,
    /// Copies at the same time.
    producers: usize,
}

impl Tuning {
    /// As their test of it has: no deadline, all else as it comes.
    const LATENCY: Self = Self { max_workers: 50, claim_batch_size: 512, ..Self::THROUGHPUT };
    const THROUGHPUT: Self = Self {
        max_workers: 2_048,
        claimers: 1,
        claim_batch_size: 1_024,
        deadline_duration: Duration::ZERO,
        poll_interval: Duration::from_millis(50),
        enqueue_shards: 1,
        connections: 20,
        copy: 5_000,
        producers: 2,
    };
}

const QUEUE: &str = "items";
/// Jobs in one `insert_many` where nothing is tuned.
const BATCH: usize = 1_000;

impl JobArgs for Item {
    fn kind() -> &'static str {
        "item"
    }
}

fn opts() -> InsertOpts {
    InsertOpts { queue: QUEUE.into(), ..InsertOpts::default() }
}

impl Engine for Awa {
    const ABOUT: About = About {
        name: "awa",
        package: "awa",
        licence: "MIT OR Apache-2.0",
        keeps: "finished jobs for a day in compact records, retries, schedule, priorities, leases, dead letters; no log",
        schema: Some("awa"),
        unfinished: "select (select coalesce(sum(completed_count), 0) from awa.receipt_completion_batches)
            + (select count(*) from awa.done_entries where state = 'completed')
            + (select coalesce(sum(pruned_completed_count), 0) from awa.queue_terminal_rollups) < $1::bigint",
    };

    /// From the configuration guide, which has them measured for the workload: completions in batches of 512, flushed
    /// after 1 ms, in four shards from 512 workers on are the defaults.
    const ENVIRONMENT: &[(&str, &str)] =
        &[("AWA_COMPLETION_BATCH_SIZE", "1024"), ("AWA_COMPLETION_FLUSH_MS", "5"), ("AWA_COMPLETION_SHARDS", "2")];

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
        migrations::run(&pool).await?;
        let storage = QueueStorage::new(QueueStorageConfig::default())?;
        // What the first client to start on a fresh database does; here items come before it.
        storage.activate_backend(&pool).await?;
        let mut config = QueueConfig::default();
        if let Some(tuning) = tuning {
            config.max_workers = tuning.max_workers;
            config.claimers = tuning.claimers;
            config.claim_batch_size = tuning.claim_batch_size;
            config.deadline_duration = tuning.deadline_duration;
            config.poll_interval = tuning.poll_interval;
            sqlx_08::query("insert into awa.queue_meta (queue, enqueue_shards) values ($1, $2)")
                .bind(QUEUE)
                .bind(tuning.enqueue_shards)
                .execute(&pool)
                .await?;
        }
        let client = Client::builder(pool.clone())
            .queue(QUEUE, config)
            .register::<Item, _, _>(|_, _| async {
                work::run();
                Ok(JobResult::Completed)
            })
            .build()?;
        Ok(Self { pool, storage, tuning, client })
    }

    fn settings(&self) -> Settings {
        let Some(tuning) = self.tuning else { return Settings::from([("insert_many", BATCH.to_string())]) };
        let mut settings: Settings = Self::ENVIRONMENT.iter().map(|(name, value)| (*name, (*value).into())).collect();
        settings.extend([
            ("claim_batch_size", tuning.claim_batch_size.to_string()),
            ("claimers", tuning.claimers.to_string()),
            ("connections", tuning.connections.to_string()),
            ("deadline_duration", format!("{:?}", tuning.deadline_duration)),
            ("enqueue_params_copy", tuning.copy.to_string()),
            ("enqueue_shards", tuning.enqueue_shards.to_string()),
            ("max_workers", tuning.max_workers.to_string()),
            ("poll_interval", format!("{:?}", tuning.poll_interval)),
            ("producers", tuning.producers.to_string()),
        ]);
        settings
    }

    async fn enqueue(&self, items: Vec<Item>) -> Result<()> {
        let jobs = items.iter().map(|item| params_with(item, opts())).collect::<Result<Vec<InsertParams>, _>>()?;
        let Some(tuning) = self.tuning else {
            for jobs in jobs.chunks(BATCH) {
                insert_many(&self.pool, jobs).await?;
            }
            return Ok(());
        };
        let share = jobs.len().div_ceil(tuning.producers);
        try_join_all(jobs.chunks(share).map(async |share| {
            for jobs in share.chunks(tuning.copy) {
                self.storage.enqueue_params_copy(&self.pool, jobs).await?;
            }
            anyhow::Ok(())
        }))
        .await?;
        Ok(())
    }

    async fn enqueue_one(&self, item: Item) -> Result<()> {
        insert_with(&self.pool, &item, opts()).await?;
        Ok(())
    }

    async fn start(&mut self) -> Result<()> {
        self.client.start().await?;
        Ok(())
    }
}
