use std::sync::Arc;
use std::time::Duration;

use delta_core::{Change, Changeset, Error, Locked, Outcome, Renew, Result};
use tokio::{join, select};

use crate::clock::{instant, sleep};
use crate::executor::in_flight::{Due, Ending};
use crate::executor::{Executor, in_time};
use crate::metrics;

/// How many leases one changeset renews.
const BATCH: usize = 1_000;

/// Renews the leases of what is in flight until the pump has ended, and ends what could not be renewed.
///
/// The second does not wait for the first: a database that does not answer must not keep an attempt alive past its lease.
pub(crate) async fn run(executor: Arc<Executor>) {
    select! {
        biased;
        () = executor.drained.cancelled() => {}
        _ = async { join!(renew(&executor), guard(&executor)) } => {}
    }
}

/// A tick of both: a quarter of the interval, so that what was busy or unlucky is tried again three times.
fn tick(executor: &Executor) -> Duration {
    executor.interval() / 4
}

async fn guard(executor: &Executor) {
    loop {
        sleep(tick(executor)).await;
        let ended = executor.in_flight.end_overdue(instant(), executor.interval());
        if ended > 0 {
            tracing::warn!(attempts = ended, "ended attempts whose leases could not be renewed in time");
        }
    }
}

async fn renew(executor: &Executor) {
    let mut sampled = instant();
    loop {
        sleep(tick(executor)).await;
        let now = instant();
        if let Some(end) = executor.in_flight.first_end() {
            metrics::lease_age(executor.engine.settings.lease.saturating_sub(end.saturating_duration_since(now)));
        }
        if now - sampled >= executor.interval() {
            match in_time("sample the clock", 2 * tick(executor), sample(executor)).await {
                Ok(()) => sampled = now,
                Err(error) => report(executor, &error),
            }
        }
        for batch in executor.in_flight.due(now).chunks(BATCH) {
            if let Err(error) = in_time("renew leases", 2 * tick(executor), renew_batch(executor, batch)).await {
                report(executor, &error);
                break;
            }
        }
    }
}

fn report(executor: &Executor, error: &Error) {
    metrics::error("heartbeat", error);
    let attempts = executor.in_flight.len();
    if error.is_transient() {
        tracing::warn!(%error, attempts, "heartbeat failed: tried again soon");
    } else {
        tracing::error!(%error, attempts, "heartbeat failed: tried again soon");
    }
}

async fn sample(executor: &Executor) -> Result<()> {
    let mut used = executor.held.take(tick(executor)).await?;
    let sampled = executor.engine.sample_clock(used.session()?).await;
    used.end(sampled.as_ref().err());
    sampled
}

async fn renew_batch(executor: &Executor, batch: &[Due]) -> Result<()> {
    let engine = &executor.engine;
    let lease = engine.settings.lease;
    let mut used = executor.held.take(tick(executor)).await?;
    let asked = instant();
    let renewed = async {
        let now = engine.now(used.session()?).await?;
        let renew = |due: &Due| Change::Renew(Renew { id: due.id, token: due.token, until: now + lease });
        let changes = batch.iter().map(renew).collect();
        let changes = Changeset { changes, locked: Locked::Skip, ..Changeset::new(now) };
        used.session()?.commit_dyn(&changes).await
    }
    .await;
    used.end(renewed.as_ref().err());
    let receipt = renewed?;
    for (due, outcome) in batch.iter().zip(receipt.outcomes) {
        match outcome {
            Outcome::Applied(applied) => {
                executor.in_flight.renewed(due.token, asked + lease, asked + renew_after(executor));
                if applied.cancel_requested {
                    executor.in_flight.end(due.token, Ending::Cancelled);
                }
            }
            Outcome::Busy => metrics::busy("heartbeat"),
            Outcome::Lost | Outcome::Stale => {
                if executor.in_flight.end(due.token, Ending::Lost) {
                    metrics::lost("heartbeat");
                    tracing::info!(id = %due.id, "lease was lost: attempt ended without a report");
                }
            }
        }
    }
    Ok(())
}

/// When a lease is renewed after it was taken: one tick early, as it waits for up to a tick.
pub(crate) fn renew_after(executor: &Executor) -> Duration {
    3 * tick(executor)
}
