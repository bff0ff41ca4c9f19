use std::time::Duration;

use delta_core::{LogName, Position, Timestamp};
use tokio::time::Instant;

use crate::clock::instant;
use crate::metrics::{self, ConsumerLabels};

/// The metrics of a run.
pub(super) struct Meter {
    labels: ConsumerLabels,
    alert: Option<Duration>,
    window: Option<Duration>,
    last_event: Instant,
    end: Position,
}

impl Meter {
    pub(super) fn new(consumer: &str, log: &LogName, alert: Option<Duration>, window: Option<Duration>) -> Self {
        let labels = ConsumerLabels { consumer: consumer.to_owned(), log: log.to_string() };
        Self { labels, alert, window, last_event: instant(), end: Position::START }
    }

    /// The log was found to reach to here.
    pub(super) fn reaches(&mut self, end: Position) {
        self.end = self.end.max(end);
    }

    /// Events of this age are being handled.
    pub(super) fn begun(&mut self, age: Duration) {
        self.last_event = instant();
        metrics::consumer_event_age(&self.labels, age);
    }

    pub(super) fn took(&self, took: Duration) {
        metrics::consumer_latency(&self.labels, took);
    }

    pub(super) fn handled(&self, events: u64) {
        metrics::consumer_events(&self.labels, events);
    }

    pub(super) fn failed(&self) {
        metrics::consumer_errors(&self.labels);
    }

    pub(super) fn skipped(&self, events: u64) {
        metrics::consumer_skipped(&self.labels, events);
    }

    pub(super) fn dead_lettered(&self, events: u64) {
        metrics::consumer_dead_lettered(&self.labels, events);
    }

    /// Tells how far behind the run is: `handled` is the last position with nothing unhandled below it, `oldest` when the
    /// first unhandled event happened.
    pub(super) fn report(&self, handled: Option<Position>, oldest: Option<Timestamp>, now: Option<Timestamp>) {
        let behind = handled.map_or(0, |handled| self.end.get().saturating_sub(handled.get()).max(0));
        let lag = oldest.zip(now).map_or(Duration::ZERO, |(oldest, now)| now.since(oldest));
        metrics::consumer_lag(&self.labels, behind.unsigned_abs(), lag);
        metrics::consumer_lag_alert(&self.labels, self.alert.is_some_and(|alert| lag > alert));
        let active = self.window.is_none_or(|window| instant() - self.last_event < window);
        metrics::consumer_active(&self.labels, active);
    }
}

impl Drop for Meter {
    /// Whoever works next tells for himself.
    fn drop(&mut self) {
        metrics::consumer_active(&self.labels, false);
        metrics::consumer_lag_alert(&self.labels, false);
    }
}
