use std::collections::BTreeMap;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use delta_core::{Access, EventTable, EventTables, Gap, Position, Result, TableEvent, TableFilter, borrow_session};
use futures::StreamExt as _;
use futures::stream;
use tokio::select;
use tokio::sync::Notify;
use tokio::time::{Instant, timeout};

use crate::client::Client;
use crate::clock::instant;
use crate::log::head::Head;
use crate::log::source::finish;
use crate::metrics;

/// How many gaps are looked for at once.
const MOST: usize = 1_000;
/// How long filling one gap may take: a store gives up on what an open transaction has well before.
const LONGEST: Duration = Duration::from_secs(30);

/// How [`EventLog::fill_gaps`](crate::EventLog::fill_gaps) fills gaps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FillGaps {
    patience: Duration,
    interval: Duration,
    at_once: usize,
}

impl Default for FillGaps {
    fn default() -> Self {
        Self { patience: Duration::from_millis(200), interval: Duration::from_secs(1), at_once: 4 }
    }
}

impl FillGaps {
    /// The defaults.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// For how long a gap is left alone after it was found: most are about to be committed; 200 ms by default.
    #[must_use]
    pub fn patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// How often to look for gaps that no reader of this client stands before; 1 s by default.
    #[must_use]
    pub fn interval(mut self, interval: Duration) -> Self {
        self.interval = interval;
        self
    }

    /// How many gaps are filled at the same time, each on a connection of its own; 4 by default, at least 1.
    #[must_use]
    pub fn at_once(mut self, gaps: usize) -> Self {
        self.at_once = gaps.max(1);
        self
    }
}

/// Fills the gaps of one table.
pub(super) struct Filler<'a, S> {
    client: &'a Client<S>,
    table: &'a EventTable,
    head: &'a Arc<Head<TableEvent>>,
    options: FillGaps,
    /// There are no gaps up to here.
    whole: Position,
    /// The gaps that were found, by what is behind them, and since when.
    open: BTreeMap<Position, Instant>,
    filled: u64,
}

impl<'a, S: EventTables> Filler<'a, S> {
    pub(super) fn new(
        client: &'a Client<S>,
        table: &'a EventTable,
        head: &'a Arc<Head<TableEvent>>,
        options: FillGaps,
    ) -> Self {
        Self { client, table, head, options, whole: Position::START, open: BTreeMap::new(), filled: 0 }
    }

    pub(super) async fn run(mut self, shutdown: impl Future<Output = ()>) -> u64 {
        let met = Arc::new(Notify::new());
        let meets = met.clone();
        let _listener = self.head.gaps.listen(move |_| meets.notify_one());
        let mut shutdown = pin!(shutdown);
        let mut failed = false;
        loop {
            let round = select! {
                biased;
                () = &mut shutdown => return self.filled,
                round = self.round() => round,
            };
            let next = match round {
                Ok(next) => {
                    failed = false;
                    next
                }
                Err(error) => {
                    metrics::error("fill gaps", &error);
                    if !std::mem::replace(&mut failed, true) {
                        tracing::warn!(table = self.table.name(), %error, "could not fill gaps: tried again");
                    }
                    self.options.interval
                }
            };
            select! {
                biased;
                () = &mut shutdown => return self.filled,
                // Only a gap that is new is met: one that is known is tried in its time.
                _ = timeout(next, met.notified()) => {}
            }
        }
    }

    /// Fills what is to be filled now, and says in how long to look again.
    async fn round(&mut self) -> Result<Duration> {
        let gaps = self.find().await?;
        let now = instant();
        let known = std::mem::take(&mut self.open);
        self.open = gaps.iter().map(|gap| (gap.before, known.get(&gap.before).copied().unwrap_or(now))).collect();
        let patience = self.options.patience;
        let (ripe, green): (Vec<Gap>, Vec<Gap>) =
            gaps.into_iter().partition(|gap| now - self.open[&gap.before] >= patience);
        let fills = ripe.iter().map(|gap| self.fill(*gap));
        let results: Vec<Result<u64>> = stream::iter(fills).buffer_unordered(self.options.at_once).collect().await;
        let mut error = None;
        let mut filled = 0;
        for result in results {
            match result {
                Ok(ids) => filled += ids,
                Err(failure) => error = Some(failure),
            }
        }
        if filled > 0 {
            self.filled += filled;
            metrics::log_gaps_filled(&self.table.log_name(), filled);
            self.client.engine.appended_to(&self.table.log_name(), self.table.notified_by());
        }
        match error {
            Some(error) => Err(error),
            None if filled > 0 => Ok(Duration::ZERO),
            None if !green.is_empty() => Ok(patience.min(self.options.interval)),
            None => Ok(self.options.interval),
        }
    }

    async fn fill(&self, gap: Gap) -> Result<u64> {
        let store = &self.client.store;
        let mut conn = store.acquire(Access::Write).await?;
        let filled = async {
            let now = self.client.engine.now(&mut borrow_session(store, &mut *conn)).await?;
            store.fill_gap(&mut conn, self.table, gap, now).await
        };
        match timeout(LONGEST, filled).await {
            Ok(filled) => finish(store, conn, filled),
            Err(_) => {
                store.discard(conn);
                Ok(0)
            }
        }
    }

    /// The gaps that are there now. Reading on behind a gap finds the next one.
    async fn find(&mut self) -> Result<Vec<Gap>> {
        let mut gaps: Vec<Gap> = Vec::new();
        let all = TableFilter::default();
        if self.whole == Position::START {
            // Up to its head a log is whole.
            self.whole = self.head.read(self.whole, 1, &all).await?.head;
        }
        let mut after = self.whole;
        while gaps.len() < MOST {
            let page = self.head.read(after, self.head.limits.page, &all).await?;
            let next = match page.gap {
                Some(gap) => {
                    gaps.push(gap);
                    Position::new(gap.before.get() - 1)
                }
                None => page.next,
            };
            if gaps.is_empty() {
                self.whole = next;
            }
            if next <= after || page.gap.is_none() && page.next >= page.head {
                break;
            }
            after = next;
        }
        Ok(gaps)
    }
}
