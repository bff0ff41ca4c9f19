use std::fmt;
use std::future::Future;
use std::sync::Arc;

use delta_core::{ErrorTable, LogEvent, LogStore, Result};
use futures::future::BoxFuture;
use futures::{FutureExt as _, TryFutureExt as _};

use crate::log::RecordErrors;
use crate::log::consume::{Batch, ConsumeContext, ConsumeError, Delivery, GiveUp, Recovered, ShardBy};

/// What is done with the events of a log: a name, a handler, and how the two are put together.
///
/// The name says where it stands in the log, whichever process runs it. [`Log::consumer`](crate::log::Log::consumer) runs
/// it.
///
/// # Guarantees
///
/// - Each event is handled at least once, in the order of the log unless the consumer says otherwise.
/// - The patterns can be put together: batches of a sharded consumer, dead letters of a concurrent one, and so on. Only
///   [`transactional`](Self::transactional) and manual ones have one order of their own.
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use delta::{Client, Consumer, Event, GiveUp, MemoryStore};
///
/// let client = Client::builder(MemoryStore::new()).build()?;
/// let mailer = Consumer::new("mailer", |_, event: Event| async move {
///     println!("{}", event.kind);
///     Ok::<(), std::io::Error>(())
/// });
/// let summary = client.log().consumer(mailer.give_up_after(5, GiveUp::DeadLetter)).to_head().run_once().await?;
/// assert_eq!(summary.handled, 0);
/// # Ok(())
/// # }
/// ```
#[must_use]
pub struct Consumer<S: LogStore, E: LogEvent> {
    pub(crate) name: String,
    pub(crate) handler: Handler<S, E>,
    pub(crate) batch: Option<Batch>,
    pub(crate) order: Order,
    pub(crate) shard_by: Option<ShardBy<E>>,
    pub(crate) filter: E::Filter,
    pub(crate) filter_with: Option<Arc<FilterWith<E>>>,
    pub(crate) give_up: Option<(u32, GiveUp)>,
    pub(crate) dead_letter_table: Option<ErrorTable>,
    pub(crate) recorder: Option<Arc<dyn RecordErrors<S>>>,
    pub(crate) recover: Option<Arc<Recover<E>>>,
    pub(crate) program: Option<String>,
}

/// How many units are handled at once, and which of them in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    /// One after the other.
    Log,
    /// So many at once, in no order.
    None(usize),
    /// So many at once, those of one key one after the other.
    Key(usize),
}

type Free<E> = dyn Fn(ConsumeContext, Vec<E>) -> BoxFuture<'static, Result<(), ConsumeError>> + Send + Sync;
type Manual<E> = dyn Fn(ConsumeContext, Delivery<E>) -> BoxFuture<'static, Result<(), ConsumeError>> + Send + Sync;
type InTransaction<C, E> = dyn for<'a> Fn(&'a mut C, &'a [E]) -> BoxFuture<'a, Result<(), ConsumeError>> + Send + Sync;
type FilterWith<E> = dyn Fn(&E) -> Result<bool, ConsumeError> + Send + Sync;
type Recover<E> = dyn Fn(&E, ConsumeError) -> Recovered + Send + Sync;

/// The user's code.
pub(crate) enum Handler<S: LogStore, E> {
    /// What it returns is the end of it.
    Free(Arc<Free<E>>),
    /// An ack is the end of it.
    Manual(Arc<Manual<E>>),
    /// Works in the transaction that moves the cursor.
    InTransaction(Arc<InTransaction<S::Conn, E>>),
}

impl<S: LogStore, E: LogEvent> Consumer<S, E> {
    /// Handles one event after the other. Any error is tried again with back-off, for as long as it takes, unless the
    /// consumer [gives up](Self::give_up_after).
    pub fn new<F, R, X>(name: impl Into<String>, handler: F) -> Self
    where
        F: Fn(ConsumeContext, E) -> R + Send + Sync + 'static,
        R: Future<Output = Result<(), X>> + Send + 'static,
        X: Into<ConsumeError> + 'static,
    {
        let free: Arc<Free<E>> = Arc::new(move |cx, mut events: Vec<E>| match events.pop() {
            Some(event) => handler(cx, event).map_err(Into::into).boxed(),
            None => futures::future::ready(Ok(())).boxed(),
        });
        Self::with(name, Handler::Free(free), None)
    }

    /// Handles events in batches, each in the order of the log. The cursor moves past a batch as a whole.
    pub fn batch<F, R, X>(name: impl Into<String>, batch: Batch, handler: F) -> Self
    where
        F: Fn(ConsumeContext, Vec<E>) -> R + Send + Sync + 'static,
        R: Future<Output = Result<(), X>> + Send + 'static,
        X: Into<ConsumeError> + 'static,
    {
        let free: Arc<Free<E>> = Arc::new(move |cx, events| handler(cx, events).map_err(Into::into).boxed());
        Self::with(name, Handler::Free(free), Some(batch))
    }

    /// Delivers one event after the other; each is handled once [`Delivery::ack`] says so, which may be after the handler has
    /// returned, and in any order. The cursor moves up to the first one without an ack.
    ///
    /// A delivery that is dropped without an ack has failed, and is delivered again.
    pub fn manual<F, R, X>(name: impl Into<String>, handler: F) -> Self
    where
        F: Fn(ConsumeContext, Delivery<E>) -> R + Send + Sync + 'static,
        R: Future<Output = Result<(), X>> + Send + 'static,
        X: Into<ConsumeError> + 'static,
    {
        let manual: Arc<Manual<E>> = Arc::new(move |cx, delivery| handler(cx, delivery).map_err(Into::into).boxed());
        Self::with(name, Handler::Manual(manual), None)
    }

    /// Handles each event in the transaction that moves the cursor past it: what the handler writes on that connection
    /// happens exactly once.
    ///
    /// An error undoes the handler's writes, and leaves the cursor. The handler never ends the transaction.
    pub fn transactional<F>(name: impl Into<String>, handler: F) -> Self
    where
        F: for<'a> Fn(&'a mut S::Conn, &'a E) -> BoxFuture<'a, Result<(), ConsumeError>> + Send + Sync + 'static,
    {
        let all: Arc<InTransaction<S::Conn, E>> = Arc::new(move |conn, events| match events.first() {
            Some(event) => handler(conn, event),
            None => futures::future::ready(Ok(())).boxed(),
        });
        Self::with(name, Handler::InTransaction(all), None)
    }

    /// Handles events in batches, each in the transaction that moves the cursor past it; else like
    /// [`transactional`](Self::transactional).
    pub fn transactional_batch<F>(name: impl Into<String>, batch: Batch, handler: F) -> Self
    where
        F: for<'a> Fn(&'a mut S::Conn, &'a [E]) -> BoxFuture<'a, Result<(), ConsumeError>> + Send + Sync + 'static,
    {
        Self::with(name, Handler::InTransaction(Arc::new(handler)), Some(batch))
    }

    fn with(name: impl Into<String>, handler: Handler<S, E>, batch: Option<Batch>) -> Self {
        Self {
            name: name.into(),
            handler,
            batch,
            order: Order::Log,
            shard_by: None,
            filter: E::Filter::default(),
            filter_with: None,
            give_up: None,
            dead_letter_table: None,
            recorder: None,
            recover: None,
            program: None,
        }
    }

    /// Handles up to so many events (or batches) at once, in no order; one by default. The cursor moves up to the first
    /// one that is not handled.
    pub fn max_in_flight(mut self, units: usize) -> Self {
        self.order = Order::None(units);
        self
    }

    /// Handles up to so many events (or batches) at once, but those of one key in the order of the log; one by default.
    pub fn ordered_by_key(mut self, units: usize) -> Self {
        self.order = Order::Key(units);
        self
    }

    /// Divides the events into [1,024 slices](delta_core::plan::consume::SLICES), each with a cursor of its own, which all processes that run
    /// this consumer share evenly; not sharded by default. Within a slice events are handled in order.
    pub fn sharded(mut self, by: ShardBy<E>) -> Self {
        self.shard_by = Some(by);
        self
    }

    /// Lets only these events pass, chosen in the database where that spares reading; all by default.
    pub fn filter(mut self, filter: E::Filter) -> Self {
        self.filter = filter;
        self
    }

    /// Lets only those events pass for which this is true, after the [filter](Self::filter); all by default. An error is one
    /// of the event.
    pub fn filter_with(mut self, filter: impl Fn(&E) -> Result<bool, ConsumeError> + Send + Sync + 'static) -> Self {
        self.filter_with = Some(Arc::new(filter));
        self
    }

    /// Gives up on an event (or batch) when it has failed so often; never by default. An attempt that is cancelled does not
    /// count; one that failed before a restart does.
    pub fn give_up_after(mut self, attempts: u32, how: GiveUp) -> Self {
        self.give_up = Some((attempts, how));
        self
    }

    /// Where dead letters are kept; in the store's own table by default.
    pub fn dead_letter_table(mut self, table: ErrorTable) -> Self {
        self.dead_letter_table = Some(table);
        self
    }

    /// How dead letters are written; into the table and nothing else by default.
    pub fn record_errors(mut self, recorder: impl RecordErrors<S>) -> Self {
        self.recorder = Some(Arc::new(recorder));
        self
    }

    /// Decides on each error, with its event (the first one of a batch), before it counts; every error passes by default.
    pub fn recover(mut self, recover: impl Fn(&E, ConsumeError) -> Recovered + Send + Sync + 'static) -> Self {
        self.recover = Some(Arc::new(recover));
        self
    }

    /// The program that the consumer belongs to: a consumer of the same name of another program is refused. None by default.
    pub fn program(mut self, program: impl Into<String>) -> Self {
        self.program = Some(program.into());
        self
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How many units may be handled at once.
    pub(crate) fn at_once(&self) -> usize {
        match self.order {
            Order::Log => 1,
            Order::None(units) | Order::Key(units) => units,
        }
    }
}

impl<S: LogStore, E: LogEvent> fmt::Debug for Consumer<S, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Consumer")
            .field("name", &self.name)
            .field("batch", &self.batch)
            .field("order", &self.order)
            .field("give_up", &self.give_up)
            .finish_non_exhaustive()
    }
}
