use std::collections::VecDeque;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use delta_core::{
    Access, ErrorKind, EventTable, EventTables, Gap, Position, Result, TableEvent, TableFilter, borrow_session,
};
use tokio::select;
use tokio::sync::Notify;
use tokio::time::{Instant, timeout};

use crate::client::Client;
use crate::clock::instant;
use crate::log::head::Head;
use crate::log::source::finish;
use crate::metrics;

/// How many ids one call is to look at.
const CHUNK: i64 = 1_000;
/// How many calls one round makes at most.
const CALLS: usize = 100;
/// How long one call may take: a store gives up on what an open transaction has well before.
const LONGEST: Duration = Duration::from_secs(30);

/// How [`EventLog::fill_gaps`](crate::EventLog::fill_gaps) fills gaps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FillGaps {
    patience: Duration,
    interval: Duration,
}

impl Default for FillGaps {
    fn default() -> Self {
        Self { patience: Duration::from_millis(200), interval: Duration::from_secs(1) }
    }
}

impl FillGaps {
    /// The defaults.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// For how long a missing id is left alone after a later one was seen: most are about to be committed; 200 ms by
    /// default.
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
}

/// Fills the gaps of one table.
///
/// A gap that an open transaction has is left, and those behind it are filled all the same: each id is tried once when it
/// is old enough, and the first gap, which is the one that readers stand before, again and again.
pub(super) struct Filler<'a, S> {
    client: &'a Client<S>,
    table: &'a EventTable,
    head: &'a Arc<Head<TableEvent>>,
    options: FillGaps,
    /// There are no gaps up to here.
    whole: Position,
    /// All ids up to here were tried.
    tried: Position,
    /// The last ids that were given out at these times.
    ends: VecDeque<(Instant, Position)>,
}

impl<'a, S: EventTables> Filler<'a, S> {
    pub(super) fn new(
        client: &'a Client<S>,
        table: &'a EventTable,
        head: &'a Arc<Head<TableEvent>>,
        options: FillGaps,
    ) -> Self {
        let (whole, tried) = (Position::START, Position::START);
        Self { client, table, head, options, whole, tried, ends: VecDeque::new() }
    }

    /// Fills until `shutdown`, and says how many ids it has filled.
    pub(super) async fn run(mut self, shutdown: impl Future<Output = ()>) -> u64 {
        let met = Arc::new(Notify::new());
        let meets = met.clone();
        let _listener = self.head.gaps.listen(move |_| meets.notify_one());
        let mut shutdown = pin!(shutdown);
        let (mut filled, mut failed) = (0, false);
        loop {
            let round = select! {
                biased;
                () = &mut shutdown => return filled,
                round = self.round(&mut filled) => round,
            };
            let pause = match round {
                Ok(pause) => {
                    failed = false;
                    pause
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
                () = &mut shutdown => return filled,
                _ = timeout(pause, met.notified()) => {}
            }
        }
    }

    /// Fills what is old enough, and says in how long to look again.
    async fn round(&mut self, filled: &mut u64) -> Result<Duration> {
        let now = instant();
        let page = match self.head.read(self.whole, 1, &TableFilter::default()).await {
            Err(error) if error.kind() == ErrorKind::CursorTooOld => {
                self.whole = Position::START;
                return Ok(Duration::ZERO);
            }
            page => page?,
        };
        self.whole = page.head;
        let Some(gap) = page.gap else {
            self.tried = self.tried.max(page.head);
            self.ends.clear();
            return Ok(self.options.interval);
        };
        if self.ends.back().is_none_or(|(_, end)| *end < page.end()) {
            self.ends.push_back((now, page.end()));
        }
        let old = |(seen, _): &(Instant, Position)| now - *seen >= self.options.patience;
        let count = self.ends.partition_point(old);
        let Some((_, old_end)) = self.ends.drain(..count).next_back() else {
            return Ok(self.options.patience.min(self.options.interval));
        };
        // It stays old.
        self.ends.push_front((now.checked_sub(self.options.patience).unwrap_or(now), old_end));
        if gap.before > old_end {
            return Ok(self.options.patience.min(self.options.interval));
        }
        let behind = self.tried.max(Position::new(gap.before.get() - 1));
        let ((first, first_error), (rest, tried, rest_error)) =
            tokio::join!(self.fill_first(gap), self.fill_behind(behind, old_end));
        self.tried = tried;
        if first + rest > 0 {
            *filled += first + rest;
            metrics::log_gaps_filled(&self.table.log_name(), first + rest);
            self.client.engine.appended_to(&self.table.log_name(), self.table.notified_by());
        }
        match first_error.or(rest_error) {
            Some(error) => Err(error),
            None if first + rest > 0 => Ok(Duration::ZERO),
            None => Ok(self.options.patience.min(self.options.interval)),
        }
    }

    async fn fill_first(&self, gap: Gap) -> (u64, Option<delta_core::Error>) {
        match self.fill(gap).await {
            Ok(filled) => (filled, None),
            Err(error) => (0, Some(error)),
        }
    }

    /// Tries all ids after one and before another. Says how many it has filled, and how far it came.
    async fn fill_behind(&self, mut after: Position, before: Position) -> (u64, Position, Option<delta_core::Error>) {
        let mut filled = 0;
        for _ in 0..CALLS {
            if after.get() + 1 >= before.get() {
                break;
            }
            let end = before.min(Position::new(after.get() + CHUNK + 1));
            match self.fill(Gap { after, before: end }).await {
                Ok(ids) => filled += ids,
                Err(error) => return (filled, after, Some(error)),
            }
            after = Position::new(end.get() - 1);
        }
        (filled, after, None)
    }

    async fn fill(&self, gap: Gap) -> Result<u64> {
        let store = &self.client.store;
        let mut conn = store.acquire(Access::Write).await?;
        let filled = async {
            let now = self.client.engine.now(&mut borrow_session(store, &mut *conn)).await?;
            store.fill_gap(&mut conn, self.table, gap, now).await
        };
        if let Ok(filled) = timeout(LONGEST, filled).await {
            return finish(store, conn, filled);
        }
        store.discard(conn);
        Ok(0)
    }
}
