use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use delta_core::{LogEvent, LogStore, Position, Result, RetryPolicy};

use crate::log::consume::options::Start;
use crate::log::consume::setup::{Options, Setup};
use crate::log::consume::{ConsumeFailure, ConsumeSummary, CursorWrites, supervise};
use crate::log::{Consumer, CursorStore, Log};

/// A consumer on a log, and how it is run.
///
/// # Guarantees
///
/// - Every event is handled at least once by each name: the cursor never moves past one that was read and is not handled.
/// - Two runs of one name, wherever they are, never both move its cursor: one works, and the others stand by, or share the
///   slices of a sharded consumer.
/// - A failure is logged and counted at once, not only when the next event comes.
/// - What an attempt returns after a stop, or one that is dropped, does not count as failed.
#[must_use = "it does nothing until it is run"]
pub struct Consumption<S: LogStore, E: LogEvent> {
    log: Log<S, E>,
    consumer: Consumer<S, E>,
    options: Options,
}

impl<S: LogStore, E: LogEvent> Log<S, E> {
    /// Puts a consumer on this log.
    pub fn consumer(&self, consumer: Consumer<S, E>) -> Consumption<S, E> {
        Consumption { log: self.clone(), consumer, options: Options::default() }
    }
}

impl<S: LogStore, E: LogEvent> Consumption<S, E> {
    /// Without a stored cursor, begins behind what is in the log now; at the beginning by default.
    pub fn from_head(mut self) -> Self {
        self.options.start = Start::Head;
        self
    }

    /// Without a stored cursor, begins with the first event, in the order of the log, that happened at this time or later;
    /// at the beginning by default. Times are taken to be ordered as positions are, but for a minute.
    pub fn from(mut self, time: DateTime<Utc>) -> Self {
        self.options.start = Start::Time(time.into());
        self
    }

    /// Without a stored cursor, begins behind this position; at the beginning by default.
    pub fn from_position(mut self, position: Position) -> Self {
        self.options.start = Start::Position(position);
        self
    }

    /// Ends once all is handled that was appended before the run, also what an open transaction holds back; runs for ever by
    /// default.
    pub fn to_head(mut self) -> Self {
        self.options.to_head = true;
        self
    }

    /// Handles events only once they are so old, by the server's clock; none by default.
    pub fn lag(mut self, lag: Duration) -> Self {
        self.options.lag = lag;
        self
    }

    /// When the cursor is written; every 5 s by default.
    pub fn cursor(mut self, writes: CursorWrites) -> Self {
        self.options.writes = writes;
        self
    }

    /// Where the position is kept; in Delta's own cursor by default, which decides in any case who of several works.
    pub fn cursor_store(mut self, store: impl CursorStore) -> Self {
        self.options.cursor_store = Some(Arc::new(store));
        self
    }

    /// How long what has failed waits; a random time of up to 1 s, doubled each time up to 1 min, by default.
    pub fn retry(mut self, policy: impl RetryPolicy + 'static) -> Self {
        self.options.retry = Arc::new(policy);
        self
    }

    /// How long the right to move the cursor holds unless it is renewed, which it is every third of that; the client's
    /// [lease](crate::ClientSettings::lease), but at most 15 s, by default. Another takes over after at most one.
    pub fn lease(mut self, lease: Duration) -> Self {
        self.options.lease = Some(lease);
        self
    }

    /// How far it may lag behind before the metric `delta_consumer_lag_alert` says so; 30 min by default, `None` is never.
    pub fn lag_alert(mut self, lag: impl Into<Option<Duration>>) -> Self {
        self.options.lag_alert = lag.into();
        self
    }

    /// How long after its last event it counts as active in the metrics; 24 h by default, `None` is for as long as it runs.
    pub fn activity_window(mut self, window: impl Into<Option<Duration>>) -> Self {
        self.options.activity_window = window.into();
        self
    }

    /// How many events one query reads, and about how many are read ahead; 1,000 by default, at most 10,000.
    pub fn page_size(mut self, events: u32) -> Self {
        self.options.page_size = events;
        self
    }

    /// How long a stop waits for what is in flight before it is dropped; 5 s by default.
    pub fn grace(mut self, grace: Duration) -> Self {
        self.options.grace = grace;
        self
    }

    /// Runs it until `shutdown`, or with [`to_head`](Self::to_head) until the head: stands by while another has its lease,
    /// tries again what fails, and catches panics. A stop ends within the [grace time](Self::grace).
    ///
    /// # Errors
    ///
    /// What no retry mends: `Invalid` for a setting, for a cursor that is of another log, program or shape, that is beyond the
    /// end of the log, or that is no position; `Corrupt` for what cannot be read; `CursorTooOld` if the log was trimmed
    /// beyond it; `Unsupported` and `Closed` as everywhere. Nothing is handled then, and nothing moved.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future ends what is in flight, which is handled again; the cursor is written and the lease given back in
    /// the background.
    pub async fn run(self, shutdown: impl Future<Output = ()> + Send) -> Result<ConsumeSummary> {
        let setup = Setup::new(self.log, self.consumer, self.options)?;
        supervise::run(Arc::new(setup), shutdown).await
    }

    /// Runs it until the first error, or with [`to_head`](Self::to_head) until the head.
    ///
    /// # Errors
    ///
    /// [`ConsumeFailure::Handler`] for an attempt that has failed, unless the consumer gives up on it: it is counted, and the
    /// cursor is before it. [`ConsumeFailure::Store`] for all else: `Conflict` if another has the lease, and what
    /// [`run`](Self::run) names.
    ///
    /// # Cancel safety
    ///
    /// As [`run`](Self::run).
    pub async fn run_once(self) -> Result<ConsumeSummary, ConsumeFailure> {
        let setup = Setup::new(self.log, self.consumer, self.options)?;
        supervise::run_once(Arc::new(setup)).await
    }
}

impl<S: LogStore, E: LogEvent> fmt::Debug for Consumption<S, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Consumption")
            .field("log", self.log.name())
            .field("consumer", &self.consumer)
            .field("options", &self.options)
            .finish()
    }
}
