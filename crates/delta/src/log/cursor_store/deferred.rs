use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use delta_core::{Error, Position, Result};
use futures::future::BoxFuture;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::clock::sleep;
use crate::log::cursor_store::{CursorStore, behind};
use crate::{metrics, tasks};

/// Writes places to another store in the background, the last of each consumer once in a while: by default every 5 s.
///
/// # Guarantees
///
/// - What could not be written is kept, and written with the next period or flush, whichever comes first.
/// - A failure in the background is logged and counted (`delta_errors_total`, part `cursors`); one that does not pass by
///   itself is also returned by the next save or flush.
/// - Dropping it writes what is left, in the background, as long as the runtime lives. Whoever has to know calls
///   [`flush`](CursorStore::flush).
///
/// # Assumptions
///
/// Whoever loses the process gets the events of the last period again.
#[derive(Debug)]
pub struct DeferredCursors<C> {
    shared: Arc<Shared<C>>,
    period: Duration,
    tasks: TaskTracker,
    gone: CancellationToken,
}

#[derive(Debug)]
struct Shared<C> {
    cursors: C,
    places: Mutex<Places>,
    /// Held while places are written, so that a later one is never overtaken by an earlier one.
    writing: tokio::sync::Mutex<()>,
}

#[derive(Debug, Default)]
struct Places {
    /// The last place of each consumer that was loaded or saved.
    known: BTreeMap<String, Position>,
    /// Those that are yet to be written.
    pending: BTreeMap<String, Position>,
    /// Whether a task is going to write them.
    scheduled: bool,
    failed: Option<Error>,
}

impl<C: CursorStore> DeferredCursors<C> {
    /// The time between two writes: 5 s.
    pub const PERIOD: Duration = Duration::from_secs(5);

    /// Writes to `cursors`.
    #[must_use]
    pub fn new(cursors: C) -> Self {
        let shared = Shared { cursors, places: Mutex::default(), writing: tokio::sync::Mutex::default() };
        Self {
            shared: Arc::new(shared),
            period: Self::PERIOD,
            tasks: TaskTracker::new(),
            gone: CancellationToken::new(),
        }
    }

    /// How long a place waits to be written at most; 5 s by default.
    #[must_use]
    pub fn every(mut self, period: Duration) -> Self {
        self.period = period;
        self
    }

    fn put(&self, consumer: &str, position: Position) -> Result<()> {
        let mut places = self.shared.places();
        if let Some(error) = places.failed.take() {
            return Err(error);
        }
        match places.known.get(consumer) {
            Some(known) if *known > position => return Err(behind(*known, position)),
            Some(known) if *known == position => return Ok(()),
            _ => {}
        }
        places.known.insert(consumer.to_owned(), position);
        places.pending.insert(consumer.to_owned(), position);
        if !std::mem::replace(&mut places.scheduled, true) {
            let (shared, gone, period) = (self.shared.clone(), self.gone.clone(), self.period);
            tasks::spawn(&self.tasks, async move { shared.write_later(period, &gone).await });
        }
        Ok(())
    }
}

impl<C: CursorStore> Shared<C> {
    fn places(&self) -> MutexGuard<'_, Places> {
        self.places.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes once in a period until there is nothing left to write.
    async fn write_later(&self, period: Duration, gone: &CancellationToken) {
        loop {
            let last = tokio::select! {
                biased;
                () = gone.cancelled() => true,
                () = sleep(period) => false,
            };
            if let Err(error) = self.write().await {
                tracing::warn!(%error, "places of consumers could not be written; they are kept");
                metrics::error("cursors", &error);
                if !error.is_transient() {
                    self.places().failed = Some(error);
                }
            }
            let mut places = self.places();
            if places.pending.is_empty() || last {
                places.scheduled = false;
                return;
            }
        }
    }

    /// Writes what is pending, all that can be, and returns the first error.
    async fn write(&self) -> Result<()> {
        let _writing = self.writing.lock().await;
        let pending = self.places().pending.clone();
        let mut result = Ok(());
        for (consumer, position) in pending {
            let saved = self.cursors.save(&consumer, position).await;
            // A place that is refused for good, as somebody else has moved on from it, is not offered again.
            if saved.as_ref().err().is_none_or(|error| !error.is_transient()) {
                let mut places = self.places();
                if places.pending.get(&consumer) == Some(&position) {
                    places.pending.remove(&consumer);
                }
                if saved.is_err() {
                    places.known.remove(&consumer);
                }
            }
            result = result.and(saved);
        }
        result
    }
}

impl<C: CursorStore> CursorStore for DeferredCursors<C> {
    fn load<'a>(&'a self, consumer: &'a str) -> BoxFuture<'a, Result<Option<Position>>> {
        Box::pin(async move {
            let stored = self.shared.cursors.load(consumer).await?;
            let mut places = self.shared.places();
            let place = stored.max(places.pending.get(consumer).copied());
            if let Some(place) = place {
                places.known.insert(consumer.to_owned(), place);
            }
            Ok(place)
        })
    }

    fn save<'a>(&'a self, consumer: &'a str, position: Position) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move { self.put(consumer, position) })
    }

    fn flush(&self) -> BoxFuture<'_, Result<()>> {
        Box::pin(async move {
            self.shared.write().await?;
            self.shared.cursors.flush().await?;
            self.shared.places().failed.take().map_or(Ok(()), Err)
        })
    }
}

impl<C> Drop for DeferredCursors<C> {
    fn drop(&mut self) {
        self.gone.cancel();
    }
}

#[cfg(test)]
mod tests {
    use delta_core::ErrorKind;

    use super::*;
    use crate::log::cursor_store::MemoryCursors;
    use crate::log::cursor_store::fake::Flaky;

    async fn pass(time: Duration) {
        sleep(time).await;
    }

    async fn place(cursors: &Flaky, consumer: &str) -> Option<i64> {
        cursors.load(consumer).await.unwrap().map(Position::get)
    }

    #[tokio::test(start_paused = true)]
    async fn the_last_place_of_each_consumer_is_written_once_in_a_period_of_5_s() {
        let under = Arc::new(Flaky::default());
        let cursors = DeferredCursors::new(under.clone());
        for position in 1..=100 {
            cursors.save("a", Position::new(position)).await.unwrap();
        }
        cursors.save("b", Position::new(1)).await.unwrap();
        pass(Duration::from_millis(4_999)).await;
        assert_eq!((under.saves(), cursors.load("a").await.unwrap()), (0, Some(Position::new(100))));
        pass(Duration::from_millis(2)).await;
        assert_eq!((under.saves(), place(&under, "a").await, place(&under, "b").await), (2, Some(100), Some(1)));
        pass(Duration::from_mins(1)).await;
        assert_eq!(under.saves(), 2, "nothing is written where nothing has moved");
        cursors.save("a", Position::new(101)).await.unwrap();
        pass(Duration::from_secs(6)).await;
        assert_eq!(place(&under, "a").await, Some(101));
    }

    #[tokio::test(start_paused = true)]
    async fn what_could_not_be_written_is_kept_and_written_with_the_next_period() {
        let under = Arc::new(Flaky::default());
        let cursors = DeferredCursors::new(under.clone());
        under.fail(true);
        cursors.save("a", Position::new(5)).await.unwrap();
        cursors.save("b", Position::new(6)).await.unwrap();
        pass(Duration::from_secs(6)).await;
        assert_eq!(under.saves(), 2, "one that fails does not keep the other from being tried");
        assert_eq!(cursors.flush().await.unwrap_err().kind(), ErrorKind::Unavailable);
        assert_eq!(cursors.load("a").await.unwrap(), Some(Position::new(5)), "kept");
        under.fail(false);
        pass(Duration::from_secs(5)).await;
        assert_eq!((place(&under, "a").await, place(&under, "b").await), (Some(5), Some(6)));
        cursors.flush().await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn a_flush_after_a_failed_one_writes_all_that_is_pending() {
        let under = Arc::new(Flaky::default());
        let cursors = DeferredCursors::new(under.clone()).every(Duration::from_hours(1));
        under.fail(true);
        cursors.save("a", Position::new(5)).await.unwrap();
        cursors.save("b", Position::new(6)).await.unwrap();
        cursors.flush().await.unwrap_err();
        under.fail(false);
        cursors.flush().await.unwrap();
        assert_eq!((place(&under, "a").await, place(&under, "b").await), (Some(5), Some(6)));
    }

    #[tokio::test(start_paused = true)]
    async fn a_lower_place_is_refused_at_once_and_an_equal_one_writes_nothing() {
        let under = Arc::new(Flaky::default());
        under.save("a", Position::new(5)).await.unwrap();
        let cursors = DeferredCursors::new(under.clone());
        assert_eq!(cursors.load("a").await.unwrap(), Some(Position::new(5)));
        assert_eq!(cursors.save("a", Position::new(4)).await.unwrap_err().kind(), ErrorKind::Invalid);
        cursors.save("a", Position::new(5)).await.unwrap();
        cursors.flush().await.unwrap();
        assert_eq!(under.saves(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn a_place_that_somebody_else_has_passed_is_an_error_of_the_next_save() {
        let under = Arc::new(MemoryCursors::new());
        let cursors = DeferredCursors::new(under.clone());
        cursors.save("a", Position::new(5)).await.unwrap();
        under.save("a", Position::new(9)).await.unwrap();
        pass(Duration::from_secs(6)).await;
        assert_eq!(cursors.save("a", Position::new(6)).await.unwrap_err().kind(), ErrorKind::Invalid);
        assert_eq!(cursors.load("a").await.unwrap(), Some(Position::new(9)));
        cursors.save("a", Position::new(10)).await.unwrap();
        cursors.flush().await.unwrap();
        assert_eq!(under.load("a").await.unwrap(), Some(Position::new(10)));
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_left_is_written_when_it_is_dropped() {
        let under = Arc::new(Flaky::default());
        let cursors = DeferredCursors::new(under.clone());
        cursors.save("a", Position::new(5)).await.unwrap();
        drop(cursors);
        pass(Duration::from_millis(1)).await;
        assert_eq!(place(&under, "a").await, Some(5));
    }
}
