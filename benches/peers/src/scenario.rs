//! The scenarios, the same for every engine.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use crate::engine::Engine;
use crate::item::{Item, Noise};
use crate::mode::{Mode, Scenario};
use crate::report::Measured;
use crate::server::Server;
use crate::work;

/// What a scenario is run with.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Size {
    pub(crate) items: usize,
    pub(crate) payload: usize,
    pub(crate) rounds: usize,
}

/// Rounds of [`Scenario::Pickup`] that are not counted; never more than are.
const WARM_UP: usize = 10;

/// Runs a scenario on an engine that was opened for it.
pub(crate) async fn run<E: Engine>(
    engine: &mut E,
    server: &Server,
    scenario: Scenario,
    size: Size,
) -> Result<Measured> {
    match scenario {
        Scenario::Enqueue => enqueue(engine, server, size).await,
        Scenario::Drain => drain(engine, server, size).await,
        Scenario::Pickup => pickup(engine, server, size).await,
    }
}

/// Opens an engine on a database that holds nothing of it.
pub(crate) async fn open<E: Engine>(url: &str, server: &Server, mode: Mode, scenario: Scenario) -> Result<E> {
    server.clean(&E::ABOUT).await?;
    E::open(url, mode, scenario).await.with_context(|| format!("cannot open {}", E::ABOUT.name))
}

async fn enqueue<E: Engine>(engine: &E, server: &Server, size: Size) -> Result<Measured> {
    let items = Item::many(size.items, size.payload);
    server.settle().await?;
    let wal = server.wal().await?;
    let begun = Instant::now();
    engine.enqueue(items).await?;
    let seconds = begun.elapsed().as_secs_f64();
    let wal_bytes = server.wal().await? - wal;
    server.loaded(&E::ABOUT, size.items).await?;
    Ok(Measured::Throughput { items: size.items, seconds, wal_bytes, look_ms: 0 })
}

async fn drain<E: Engine>(engine: &mut E, server: &Server, size: Size) -> Result<Measured> {
    engine.enqueue(Item::many(size.items, size.payload)).await?;
    server.loaded(&E::ABOUT, size.items).await?;
    server.settle().await?;
    work::expect(size.items);
    let wal = server.wal().await?;
    let begun = Instant::now();
    engine.start().await?;
    work::called().await;
    server.finished(&E::ABOUT, size.items).await?;
    let seconds = begun.elapsed().as_secs_f64();
    let wal_bytes = server.wal().await? - wal;
    Ok(Measured::Throughput { items: size.items, seconds, wal_bytes, look_ms: Server::LOOK.as_millis() })
}

async fn pickup<E: Engine>(engine: &mut E, server: &Server, size: Size) -> Result<Measured> {
    let mut starts = work::starts()?;
    engine.start().await?;
    let mut noise = Noise::new();
    let warm_up = WARM_UP.min(size.rounds);
    let mut latencies = Vec::with_capacity(size.rounds);
    for (round, item) in Item::many(warm_up + size.rounds, size.payload).into_iter().enumerate() {
        let begun = Instant::now();
        engine.enqueue_one(item).await?;
        let started = starts.recv().await.context("expected the handler to be called, found that nobody can")?;
        if round >= warm_up {
            latencies.push(started.saturating_duration_since(begun));
        }
        server.finished(&E::ABOUT, round + 1).await?;
        // Idle again before the next, and in no step with what the engine does periodically.
        tokio::time::sleep(Duration::from_millis(5 + noise.next() % 10)).await;
    }
    latencies.sort_unstable();
    let rank = |hundredths: usize| {
        let index = (latencies.len() * hundredths).div_ceil(100).saturating_sub(1);
        latencies.get(index).map_or(0.0, |latency| latency.as_secs_f64() * 1_000.0)
    };
    Ok(Measured::Latency { rounds: size.rounds, p50_ms: rank(50), p99_ms: rank(99), max_ms: rank(100) })
}
