use std::fmt;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use delta_core::plan::{self, Report};
use delta_core::{Change, Key, LeaseToken, Override, Resource, ResourceId, Timestamp};
use tokio::select;
use tokio::sync::oneshot;
use tokio::sync::oneshot::error::TryRecvError;
use tokio::task::unconstrained;
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;

use crate::action::{Action, WorkError};
use crate::clock::{instant, sleep};
use crate::context::{WorkContext, idempotency_key};
use crate::engine::Kind;
use crate::erased::ErasedResource;
use crate::executor::Executor;
use crate::executor::in_flight::Ending;
use crate::executor::panic::{Panic, caught, guarded};
use crate::metrics;

/// How long a resource whose object does not decode waits for another version of the program.
const UNDECODABLE: Duration = Duration::from_mins(1);

/// An attempt whose work is over.
#[derive(Debug)]
pub(crate) struct Finished {
    pub(crate) id: ResourceId,
    pub(crate) token: LeaseToken,
    pub(crate) key: Key,
    pub(crate) end: End,
}

/// What is left to do about an attempt whose work is over.
#[derive(Debug)]
pub(crate) enum End {
    /// Write this.
    Settle(Change),
    /// The worker says that it has settled the attempt itself: see whether it has.
    Verify,
    /// Nothing: it is somebody else's by now.
    Lost,
}

/// Why an attempt has failed, where no worker says so.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Failure {
    TimedOut(Duration),
    NotRenewed,
    NotCommitted,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TimedOut(timeout) => write!(f, "timed out after {timeout:?}"),
            Self::NotRenewed => f.write_str("lease could not be renewed in time"),
            Self::NotCommitted => f.write_str("settlement was not committed"),
        }
    }
}

/// How the work came to an end.
enum Outcome {
    Answered(Result<Action, WorkError>),
    TimedOut(Duration),
    Ended(Ending),
}

/// Runs one attempt from its claim to its report.
pub(crate) async fn run(executor: Arc<Executor>, kind: Arc<Kind>, row: Resource, ending: oneshot::Receiver<Ending>) {
    let Some(lease) = row.lease else { return };
    let span = tracing::info_span!(
        "attempt",
        kind = %row.key.kind,
        namespace = %row.key.namespace,
        object_id = %row.key.object_id,
        attempt = row.attempt,
        generation = row.generation,
        traceparent = row.trace.as_ref().map(delta_core::Trace::as_str),
    );
    // Whatever happens below, the slot is given back.
    let mut report = Reporter {
        executor: executor.clone(),
        finished: Some(Finished { id: row.id, token: lease.token, key: row.key.clone(), end: End::Lost }),
    };
    let attempt = Attempt { executor, kind, cancellation: CancellationToken::new() };
    let end = attempt.run(row, ending).instrument(span).await;
    report.end(end);
}

struct Reporter {
    executor: Arc<Executor>,
    finished: Option<Finished>,
}

impl Reporter {
    fn end(&mut self, end: End) {
        if let Some(finished) = &mut self.finished {
            finished.end = end;
        }
    }
}

impl Drop for Reporter {
    fn drop(&mut self) {
        if let Some(finished) = self.finished.take() {
            // The pump is gone only once nobody waits for reports.
            let _ = self.executor.finished.send(finished);
        }
    }
}

struct Attempt {
    executor: Arc<Executor>,
    kind: Arc<Kind>,
    cancellation: CancellationToken,
}

impl Attempt {
    async fn run(&self, row: Resource, ending: oneshot::Receiver<Ending>) -> End {
        let mut row = Some(row);
        let decoded = guarded(|| self.kind.controller.decode(&mut row));
        let resource = match (decoded, row) {
            (Ok(Ok(Some(resource))), _) => resource,
            (Ok(Err(error)), Some(row)) => {
                tracing::warn!(%error, "object does not decode: given back for another version of the program");
                return self.settle(&row, &Report::Released(UNDECODABLE), "undecodable");
            }
            (Err(panic), Some(row)) => return self.conclude(&row, Err(panic)),
            (_, None) | (Ok(Ok(None)), _) => return End::Lost,
        };
        let outcome = caught(self.work(&*resource, ending)).await;
        if !matches!(outcome, Ok(Outcome::Answered(_))) {
            self.cancellation.cancel();
        }
        self.conclude(resource.row(), outcome)
    }

    /// Works until there is an answer, the time is over, or the attempt is ended from outside.
    async fn work(&self, resource: &dyn ErasedResource, mut ending: oneshot::Receiver<Ending>) -> Outcome {
        // What was ended while it waited for its turn does not begin.
        match ending.try_recv() {
            Ok(ending) => return Outcome::Ended(ending),
            Err(TryRecvError::Closed) => return Outcome::Ended(Ending::NotRenewed),
            Err(TryRecvError::Empty) => {}
        }
        let token = resource.row().lease.map(|lease| lease.token);
        let mut answer = pin!(self.answer(resource));
        let under_lease = poll_fn(|cx| {
            // A process that was starved or stopped may wake up after its lease: it must not go on for a moment even. The
            // margin covers what the clocks of its holder and of its rescuer may be off.
            if token.is_none_or(|token| self.executor.in_flight.is_over(token, instant() + self.executor.interval())) {
                return Poll::Ready(Outcome::Ended(Ending::NotRenewed));
            }
            answer.as_mut().poll(cx)
        });
        select! {
            biased;
            outcome = under_lease => outcome,
            // A worker that always has something to do uses up what tokio lets a task do at a time: its end is heard all the
            // same. A sender that is gone without a word ends nothing.
            Ok(ending) = unconstrained(ending) => Outcome::Ended(ending),
        }
    }

    async fn answer(&self, resource: &dyn ErasedResource) -> Outcome {
        let engine = &self.executor.engine;
        let row = resource.row();
        if let Some(rate) = self.executor.rates.get(&self.kind.name) {
            select! {
                biased;
                () = rate.wait() => {}
                // What has not begun does not begin any more.
                () = self.executor.stop.soft.cancelled() => return Outcome::Ended(Ending::Stopped),
            }
        }
        let timeout = match self.kind.controller.work_timeout(resource) {
            Override::Inherit => self.kind.settings.work_timeout.or(engine.settings.work_timeout),
            chosen => chosen.or(None),
        };
        let cx = WorkContext {
            client: self.executor.client.clone(),
            attempt: row.attempt,
            deadline: timeout.and_then(|timeout| Some(engine.clock.now()? + timeout)),
            cancellation: self.cancellation.clone(),
            idempotency_key: idempotency_key(row),
        };
        let started = instant();
        let layers = engine.layered(&self.kind).with(resource);
        let outcome = select! {
            biased;
            answer = layers.work(&cx, row) => Outcome::Answered(answer),
            timeout = unconstrained(over(timeout)) => Outcome::TimedOut(timeout),
        };
        metrics::attempt_took(&self.kind.name, instant() - started);
        outcome
    }

    fn conclude(&self, row: &Resource, outcome: Result<Outcome, Panic>) -> End {
        let engine = &self.executor.engine;
        let failed = |message, backtrace| engine.failed(&self.kind, row.attempt, message, backtrace);
        match outcome {
            Ok(Outcome::Answered(answer)) => match engine.report(&self.kind, row.attempt, answer) {
                Some(report) => self.settle(row, &report, name(&report)),
                None => End::Verify,
            },
            Ok(Outcome::TimedOut(timeout)) => {
                self.settle(row, &failed(Failure::TimedOut(timeout).to_string(), None), "timed_out")
            }
            Ok(Outcome::Ended(Ending::NotRenewed)) => {
                self.settle(row, &failed(Failure::NotRenewed.to_string(), None), "not_renewed")
            }
            Ok(Outcome::Ended(Ending::Cancelled)) => {
                self.settle(row, &Report::Permanent { message: "cancelled".to_owned() }, "cancelled")
            }
            Ok(Outcome::Ended(Ending::Stopped)) => self.settle(row, &Report::Released(Duration::ZERO), "released"),
            Ok(Outcome::Ended(Ending::Lost)) => {
                metrics::attempt(&self.kind.name, "lost");
                End::Lost
            }
            Err(Panic { message, backtrace }) => self.settle(row, &failed(message, backtrace), "panicked"),
        }
    }

    fn settle(&self, row: &Resource, report: &Report, outcome: &'static str) -> End {
        match report {
            Report::Failed { message, .. } => tracing::warn!(outcome, error = %message, "attempt failed"),
            Report::Permanent { message } => tracing::warn!(outcome, error = %message, "attempt failed for good"),
            _ => tracing::debug!(outcome, "attempt ended"),
        }
        metrics::attempt(&self.kind.name, outcome);
        settlement(&self.executor, &self.kind, row, report)
    }
}

/// Plans the end of an attempt.
pub(crate) fn settlement(executor: &Executor, kind: &Kind, row: &Resource, report: &Report) -> End {
    let now: Timestamp = executor.engine.clock.now().unwrap_or(row.updated_at);
    // A row without a lease was settled by somebody else.
    plan::settle(row, report, kind.settings.event_objects, now).map_or(End::Lost, End::Settle)
}

async fn over(timeout: Option<Duration>) -> Duration {
    match timeout {
        None => std::future::pending().await,
        Some(timeout) => {
            sleep(timeout).await;
            timeout
        }
    }
}

fn name(report: &Report) -> &'static str {
    match report {
        Report::Synced => "synced",
        Report::Failed { .. } => "failed",
        Report::Permanent { .. } => "permanent",
        Report::Delete { .. } => "deleted",
        Report::Snooze(_) => "snoozed",
        Report::Released(_) => "released",
    }
}
