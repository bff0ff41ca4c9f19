use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::task::JoinSet;

use super::counters::{Counters, Server};
use super::{Usage, processes};
use crate::clock::sleep;
use crate::failure::Failure;
use crate::server::Place;

/// How often the memory of a server is looked at.
const LOOK: Duration = Duration::from_millis(100);

/// Measures what is taken from its start to its finish.
///
/// The caller waits for processes that it has started before it finishes; what the sessions of Postgres did is known when
/// they have ended, so the store is dropped before [`usage`](Self::usage) is asked for.
#[derive(Debug)]
pub struct Meter {
    server: Server,
    before: Reading,
    counted: Counters,
    finished: Option<Reading>,
    peak: Arc<AtomicU64>,
    looking: JoinSet<()>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Reading {
    wal_bytes: Option<f64>,
    server_cpu_ms: Option<f64>,
    client_cpu_ms: Option<f64>,
    peak_rss_mb: Option<f64>,
}

impl Meter {
    /// Starts to measure.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future changes nothing.
    pub async fn start(place: &Place) -> Result<Self, Failure> {
        Self::of(Server::connect(place).await?).await
    }

    /// Starts to measure on the server of a database of Postgres.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future changes nothing.
    pub async fn start_postgres(url: &str) -> Result<Self, Failure> {
        Self::of(Server::postgres(url).await?).await
    }

    async fn of(mut server: Server) -> Result<Self, Failure> {
        let peak = Arc::new(AtomicU64::new(0));
        let mut looking = JoinSet::new();
        if let Some(process) = server.process() {
            looking.spawn(look(process, peak.clone()));
        }
        let counted = server.counters().await?;
        processes::reset_own_peak();
        let before = read(&mut server).await?;
        Ok(Self { server, before, counted, finished: None, peak, looking })
    }

    /// Ends what is measured.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future lets it go on.
    pub async fn finish(&mut self) -> Result<(), Failure> {
        self.finished = Some(read(&mut self.server).await?);
        self.looking.abort_all();
        Ok(())
    }

    /// What was taken for each 1,000 of so many items.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future changes nothing.
    pub async fn usage(mut self, items: usize) -> Result<Option<Usage>, Failure> {
        if self.finished.is_none() {
            self.finish().await?;
        }
        self.server.alone().await?;
        let counted = self.server.counters().await?;
        let (before, after) = (self.before, self.finished.unwrap_or_default());
        let each = |before: Option<f64>, after: Option<f64>| Some((after? - before?) * 1_000.0 / count(items));
        let peak = f64::from_bits(self.peak.load(Ordering::Relaxed));
        Ok(Some(Usage {
            wal_bytes: each(before.wal_bytes, after.wal_bytes),
            commits: each(self.counted.commits, counted.commits),
            dead_rows: each(self.counted.dead_rows, counted.dead_rows),
            server_cpu_ms: each(before.server_cpu_ms, after.server_cpu_ms),
            client_cpu_ms: each(before.client_cpu_ms, after.client_cpu_ms),
            peak_rss_mb: after.peak_rss_mb,
            server_peak_rss_mb: (peak > 0.0).then_some(peak),
        }))
    }
}

async fn read(server: &mut Server) -> Result<Reading, Failure> {
    Ok(Reading {
        wal_bytes: server.wal_bytes().await?,
        server_cpu_ms: server.process().and_then(processes::family_cpu_ms),
        client_cpu_ms: processes::cpu_ms(std::process::id()),
        peak_rss_mb: processes::own_peak_mb(),
    })
}

/// Keeps the highest of what a server's memory is seen to be.
async fn look(process: u32, peak: Arc<AtomicU64>) {
    loop {
        if let Some(mb) = processes::family_mb(process) {
            let highest = f64::from_bits(peak.load(Ordering::Relaxed)).max(mb);
            peak.store(highest.to_bits(), Ordering::Relaxed);
        }
        sleep(LOOK).await;
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts of items are far below 2^52")]
fn count(items: usize) -> f64 {
    items.max(1) as f64
}
