//! A trace's whole way: from an inform over the worker's span and the events to the consumers' spans, through an
//! application's own log too.
#![cfg(feature = "memory")]
#![expect(clippy::unwrap_used, reason = "a test fails where it unwraps nothing")]

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::marker::PhantomData;
use std::sync::{Arc, Mutex, MutexGuard};

use delta::core::{Access, EventTable, EventTables, LogEvent, NewEvent, TableEvent, Trace};
use delta::{
    Action, Client, ClientSettings, Consumer, Controller, CursorWrites, Event, EventFilter, EventKind, Inform,
    MemoryStore, Notice, Object, ObjectSettings, Position, Resource, WorkContext, WorkError,
};
use serde::{Deserialize, Serialize};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Metadata, Subscriber};

const TRACE: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
const CREATED: i64 = 1;

/// Records in which span, with which `traceparent`, something of a test's own happened.
#[derive(Debug, Default)]
struct Recorder(Mutex<Recorded>);

#[derive(Debug, Default)]
struct Recorded {
    spans: Vec<(&'static str, Fields)>,
    entered: Vec<u64>,
    happened: Vec<Happened>,
}

/// What happened, about which object, in which span, of which trace.
type Happened = (String, String, &'static str, Option<String>);

#[derive(Debug, Default)]
struct Fields(BTreeMap<&'static str, String>);

impl Visit for Fields {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.insert(field.name(), value.to_owned());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.0.insert(field.name(), format!("{value:?}"));
    }
}

impl Recorder {
    fn recorded(&self) -> MutexGuard<'_, Recorded> {
        self.0.lock().unwrap()
    }

    /// What happened under a name, in no order.
    fn happened(&self, what: &str) -> Vec<(String, &'static str, Option<String>)> {
        let recorded = self.recorded();
        let of_name = recorded.happened.iter().filter(|happened| happened.0 == what);
        let mut found: Vec<_> =
            of_name.map(|(_, object, span, trace)| (object.clone(), *span, trace.clone())).collect();
        found.sort();
        found
    }
}

impl Subscriber for Recorder {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        let mut fields = Fields::default();
        span.record(&mut fields);
        let mut recorded = self.recorded();
        recorded.spans.push((span.metadata().name(), fields));
        Id::from_u64(recorded.spans.len() as u64)
    }

    fn record(&self, span: &Id, values: &Record<'_>) {
        let index = usize::try_from(span.into_u64()).unwrap() - 1;
        values.record(&mut self.recorded().spans[index].1);
    }

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &tracing::Event<'_>) {
        let mut fields = Fields::default();
        event.record(&mut fields);
        let (Some(what), Some(object)) = (fields.0.remove("what"), fields.0.remove("object")) else { return };
        let mut recorded = self.recorded();
        let within = recorded.entered.last().map(|id| &recorded.spans[usize::try_from(*id).unwrap() - 1]);
        let (span, trace) =
            within.map_or(("none", None), |(name, fields)| (*name, fields.0.get("traceparent").cloned()));
        recorded.happened.push((what, object, span, trace));
    }

    fn enter(&self, span: &Id) {
        self.recorded().entered.push(span.into_u64());
    }

    fn exit(&self, span: &Id) {
        let mut recorded = self.recorded();
        let last = recorded.entered.iter().rposition(|id| *id == span.into_u64()).unwrap();
        recorded.entered.remove(last);
    }
}

#[derive(Clone, Serialize, Deserialize)]
struct Order {
    id: String,
}

impl Object for Order {
    const KIND: &'static str = "order";

    fn id(&self) -> String {
        self.id.clone()
    }

    fn settings() -> ObjectSettings {
        ObjectSettings::new().inform_interval(None)
    }
}

/// Passes the trace of its resource on to an event of its own.
struct Worker<S> {
    table: EventTable,
    store: PhantomData<fn() -> S>,
}

impl<S: EventTables> Controller for Worker<S> {
    type Object = Order;

    async fn work(&self, cx: &WorkContext, order: &Resource<Order>) -> Result<Action, WorkError> {
        tracing::info!(what = "worked", object = %order.object.id);
        let client = cx.client_of::<S>().unwrap();
        let mut conn = client.store().acquire(Access::Write).await?;
        let event = NewEvent {
            trace: order.row().trace.clone(),
            ..NewEvent::new(order.object.id.as_str(), CREATED, order.row().updated_at)
        };
        client.event_log(self.table.clone())?.append(&mut conn, &[event]).await?.send();
        Ok(Action::Synced)
    }
}

/// Consumes a log from its beginning to its head, and notes each event under a name.
async fn consume<S: EventTables, E: LogEvent>(log: delta::Log<S, E>, name: &'static str) {
    let consumer = Consumer::new(name, move |_, event: E| async move {
        let key = event.key();
        let object = key.rsplit('/').next().unwrap();
        tracing::info!(what = name, object);
        Ok::<(), std::io::Error>(())
    });
    log.consumer(consumer).to_head().cursor(CursorWrites::Sync).run_once().await.unwrap();
}

async fn a_trace_goes_the_whole_way<S: EventTables>(store: S) {
    let recorder = Arc::new(Recorder::default());
    let _recording = tracing::subscriber::set_default(recorder.clone());
    let table = EventTable::new("order_events").trace_column("trace");
    let worker = Worker::<S> { table: table.clone(), store: PhantomData };
    let client = Client::builder(store).settings(ClientSettings::new()).controller(worker).build().unwrap();
    let orders = client.event_log(table).unwrap();
    orders.create().await.unwrap();
    let mut synced = client.subscribe([EventKind::Synced]);
    let running = client.start().await.unwrap();
    client.inform(Inform::new(Order { id: "traced".to_owned() }).trace(TRACE)).await.unwrap();
    client.inform(Order { id: "plain".to_owned() }).await.unwrap();
    for _ in 0..2 {
        assert!(matches!(synced.recv().await.unwrap(), Notice::Event(_)));
    }
    running.stop().await;

    let trace = Some(TRACE.to_owned());
    let (plain, traced) = (|span| ("plain".to_owned(), span, None), |span| ("traced".to_owned(), span, trace.clone()));
    assert_eq!(recorder.happened("worked"), [plain("attempt"), traced("attempt")]);

    let events = client.log().page(Position::START, 100, &EventFilter::default()).await.unwrap().events;
    assert_eq!(events.len(), 4);
    for event in &events {
        let expected = event.key().ends_with("/traced").then_some(TRACE);
        assert_eq!(event.trace.as_ref().map(Trace::as_str), expected, "{event:?}");
    }
    consume::<S, Event>(client.log(), "own").await;
    let expected = [plain("consume"), plain("consume"), traced("consume"), traced("consume")];
    assert_eq!(recorder.happened("own"), expected);

    consume::<S, TableEvent>(orders.log(), "table").await;
    assert_eq!(recorder.happened("table"), [plain("consume"), traced("consume")]);
}

#[tokio::test(start_paused = true)]
async fn a_trace_goes_from_an_inform_to_every_consumer_in_memory() {
    a_trace_goes_the_whole_way(MemoryStore::new()).await;
}

#[cfg(feature = "sqlite")]
#[tokio::test]
async fn a_trace_goes_from_an_inform_to_every_consumer_on_sqlite() {
    use delta::{Migrate as _, SqliteStore, core::Target};

    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(folder.path().join("delta.db").to_str().unwrap()).await.unwrap();
    store.migrate_to(Target::Latest).await.unwrap();
    a_trace_goes_the_whole_way(store).await;
}
