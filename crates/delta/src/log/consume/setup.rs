use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use delta_core::plan::consume::{CursorData, Shape, check_name};
use delta_core::{Backoff, Invalid, LogEvent, LogStore, Result, RetryPolicy};

use crate::engine::{Bounded, Engine};
use crate::log::consume::CursorWrites;
use crate::log::consume::options::Start;
use crate::log::consumer::{Consumer, Handler, Order};
use crate::log::{CursorStore, Log, RecordErrors, RecordOnly};

/// The longest lease by default.
const LEASE: Duration = Duration::from_secs(15);

/// How a consumer is run.
#[derive(Clone)]
pub(super) struct Options {
    pub(super) start: Start,
    pub(super) to_head: bool,
    pub(super) lag: Duration,
    pub(super) writes: CursorWrites,
    pub(super) cursor_store: Option<Arc<dyn CursorStore>>,
    pub(super) retry: Arc<dyn RetryPolicy>,
    pub(super) lease: Option<Duration>,
    pub(super) lag_alert: Option<Duration>,
    pub(super) activity_window: Option<Duration>,
    pub(super) page_size: u32,
    pub(super) grace: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            start: Start::default(),
            to_head: false,
            lag: Duration::ZERO,
            writes: CursorWrites::default(),
            cursor_store: None,
            retry: Arc::new(Backoff::new(Duration::from_secs(1), Duration::from_mins(1))),
            lease: None,
            lag_alert: Some(Duration::from_mins(30)),
            activity_window: Some(Duration::from_hours(24)),
            page_size: 1_000,
            grace: Duration::from_secs(5),
        }
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("start", &self.start)
            .field("to_head", &self.to_head)
            .field("lag", &self.lag)
            .field("writes", &self.writes)
            .finish_non_exhaustive()
    }
}

/// A consumer that is checked and ready to be run.
pub(super) struct Setup<S: LogStore, E: LogEvent> {
    pub(super) log: Log<S, E>,
    store: Bounded<S>,
    pub(super) consumer: Consumer<S, E>,
    pub(super) options: Options,
    pub(super) recorder: Arc<dyn RecordErrors<S>>,
    pub(super) letters: delta_core::ErrorTable,
}

impl<S: LogStore, E: LogEvent> Setup<S, E> {
    /// Checks everything at once.
    pub(super) fn new(log: Log<S, E>, consumer: Consumer<S, E>, options: Options) -> Result<Self> {
        check(&consumer, &options)?;
        let letters = consumer.dead_letter_table.clone().unwrap_or_else(|| log.store().dead_letter_table());
        let recorder = match &consumer.recorder {
            Some(recorder) => recorder.clone(),
            None => Arc::new(RecordOnly::new(letters.clone())?),
        };
        let store = log.client().bounded();
        Ok(Self { log, store, consumer, options, recorder, letters })
    }

    pub(super) fn name(&self) -> &str {
        &self.consumer.name
    }

    /// What the run itself asks, which is answered in time.
    pub(super) fn store(&self) -> &Bounded<S> {
        &self.store
    }

    pub(super) fn engine(&self) -> &Arc<Engine> {
        &self.log.client().any.engine
    }

    pub(super) fn lease(&self) -> Duration {
        self.options.lease.unwrap_or(LEASE.min(self.engine().settings.lease))
    }

    pub(super) fn is_transactional(&self) -> bool {
        matches!(self.consumer.handler, Handler::InTransaction(_))
    }

    /// What its cursor has to say.
    pub(super) fn data(&self) -> CursorData {
        let shape = if self.consumer.shard_by.is_some() { Shape::Sharded } else { Shape::One };
        CursorData::new(self.log.name().clone(), self.consumer.program.clone(), shape)
    }

    /// The slice of an event; 0 where there is but one.
    pub(super) fn slice(&self, event: &E) -> u16 {
        self.consumer.shard_by.as_ref().map_or(0, |by| by.slice(event))
    }

    /// So many events may be read and not yet handled before reading waits.
    pub(super) fn window(&self) -> usize {
        let page = usize::try_from(self.options.page_size).unwrap_or(usize::MAX);
        let batch = self.consumer.batch.map_or(1, |batch| batch.size);
        page.max(batch.saturating_mul(2)).max(self.consumer.at_once().saturating_mul(2))
    }
}

fn check<S: LogStore, E: LogEvent>(consumer: &Consumer<S, E>, options: &Options) -> Result<(), Invalid> {
    check_name(&consumer.name)?;
    if let Some(batch) = &consumer.batch {
        batch.check()?;
    }
    if consumer.at_once() == 0 {
        return Err(Invalid::new("in flight", "at least 1", "0"));
    }
    if matches!(consumer.handler, Handler::InTransaction(_)) {
        if consumer.order != Order::Log {
            let expected = "the order of the log, as each transaction moves the cursor";
            return Err(Invalid::new("order of a transactional consumer", expected, "another"));
        }
        if options.cursor_store.is_some() {
            let expected = "none, as the cursor moves in the store's own transaction";
            return Err(Invalid::new("cursor store of a transactional consumer", expected, "one"));
        }
    }
    if consumer.shard_by.is_some() && options.cursor_store.is_some() {
        let expected = "none, as slices have cursors of Delta's own";
        return Err(Invalid::new("cursor store of a sharded consumer", expected, "one"));
    }
    if consumer.give_up.is_some_and(|(attempts, _)| attempts == 0) {
        return Err(Invalid::new("attempts before giving up", "at least 1", "0"));
    }
    if let Some(table) = &consumer.dead_letter_table {
        table.check()?;
    }
    let lease = options.lease.unwrap_or(LEASE);
    if lease < Duration::from_millis(100) {
        return Err(Invalid::new("lease", "at least 100 ms", format!("{lease:?}")));
    }
    if !(1..=10_000).contains(&options.page_size) {
        return Err(Invalid::new("page size", "1 to 10,000", options.page_size.to_string()));
    }
    if options.writes == CursorWrites::Every(Duration::ZERO) {
        return Err(Invalid::new("cursor writes", "a time above zero, or Sync", "0 s"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_those_that_are_documented() {
        let options = Options::default();
        assert_eq!((options.start, options.to_head, options.lag), (Start::Beginning, false, Duration::ZERO));
        assert_eq!(options.writes, CursorWrites::Every(Duration::from_secs(5)));
        assert!(options.cursor_store.is_none() && options.lease.is_none());
        assert_eq!(LEASE, Duration::from_secs(15));
        assert_eq!(options.lag_alert, Some(Duration::from_mins(30)));
        assert_eq!(options.activity_window, Some(Duration::from_hours(24)));
        assert_eq!((options.page_size, options.grace), (1_000, Duration::from_secs(5)));
        let delays = [1, 2, 3, 60].map(|attempt| options.retry.delay(attempt, 1.0).as_secs());
        assert_eq!(delays, [1, 2, 4, 60]);
    }
}
