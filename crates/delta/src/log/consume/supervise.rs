use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use delta_core::{Error, ErrorKind, LogEvent, LogStore, Position, Result};
use tokio::task::unconstrained;
use tokio_util::sync::CancellationToken;

use crate::clock::sleep;
use crate::executor::install_hook;
use crate::log::consume::books::Books;
use crate::log::consume::setup::Setup;
use crate::log::consume::start;
use crate::log::consume::tenure::{Ending, Hold, Mode, Tenure};
use crate::log::consume::{ConsumeFailure, ConsumeSummary};
use crate::metrics;

/// The longest time between two looks whether another's lease has ended.
const STAND_BY: Duration = Duration::from_secs(5);

/// Runs a consumer until `shutdown`, whatever fails that may be mended.
pub(super) async fn run<S: LogStore, E: LogEvent>(
    setup: Arc<Setup<S, E>>,
    shutdown: impl Future<Output = ()> + Send,
) -> Result<ConsumeSummary> {
    let stop = CancellationToken::new();
    let mut running = pin!(Supervisor::new(setup, Mode::Supervised, stop.clone()).run());
    let ended = tokio::select! {
        biased;
        ended = &mut running => ended,
        // A busy run uses up what tokio lets a task do at a time, and must not keep the shutdown from being heard.
        () = unconstrained(shutdown) => {
            stop.cancel();
            running.await
        }
    };
    ended.map_err(|failure| match failure {
        ConsumeFailure::Store(error) => error,
        // Tried again, so none gets here.
        ConsumeFailure::Handler { .. } => Error::new(ErrorKind::Unavailable, "consume", failure.to_string()),
    })
}

/// Runs a consumer until its first error.
pub(super) async fn run_once<S: LogStore, E: LogEvent>(
    setup: Arc<Setup<S, E>>,
) -> Result<ConsumeSummary, ConsumeFailure> {
    Supervisor::new(setup, Mode::Once, CancellationToken::new()).run().await
}

struct Supervisor<S: LogStore, E: LogEvent> {
    books: Books<S, E>,
    mode: Mode,
    stop: CancellationToken,
    /// The end of the log as of the call, for a run that ends there.
    target: Option<Position>,
    summary: ConsumeSummary,
    standing_by: bool,
    failures: i64,
}

impl<S: LogStore, E: LogEvent> Supervisor<S, E> {
    fn new(setup: Arc<Setup<S, E>>, mode: Mode, stop: CancellationToken) -> Self {
        install_hook();
        let summary = ConsumeSummary::default();
        Self { books: Books::new(setup), mode, stop, target: None, summary, standing_by: false, failures: 0 }
    }

    async fn run(mut self) -> Result<ConsumeSummary, ConsumeFailure> {
        while !self.stop.is_cancelled() {
            match self.turn().await {
                Ok(Some(Ending::Stopped | Ending::HeadReached)) => break,
                Ok(Some(Ending::Again)) => {}
                Ok(None) if self.mode == Mode::Once => {
                    let what = "expected the consumer's lease, found it held by another run";
                    return Err(Error::new(ErrorKind::Conflict, "consume", what).into());
                }
                Ok(None) => self.stand_by().await,
                Err(failure) => self.failed(failure).await?,
            }
        }
        Ok(self.summary)
    }

    /// From taking a lease to giving it back; `None` while another has it.
    async fn turn(&mut self) -> Result<Option<Ending>, ConsumeFailure> {
        let setup = self.books.setup.clone();
        if setup.options.to_head && self.target.is_none() {
            self.target = Some(start::ends(&setup.log).await?.end);
        }
        let (hold, asked) = if setup.consumer.shard_by.is_some() {
            // Others that made the slices in the same moment do not keep it from them.
            let Some((membership, asked)) = self.books.join().await? else { return Ok(Some(Ending::Again)) };
            (Hold::Share(membership), asked)
        } else {
            let Some((slice, wrote)) = self.books.take().await? else { return Ok(None) };
            let stands = slice.mark().at();
            if let Some(left) = self.summary.position.filter(|left| *left != stands) {
                let consumer = setup.name();
                tracing::warn!(consumer, %left, %stands, "a consumer's cursor was moved, and it goes on from there");
            }
            (Hold::One(Box::new(slice)), wrote.asked)
        };
        if self.standing_by {
            tracing::info!(consumer = setup.name(), "a consumer takes over");
            self.standing_by = false;
        }
        let tenure = Tenure::new(self.books.clone(), self.mode, self.stop.clone(), self.target);
        let (summary, ended) = tenure.hold(hold, asked).await;
        if summary.handled > 0 {
            self.failures = 0;
        }
        self.summary.add(&summary);
        ended.map(Some)
    }

    async fn stand_by(&mut self) {
        if !self.standing_by {
            tracing::info!(consumer = self.books.setup.name(), "a consumer stands by, as another run has its lease");
            self.standing_by = true;
        }
        let setup = &self.books.setup;
        let pause = STAND_BY.min(setup.lease() / 3);
        self.pause(pause + setup.engine().random.up_to(pause / 10)).await;
    }

    async fn failed(&mut self, failure: ConsumeFailure) -> Result<(), ConsumeFailure> {
        let ConsumeFailure::Store(error) = &failure else { return Err(failure) };
        metrics::error("consume", error);
        if self.mode == Mode::Once || !error.is_transient() {
            return Err(failure);
        }
        self.failures += 1;
        let setup = &self.books.setup;
        let delay = setup.options.retry.delay(self.failures, setup.engine().random.unit());
        tracing::warn!(consumer = setup.name(), %error, ?delay, "a consumer's run has failed, and begins again");
        self.pause(delay).await;
        Ok(())
    }

    async fn pause(&self, pause: Duration) {
        tokio::select! {
            biased;
            () = self.stop.cancelled() => {}
            () = sleep(pause) => {}
        }
    }
}
