use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use delta_core::{Cursor, Error, LogEvent, LogStore, Timestamp, Trace};
use tokio::sync::mpsc::UnboundedSender;
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;

use crate::clock::instant;
use crate::executor::guarded;
use crate::log::consume::books::Books;
use crate::log::consume::delivery::Ack;
use crate::log::consume::unit::Unit;
use crate::log::consume::{ConsumeContext, ConsumeError, Delivery, Recovered};
use crate::log::consumer::Handler;

/// One attempt at a unit.
pub(super) struct Attempt<S: LogStore, E: LogEvent> {
    pub(super) books: Books<S, E>,
    pub(super) unit: Unit<E>,
    /// Which attempt it is, from 1.
    pub(super) number: u32,
    pub(super) cancellation: CancellationToken,
    pub(super) acks: UnboundedSender<Ack>,
    /// The cursor behind the unit, for handlers that work in the transaction that writes it.
    pub(super) cursor: Option<Cursor>,
}

/// An attempt that is over.
#[derive(Debug)]
pub(super) struct Done<E> {
    pub(super) unit: Unit<E>,
    pub(super) ended: Ended,
    /// How long the handler took.
    pub(super) took: Duration,
}

/// How an attempt has ended.
#[derive(Debug)]
pub(super) enum Ended {
    /// The unit is handled.
    Handled,
    /// It is handled, and the cursor written, with a lease until then.
    Written(Timestamp),
    /// The filter keeps it out.
    Filtered,
    /// The handler has returned; an ack decides.
    Returned,
    /// It has failed.
    Failed(ConsumeError),
    /// Somebody else has written the cursor.
    Lost,
    /// The store has failed: nothing is known of the attempt.
    Store(Error),
}

impl<S: LogStore, E: LogEvent> Attempt<S, E> {
    /// Runs it to its end.
    pub(super) async fn run(self) -> Done<E> {
        let began = instant();
        let ended = self.end_in_span().await;
        Done { unit: self.unit, ended, took: instant() - began }
    }

    /// Runs it to its end, without being used up.
    pub(super) async fn end_in_span(&self) -> Ended {
        let setup = &self.books.setup;
        let span = tracing::info_span!(
            "consume",
            consumer = %setup.name(),
            log = %setup.log.name(),
            position = %self.unit.position(),
            events = self.unit.events.len(),
            attempt = self.number,
            traceparent = self.unit.events.first().and_then(E::trace).map(Trace::as_str),
        );
        self.end().instrument(span).await
    }

    async fn end(&self) -> Ended {
        if self.unit.doubtful
            && let (Some(filter), Some(event)) = (&self.books.setup.consumer.filter_with, self.unit.events.first())
        {
            match guarded(|| filter(event)) {
                Ok(Ok(true)) => {}
                Ok(Ok(false)) => return Ended::Filtered,
                Ok(Err(error)) => return self.recovered(error),
                Err(panic) => return self.recovered(ConsumeError::new(panic.message)),
            }
        }
        match &self.books.setup.consumer.handler {
            Handler::Free(handler) => {
                let outcome = caught(|| handler(self.context(), self.unit.events.clone())).await;
                outcome.map_or_else(|error| self.recovered(error), |()| Ended::Handled)
            }
            Handler::Manual(handler) => {
                let Some(event) = self.unit.events.first().cloned() else { return Ended::Handled };
                let delivery = Delivery::new(event, self.unit.id, self.acks.clone());
                let outcome = caught(|| handler(self.context(), delivery)).await;
                outcome.map_or_else(|error| self.recovered(error), |()| Ended::Returned)
            }
            Handler::InTransaction(_) => self.in_transaction().await.unwrap_or_else(Ended::Store),
        }
    }

    async fn in_transaction(&self) -> Result<Ended, Error> {
        let Handler::InTransaction(handler) = &self.books.setup.consumer.handler else { return Ok(Ended::Lost) };
        let Some(cursor) = self.cursor.clone() else { return Ok(Ended::Lost) };
        let mut tx = self.books.begin().await?;
        // First, so that nobody else can write it while the handler works.
        let Some(until) = tx.put(cursor).await? else {
            tx.roll_back().await?;
            return Ok(Ended::Lost);
        };
        let conn = tx.conn()?;
        match caught(|| handler(conn, &self.unit.events)).await {
            Ok(()) => {
                tx.commit().await?;
                Ok(Ended::Written(until))
            }
            Err(error) => {
                // What fails here leaves a connection that is thrown away, and nothing of the transaction.
                if let Err(error) = tx.roll_back().await {
                    tracing::debug!(%error, "a transaction could not be rolled back");
                }
                Ok(self.recovered(error))
            }
        }
    }

    pub(super) fn recovered(&self, error: ConsumeError) -> Ended {
        let (Some(recover), Some(event)) = (&self.books.setup.consumer.recover, self.unit.events.first()) else {
            return Ended::Failed(error);
        };
        match guarded(|| recover(event, error)) {
            Ok(Recovered::Swallow) => Ended::Handled,
            Ok(Recovered::Replace(error) | Recovered::Pass(error)) => Ended::Failed(error),
            Err(panic) => Ended::Failed(ConsumeError::new(panic.message)),
        }
    }

    fn context(&self) -> ConsumeContext {
        let setup = &self.books.setup;
        ConsumeContext {
            client: setup.log.client().any.clone(),
            log: setup.log.name().clone(),
            position: self.unit.position(),
            attempt: self.number,
            cancellation: self.cancellation.clone(),
        }
    }
}

/// Runs user code; a panic of it becomes an error, wherever it happens.
pub(super) async fn caught<F>(code: impl FnOnce() -> F) -> Result<(), ConsumeError>
where
    F: Future<Output = Result<(), ConsumeError>>,
{
    let panicked = |panic: crate::executor::Panic| ConsumeError::new(panic.message);
    let mut future = pin!(guarded(code).map_err(panicked)?);
    poll_fn(|cx| match guarded(|| future.as_mut().poll(cx)) {
        Ok(poll) => poll,
        Err(panic) => Poll::Ready(Err(panicked(panic))),
    })
    .await
}
