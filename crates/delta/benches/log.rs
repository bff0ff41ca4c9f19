//! How soon a consumer is called after an event's commit, and how many events a steady reader handles in a second, on
//! Postgres: of Delta's own log, and of an application's event table.
//!
//! `cargo bench -p delta --bench log --features postgres,diesel-postgres` prints two tables. Each rate stands beside its
//! bound: the statement that the store prepared to read a page, run on its own connection without Delta. Figures move with
//! the machine; the ratios are what to rely on.

use std::error::Error;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use delta::core::{Access, EventTable, EventTables, LogEvent, Store as _, Target, WakeupReach};
use delta::{
    Batch, Client, Consumer, EventLog, Log, Migrate, Object, ObjectSettings, PgDieselStore, PgStore, Position,
};
use delta_testkit::database::PostgresDatabase;
use futures::StreamExt as _;
use serde::{Deserialize, Serialize};
use sqlx::{PgConnection, Row as _};
use tokio::sync::{mpsc, oneshot};

type Failure = Box<dyn Error + Send + Sync>;

/// How many commits are timed.
const COMMITS: usize = 500;
/// How many events are read.
const EVENTS: u64 = 500_000;
/// How often, each way in turn; the best of them counts, as whatever else the machine does only ever takes time.
const ROUNDS: usize = 3;
/// How many events a page has, in all of the ways.
const PAGE: u32 = 1_000;
const CREATED: i64 = 1;

#[derive(Clone, Serialize, Deserialize)]
struct Item {
    id: String,
}

impl Object for Item {
    const KIND: &'static str = "item";

    fn id(&self) -> String {
        self.id.clone()
    }

    fn settings() -> ObjectSettings {
        ObjectSettings::new().inform_interval(None)
    }
}

#[expect(clippy::disallowed_methods, reason = "a bench measures time")]
fn now() -> Instant {
    Instant::now()
}

/// Leaves the database alone for a while.
#[expect(clippy::disallowed_methods, reason = "a bench measures time")]
async fn rest(time: Duration) {
    tokio::time::sleep(time).await;
}

fn items() -> EventTable {
    EventTable::new("item_events").metadata_column("metadata")
}

/// What is written in the transaction whose commit is timed.
#[derive(Clone, Copy, Debug)]
enum Written {
    /// `inform_in`.
    Own,
    /// An event of the application.
    Table,
}

/// The number of the last commit: each is about something new.
static LAST: AtomicU64 = AtomicU64::new(0);

/// Who consumes.
#[derive(Clone, Copy, Debug)]
enum Consumed {
    /// The client that writes.
    Itself,
    /// Another one, with a pool of its own: it hears of it by LISTEN/NOTIFY.
    Another,
}

/// The times from the end of a commit to the call of a consumer, one commit after the other with `pause` between them.
async fn latencies<S: EventTables>(
    writer: &Client<S>,
    reader: &Client<S>,
    written: Written,
    pause: Duration,
) -> Result<Vec<Duration>, Failure> {
    let (called, mut calls) = mpsc::unbounded_channel();
    let (stop, stopped) = oneshot::channel::<()>();
    let stopped = async { drop(stopped.await) };
    let handle = move |sender: mpsc::UnboundedSender<Instant>| async move { sender.send(now()) };
    let run: std::pin::Pin<Box<dyn Future<Output = delta::Result<()>> + Send>> = match written {
        Written::Own => {
            let consumer = Consumer::new("latency", move |_, _| handle(called.clone()));
            let consumption = reader.log().consumer(consumer).from_head();
            Box::pin(async move { consumption.run(stopped).await.map(drop) })
        }
        Written::Table => {
            let consumer = Consumer::new("latency", move |_, _| handle(called.clone()));
            let consumption = reader.event_log(items())?.log().consumer(consumer).from_head();
            Box::pin(async move { consumption.run(stopped).await.map(drop) })
        }
    };
    let rounds = async move {
        let mut latencies = Vec::with_capacity(COMMITS);
        // The consumer begins, and the first ones warm up.
        rest(Duration::from_secs(1)).await;
        for round in 0..COMMITS + 20 {
            let mut conn = writer.store().acquire(Access::Write).await?;
            writer.store().begin_tx(&mut conn).await?;
            let id = format!("commit-{}", LAST.fetch_add(1, Ordering::Relaxed));
            let committed = match written {
                Written::Own => {
                    let (_, wake) = writer.inform_in(&mut conn, Item { id }).await?;
                    writer.store().commit_tx(&mut conn).await?;
                    let committed = now();
                    wake.send();
                    committed
                }
                Written::Table => {
                    let wake = writer.event_log(items())?.insert(&mut conn, id, CREATED).await?;
                    writer.store().commit_tx(&mut conn).await?;
                    let committed = now();
                    wake.send();
                    committed
                }
            };
            drop(conn);
            let call = tokio::time::timeout(Duration::from_secs(20), calls.recv()).await;
            let call = call.map_err(|_| "expected a call of the consumer within 20 s, found none")?;
            let call = call.ok_or("the consumer is gone")?;
            if round >= 20 {
                latencies.push(call.saturating_duration_since(committed));
            }
            rest(pause).await;
        }
        drop(stop);
        latencies.sort_unstable();
        Ok::<_, Failure>(latencies)
    };
    let (latencies, ran) = tokio::join!(rounds, run);
    ran?;
    latencies
}

/// Times both ends of the log, and prints them.
async fn latency<S: EventTables + Migrate>(name: &str, stores: [S; 2]) -> Result<(), Failure> {
    let [store, other] = stores;
    store.migrate_to(Target::Latest).await?;
    assert_eq!(store.capabilities().wakeups, WakeupReach::Database, "wake-ups are what is measured");
    let writer = Client::builder(store).build()?;
    let other = Client::builder(other).build()?;
    writer.event_log(items())?.create().await?;
    for written in [Written::Own, Written::Table] {
        for consumed in [Consumed::Itself, Consumed::Another] {
            for (how, pause) in [("idle", Duration::from_millis(20)), ("at once", Duration::ZERO)] {
                let reader = match consumed {
                    Consumed::Itself => &writer,
                    Consumed::Another => &other,
                };
                let found = latencies(&writer, reader, written, pause).await?;
                let at = |share: usize| found[(found.len() * share / 100).min(found.len() - 1)].as_secs_f64() * 1_000.0;
                let most = found[found.len() - 1].as_secs_f64() * 1_000.0;
                let what = format!("{written:?} by {consumed:?}, {how}");
                println!("{name:8} {what:30} {:>8.2} {:>8.2} {most:>8.2}", at(50), at(99));
            }
        }
    }
    Ok(())
}

/// Fills Delta's own log and the table with as many events.
async fn fill(conn: &mut PgConnection, client: &Client<PgStore>, events: &EventLog<PgStore>) -> Result<(), Failure> {
    client.inform_many((0..1_000).map(|id| Item { id: format!("item-{id}") })).await?;
    events.create().await?;
    let columns: String = sqlx::query_scalar(
        "SELECT string_agg(quote_ident(column_name), ', ') FROM information_schema.columns \
         WHERE table_schema = 'delta' AND table_name = 'event' AND column_name <> 'position'",
    )
    .fetch_one(&mut *conn)
    .await?;
    let own = format!(
        "INSERT INTO delta.event ({columns}) SELECT {columns} \
         FROM (SELECT * FROM delta.event ORDER BY position LIMIT 1000) e, generate_series(2, {}) n",
        EVENTS / 1_000
    );
    let table = format!(
        "INSERT INTO item_events (foreign_id, type, timestamp, metadata) \
         SELECT 'item-' || n, 1, now(), '\\x00010203'::bytea FROM generate_series(1, {EVENTS}) n"
    );
    for statement in [own.as_str(), &table, "VACUUM ANALYZE delta.event", "VACUUM ANALYZE item_events"] {
        sqlx::query(sqlx::AssertSqlSafe(statement)).execute(&mut *conn).await?;
    }
    Ok(())
}

/// The statement that a store has prepared on its connection and that names this.
async fn prepared(conn: &mut PgConnection, part: &str) -> Result<String, Failure> {
    let found = sqlx::query_scalar("SELECT statement FROM pg_prepared_statements WHERE strpos(statement, $1) > 0")
        .bind(part)
        .fetch_optional(conn)
        .await?;
    Ok(found.ok_or_else(|| format!("expected a prepared statement with {part:?}, found none"))?)
}

/// Reads pages with a bare statement; returns how many events.
async fn bare(conn: &mut PgConnection, statement: &str, written: Written) -> Result<u64, Failure> {
    let (mut after, mut read) = (0_i64, 0);
    loop {
        let query = sqlx::query(sqlx::AssertSqlSafe(statement)).bind(after).bind(i64::MAX).bind(i64::from(PAGE));
        let query = match written {
            Written::Own => query
                .bind(None::<Vec<String>>)
                .bind(None::<Vec<i32>>)
                .bind(None::<Vec<i32>>)
                .bind(None::<Vec<i32>>)
                .bind(None::<Vec<i32>>)
                .bind(None::<i64>)
                .bind(None::<String>)
                .bind(None::<Vec<String>>)
                .bind(None::<Vec<String>>),
            Written::Table => query.bind(true).bind(None::<Vec<i64>>).bind(None::<String>),
        };
        let rows = query.fetch_all(&mut *conn).await?;
        read += rows.len() as u64;
        match rows.last() {
            Some(last) if rows.len() == PAGE as usize => after = last.try_get(0)?,
            _ => return Ok(read),
        }
    }
}

/// Reads page by page, as the store gives them.
async fn paged<S: EventTables, E: LogEvent>(log: &Log<S, E>) -> Result<u64, Failure> {
    let (mut after, mut read) = (Position::START, 0);
    loop {
        let page = log.page(after, PAGE, &E::Filter::default()).await?;
        read += page.events.len() as u64;
        if page.next == after || page.next == page.head {
            return Ok(read);
        }
        after = page.next;
    }
}

async fn streamed<S: EventTables, E: LogEvent>(log: &Log<S, E>) -> Result<u64, Failure> {
    let mut events = pin!(log.stream(Position::START, E::Filter::default()));
    let mut read = 0;
    while read < EVENTS {
        events.next().await.ok_or("the log has ended")??;
        read += 1;
    }
    Ok(read)
}

async fn consumed<S: EventTables, E: LogEvent>(
    log: &Log<S, E>,
    name: &str,
    batch: Option<u32>,
) -> Result<u64, Failure> {
    let handled = Arc::new(AtomicU64::new(0));
    let counted = handled.clone();
    let consumer = match batch {
        None => Consumer::new(name, move |_, _: E| {
            counted.fetch_add(1, Ordering::Relaxed);
            std::future::ready(Ok::<(), std::io::Error>(()))
        }),
        Some(size) => Consumer::batch(name, Batch::new().size(size as usize), move |_, events: Vec<E>| {
            counted.fetch_add(events.len() as u64, Ordering::Relaxed);
            std::future::ready(Ok::<(), std::io::Error>(()))
        }),
    };
    log.consumer(consumer).page_size(PAGE).to_head().run_once().await.map_err(|failure| failure.to_string())?;
    Ok(handled.load(Ordering::Relaxed))
}

/// Ways to read a log, from the barest.
const WAYS: [&str; 5] = ["statement", "page", "stream", "consumer", "batch consumer"];

async fn read<S: EventTables, E: LogEvent>(log: &Log<S, E>, way: usize, name: &str) -> Result<u64, Failure> {
    match way {
        1 => paged(log).await,
        2 => streamed(log).await,
        3 => consumed(log, name, None).await,
        _ => consumed(log, name, Some(PAGE)).await,
    }
}

fn rate(events: u64, took: Duration) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "far fewer than 2^53 events")]
    let events = events as f64;
    events / took.as_secs_f64()
}

/// Reads all of the log by a store in all ways but the barest; the best rate of each.
async fn rates<S: EventTables>(client: &Client<S>, driver: &str, written: Written) -> Result<[f64; 5], Failure> {
    let mut best = [0.0_f64; 5];
    for round in 0..ROUNDS {
        for way in 1..WAYS.len() {
            let name = format!("{driver}-{way}-{round}");
            let started = now();
            let read = match written {
                Written::Own => read(&client.log(), way, &name).await?,
                Written::Table => read(&client.event_log(items())?.log(), way, &name).await?,
            };
            let found = rate(read, started.elapsed());
            assert_eq!(read, EVENTS, "all are read: {} of {written:?} through {driver}", WAYS[way]);
            best[way] = best[way].max(found);
        }
    }
    Ok(best)
}

async fn throughput(url: &str) -> Result<(), Failure> {
    let store = PgStore::connect(url).await?;
    store.migrate_to(Target::Latest).await?;
    let client = Client::builder(store.clone()).build()?;
    let diesel = Client::builder(PgDieselStore::connect(url).await?).build()?;
    let events = client.event_log(items())?;
    let mut conn = store.acquire(Access::Write).await?;
    fill(&mut conn, &client, &events).await?;
    println!("\n{EVENTS} events, pages of {PAGE}, best of {ROUNDS}");
    println!("{:8} {:8} {:16} {:>12} {:>12}", "log", "driver", "way", "events/s", "of statement");
    for written in [Written::Own, Written::Table] {
        let part = match written {
            Written::Own => {
                let query =
                    delta::EventQuery { after: Position::START, limit: 1, filter: delta::EventFilter::default() };
                store.events(&mut conn, &query).await?;
                "ORDER BY e.position LIMIT $3"
            }
            Written::Table => {
                let filter = delta::core::TableFilter::default();
                let query = delta::core::TableQuery { after: Position::START, limit: 1, filter };
                store.table_events(&mut conn, &items(), &query).await?;
                "ORDER BY t.\"id\" LIMIT $3"
            }
        };
        let statement = prepared(&mut conn, part).await?;
        let mut bound = 0.0_f64;
        for _ in 0..ROUNDS {
            let started = now();
            let read = bare(&mut conn, &statement, written).await?;
            bound = bound.max(rate(read, started.elapsed()));
            assert_eq!(read, EVENTS, "all are read: {statement}");
        }
        println!("{:8} {:8} {:16} {bound:>12.0} {:>12.2}", format!("{written:?}"), "sqlx", WAYS[0], 1.0);
        for (driver, rates) in
            [("sqlx", rates(&client, "sqlx", written).await?), ("diesel", rates(&diesel, "diesel", written).await?)]
        {
            for (way, rate) in WAYS.iter().zip(rates).skip(1) {
                println!("{:8} {driver:8} {way:16} {rate:>12.0} {:>12.2}", format!("{written:?}"), rate / bound);
            }
        }
    }
    Ok(())
}

#[tokio::main]
async fn main() -> Result<(), Failure> {
    println!("from the end of a commit to the consumer's call, {COMMITS} commits, in ms");
    println!("{:8} {:30} {:>8} {:>8} {:>8}", "driver", "written and consumed", "p50", "p99", "max");
    let database = PostgresDatabase::create().await?;
    latency("sqlx", [PgStore::connect(database.url()).await?, PgStore::connect(database.url()).await?]).await?;
    let database = PostgresDatabase::create().await?;
    latency("diesel", [PgDieselStore::connect(database.url()).await?, PgDieselStore::connect(database.url()).await?])
        .await?;
    let database = PostgresDatabase::create().await?;
    throughput(database.url()).await
}
