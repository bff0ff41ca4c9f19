#![doc = include_str!("docs/metrics.md")]

use std::time::Duration;

use delta_core::plan::InformOutcome;
use delta_core::{Error, Gap, Lane, LogName, Name, State};

/// Counts an object that was informed.
pub(crate) fn informed(outcome: InformOutcome) {
    metrics::counter!("delta_informs_total", "outcome" => outcome.as_str()).increment(1);
}

/// Counts an event that a subscriber missed.
pub(crate) fn missed() {
    metrics::counter!("delta_subscription_missed_total").increment(1);
}

/// Counts an attempt that has ended.
pub(crate) fn attempt(kind: &Name, outcome: &'static str) {
    metrics::counter!("delta_attempts_total", "kind" => kind.to_string(), "outcome" => outcome).increment(1);
}

/// Records how long a worker took.
pub(crate) fn attempt_took(kind: &Name, took: Duration) {
    metrics::histogram!("delta_attempt_seconds", "kind" => kind.to_string()).record(took);
}

/// Sets how many attempts are claimed and not yet settled.
pub(crate) fn in_flight(attempts: usize) {
    #[expect(clippy::cast_precision_loss, reason = "exact up to 2^53 attempts")]
    metrics::gauge!("delta_in_flight").set(attempts as f64);
}

/// Records one round trip of settling and claiming.
pub(crate) fn round(settled: usize, claimed: usize, took: Duration) {
    metrics::histogram!("delta_round_seconds").record(took);
    #[expect(clippy::cast_precision_loss, reason = "exact up to 2^53 resources")]
    {
        metrics::histogram!("delta_round_settled").record(settled as f64);
        metrics::histogram!("delta_round_claimed").record(claimed as f64);
    }
}

/// Counts settlements or heartbeats whose lease was lost.
pub(crate) fn lost(operation: &'static str) {
    metrics::counter!("delta_lost_total", "operation" => operation).increment(1);
}

/// Counts settlements or heartbeats that found their row locked by somebody.
pub(crate) fn busy(operation: &'static str) {
    metrics::counter!("delta_busy_total", "operation" => operation).increment(1);
}

/// Counts resources whose claim was answered too late to begin.
pub(crate) fn late(resources: u64) {
    metrics::counter!("delta_late_claims_total").increment(resources);
}

/// Sets for how long the oldest lease has not been renewed.
pub(crate) fn lease_age(age: Duration) {
    metrics::gauge!("delta_lease_age_seconds").set(age.as_secs_f64());
}

/// Counts an error of the store that a part of the engine met.
pub(crate) fn error(part: &'static str, error: &Error) {
    let kind = error.kind().to_string();
    metrics::counter!("delta_errors_total", "part" => part, "kind" => kind).increment(1);
}

/// Counts a run of an informer that has ended, and records how long it took.
pub(crate) fn run(kind: &Name, outcome: &'static str, took: Duration) {
    metrics::counter!("delta_inform_runs_total", "kind" => kind.to_string(), "outcome" => outcome).increment(1);
    metrics::histogram!("delta_inform_run_seconds", "kind" => kind.to_string()).record(took);
}

/// Counts resources that a full run did not mention, and that were acted upon.
pub(crate) fn missing(kind: &Name, resources: u64) {
    metrics::counter!("delta_inform_missing_total", "kind" => kind.to_string()).increment(resources);
}

/// Counts resources that a step of maintenance has written.
pub(crate) fn maintained(step: &'static str, resources: u64) {
    metrics::counter!("delta_maintained_total", "step" => step).increment(resources);
}

/// Counts that this client took the lead.
pub(crate) fn leader_changed() {
    metrics::counter!("delta_leader_changes_total").increment(1);
}

/// Sets the term that this client leads in; 0 while it does not lead.
pub(crate) fn leader_term(term: u64) {
    #[expect(clippy::cast_precision_loss, reason = "exact up to 2^53 terms")]
    metrics::gauge!("delta_leader_term").set(term as f64);
}

/// Sets how many resources of a lane are in a state; reported by the leader.
pub(crate) fn resources(lane: &Lane, state: &State, resources: u64) {
    let state = state.as_str().to_owned();
    let (namespace, kind) = (lane.namespace.to_string(), lane.kind.to_string());
    #[expect(clippy::cast_precision_loss, reason = "exact up to 2^53 resources")]
    metrics::gauge!("delta_resources", "namespace" => namespace, "kind" => kind, "state" => state)
        .set(resources as f64);
}

/// Sets for how long the longest waiting resource of a lane has been due; reported by the leader.
pub(crate) fn oldest_due(lane: &Lane, age: Duration) {
    let (namespace, kind) = (lane.namespace.to_string(), lane.kind.to_string());
    metrics::gauge!("delta_oldest_due_seconds", "namespace" => namespace, "kind" => kind).set(age.as_secs_f64());
}

/// Sets how far a lane's high-water mark is behind; reported by the leader.
pub(crate) fn high_water_age(lane: &Lane, age: Duration) {
    let (namespace, kind) = (lane.namespace.to_string(), lane.kind.to_string());
    metrics::gauge!("delta_high_water_age_seconds", "namespace" => namespace, "kind" => kind).set(age.as_secs_f64());
}

/// Sets for how long a session has held a log's readers back; 0 once it does no longer.
pub(crate) fn log_held(log: &LogName, session: &str, age: Duration) {
    let (log, session) = (log.to_string(), session.to_owned());
    metrics::gauge!("delta_log_held_seconds", "log" => log, "session" => session).set(age.as_secs_f64());
}

/// Sets how many positions of a log are given out and held back.
pub(crate) fn log_held_back(log: &LogName, positions: u64) {
    #[expect(clippy::cast_precision_loss, reason = "exact up to 2^53 positions")]
    metrics::gauge!("delta_log_held_back", "log" => log.to_string()).set(positions as f64);
}

/// Counts a query for a page of a log.
pub(crate) fn log_poll(log: &LogName) {
    metrics::counter!("delta_log_polls_total", "log" => log.to_string()).increment(1);
}

/// Counts a page that a reader took from what all readers of the client share.
pub(crate) fn log_cache_hit(log: &LogName) {
    metrics::counter!("delta_log_cache_hits_total", "log" => log.to_string()).increment(1);
}

/// Counts a page that a reader read by itself.
pub(crate) fn log_cache_miss(log: &LogName) {
    metrics::counter!("delta_log_cache_misses_total", "log" => log.to_string()).increment(1);
}

/// Counts a gap that stopped readers.
pub(crate) fn log_gap(log: &LogName) {
    metrics::counter!("delta_log_gaps_total", "log" => log.to_string()).increment(1);
}

/// Sets whether a gap stops readers now.
pub(crate) fn log_gap_blocks(log: &LogName, gap: Option<Gap>) {
    metrics::gauge!("delta_log_gap_blocks", "log" => log.to_string()).set(f64::from(u8::from(gap.is_some())));
}

/// Counts ids of gaps that were filled.
pub(crate) fn log_gaps_filled(log: &LogName, ids: u64) {
    metrics::counter!("delta_log_gaps_filled_total", "log" => log.to_string()).increment(ids);
}

/// Sets how many listeners to gaps there are.
pub(crate) fn log_gap_listening(log: &LogName, listeners: usize) {
    #[expect(clippy::cast_precision_loss, reason = "exact up to 2^53 listeners")]
    metrics::gauge!("delta_log_gap_listening", "log" => log.to_string()).set(listeners as f64);
}

/// What the metrics of a consumer are labelled with.
#[derive(Clone, Debug)]
pub(crate) struct ConsumerLabels {
    pub(crate) consumer: String,
    pub(crate) log: String,
}

impl ConsumerLabels {
    fn pairs(&self) -> [(&'static str, String); 2] {
        [("consumer", self.consumer.clone()), ("log", self.log.clone())]
    }
}

/// Sets how far a consumer is behind its log.
pub(crate) fn consumer_lag(labels: &ConsumerLabels, events: u64, lag: Duration) {
    #[expect(clippy::cast_precision_loss, reason = "exact up to 2^53 events")]
    metrics::gauge!("delta_consumer_lag_events", &labels.pairs()).set(events as f64);
    metrics::gauge!("delta_consumer_lag_seconds", &labels.pairs()).set(lag.as_secs_f64());
}

/// Sets whether a consumer is too far behind.
pub(crate) fn consumer_lag_alert(labels: &ConsumerLabels, alert: bool) {
    metrics::gauge!("delta_consumer_lag_alert", &labels.pairs()).set(f64::from(u8::from(alert)));
}

/// Sets whether a consumer works and has had events lately.
pub(crate) fn consumer_active(labels: &ConsumerLabels, active: bool) {
    metrics::gauge!("delta_consumer_active", &labels.pairs()).set(f64::from(u8::from(active)));
}

/// Records how old an event is that a consumer begins to handle.
pub(crate) fn consumer_event_age(labels: &ConsumerLabels, age: Duration) {
    metrics::histogram!("delta_consumer_event_age_seconds", &labels.pairs()).record(age);
}

/// Records how long a consumer's handler took.
pub(crate) fn consumer_latency(labels: &ConsumerLabels, took: Duration) {
    metrics::histogram!("delta_consumer_latency_seconds", &labels.pairs()).record(took);
}

/// Counts events that a consumer has handled.
pub(crate) fn consumer_events(labels: &ConsumerLabels, events: u64) {
    metrics::counter!("delta_consumer_events_total", &labels.pairs()).increment(events);
}

/// Counts an attempt of a consumer that has failed.
pub(crate) fn consumer_errors(labels: &ConsumerLabels) {
    metrics::counter!("delta_consumer_errors_total", &labels.pairs()).increment(1);
}

/// Counts events that a consumer has passed over.
pub(crate) fn consumer_skipped(labels: &ConsumerLabels, events: u64) {
    metrics::counter!("delta_consumer_skipped_total", &labels.pairs()).increment(events);
}

/// Counts events that a consumer has kept as dead letters.
pub(crate) fn consumer_dead_lettered(labels: &ConsumerLabels, events: u64) {
    metrics::counter!("delta_consumer_dead_lettered_total", &labels.pairs()).increment(events);
}

/// Counts events that were removed from a log.
pub(crate) fn trimmed(log: &LogName, events: u64) {
    metrics::counter!("delta_log_trimmed_total", "log" => log.to_string()).increment(events);
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    /// The names within a text, each after one of these marks.
    fn names<'a>(text: &'a str, mark: &str) -> BTreeSet<&'a str> {
        let name = |rest: &'a str| rest.split(['"', '`']).next().filter(|name| name.starts_with("delta_"));
        text.split(mark).skip(1).filter_map(name).collect()
    }

    #[test]
    fn every_metric_is_documented_and_every_documented_one_exists() {
        let emitted = names(include_str!("metrics.rs").split("mod tests").next().unwrap_or_default(), "!(\"");
        assert_eq!(emitted, names(include_str!("docs/metrics.md"), "| `"));
        assert!(emitted.len() > 20, "{emitted:?}");
    }
}
