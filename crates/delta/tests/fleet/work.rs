//! A worker that records the start and the end of each call in a table of its own.

use std::env;
use std::io::stdin;
use std::time::Duration;

use delta::core::Timestamp;
use delta::{
    Action, Client, Controller, NamespaceSettings, Object, ObjectSettings, PgStore, Resource, WorkContext, WorkError,
};
use serde::{Deserialize, Serialize};
use sqlx::PgPool;
use sqlx::postgres::PgPoolOptions;
use tokio::sync::mpsc;

use crate::{machine_time, settings};

/// Tells a worker's process where its database is, and its number.
pub(crate) const URL: &str = "DELTA_FLEET_URL";
pub(crate) const PROCESS: &str = "DELTA_FLEET_PROCESS";

/// How many resources one process works at once.
const PARALLELISM: u32 = 100;

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Item {
    pub(crate) id: String,
    pub(crate) value: u64,
}

impl Object for Item {
    const KIND: &'static str = "item";

    fn id(&self) -> String {
        self.id.clone()
    }

    fn settings() -> ObjectSettings {
        ObjectSettings::new().parallelism(PARALLELISM).inform_interval(None)
    }
}

pub(crate) async fn create_table(pool: &PgPool) {
    let sql = "CREATE TABLE call (id bigserial PRIMARY KEY, process bigint NOT NULL, object text NOT NULL, \
               value bigint NOT NULL, deleted boolean NOT NULL, started bigint NOT NULL, ended bigint)";
    sqlx::query(sql).execute(pool).await.unwrap();
}

/// What a killed process was doing ended with it, at the latest when its death was seen. To be called when all is over: the
/// server may commit what a process sent after that process has died.
pub(crate) async fn end_calls_of(pool: &PgPool, process: i64, at: Timestamp) {
    let sql = "UPDATE call SET ended = greatest($2, started) WHERE process = $1 AND ended IS NULL";
    sqlx::query(sql).bind(process).bind(at.as_micros()).execute(pool).await.unwrap();
}

/// The calls that began before an earlier one of the same resource had ended.
pub(crate) async fn overlaps(pool: &PgPool) -> Vec<String> {
    let sql = "SELECT l.object || ' by ' || l.process || ' from ' || l.started || ' while by ' || e.process || ' from ' \
               || e.started || ' to ' || coalesce(e.ended::text, 'never') FROM call e JOIN call l ON l.object = e.object \
               AND (l.started, l.id) > (e.started, e.id) AND (e.ended IS NULL OR e.ended > l.started)";
    sqlx::query_scalar(sql).fetch_all(pool).await.unwrap()
}

struct Items {
    pool: PgPool,
    process: i64,
    ended: mpsc::UnboundedSender<(i64, Timestamp)>,
}

/// Notes when a call last did something, however it ends: by its end, or by being dropped.
struct Call {
    id: i64,
    ended: mpsc::UnboundedSender<(i64, Timestamp)>,
    last: Timestamp,
}

impl Call {
    /// Works for so long, a little at a time.
    async fn work(&mut self, time: Duration) {
        let mut step = tokio::time::interval(Duration::from_millis(25));
        let end = self.last + time;
        while self.last < end {
            step.tick().await;
            self.last = machine_time();
        }
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        self.ended.send((self.id, self.last)).unwrap();
    }
}

impl Items {
    async fn call(&self, cx: &WorkContext, item: &Resource<Item>, deleted: bool) -> Result<Action, WorkError> {
        let sql =
            "INSERT INTO call (process, object, value, deleted, started) VALUES ($1, $2, $3, $4, $5) RETURNING id";
        let started = machine_time();
        let id = sqlx::query_scalar(sql)
            .bind(self.process)
            .bind(&item.object.id)
            .bind(i64::try_from(item.object.value)?)
            .bind(deleted)
            .bind(started.as_micros())
            .fetch_one(&self.pool)
            .await?;
        let mut call = Call { id, ended: self.ended.clone(), last: machine_time() };
        // From 50 ms to 5 s, the short ones much more often; drawn from the call itself.
        let unit = f64::from(u16::try_from(started.as_micros() % 1_000)?) / 1_000.0;
        call.work(Duration::from_secs_f64(0.05 * 100f64.powf(unit * unit))).await;
        // One attempt in thirty fails, and the next may fail too.
        if (started.as_micros() / 1_000 + cx.attempt()) % 30 == 0 {
            return Err(WorkError::retry("the outside is down"));
        }
        Ok(Action::Synced)
    }
}

impl Controller for Items {
    type Object = Item;

    async fn work(&self, cx: &WorkContext, item: &Resource<Item>) -> Result<Action, WorkError> {
        self.call(cx, item, false).await
    }

    async fn delete(&self, cx: &WorkContext, item: &Resource<Item>) -> Result<Action, WorkError> {
        self.call(cx, item, true).await
    }
}

/// Works until standard input ends.
pub(crate) async fn run() {
    let url = env::var(URL).unwrap();
    let process = env::var(PROCESS).unwrap().parse().unwrap();
    let pool = PgPoolOptions::new().max_connections(5).connect(&url).await.unwrap();
    let (ended, mut ends) = mpsc::unbounded_channel();
    let items = Items { pool: pool.clone(), process, ended };
    let store = PgStore::options(&url).connections(5).connect().await.unwrap();
    let namespace = NamespaceSettings::new().max_workers(PARALLELISM);
    let client =
        Client::builder(store).settings(settings()).namespace("default", namespace).controller(items).build().unwrap();
    let running = client.start().await.unwrap();
    let recorder = async move {
        while let Some((id, at)) = ends.recv().await {
            let sql = "UPDATE call SET ended = $2 WHERE id = $1";
            sqlx::query(sql).bind(id).bind(at.as_micros()).execute(&pool).await.unwrap();
        }
    };
    let stopped = async move {
        tokio::task::spawn_blocking(|| stdin().read_line(&mut String::new())).await.unwrap().unwrap();
        running.stop().await;
        drop(client);
    };
    // The recorder ends when the last controller is gone, and with it what it had to record.
    tokio::join!(recorder, stopped);
}
