//! Consumers of both logs: two whose effects are in the database, and one that notes what it is given.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use delta::core::{Access, Event, LogEvent, TableEvent};
use delta::{Backoff, Batch, Client, ConsumeError, Consumer, Log, Position};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::log_kit::place::Place;
use crate::writer::table_log;

/// The tables of effects: of Delta's own log, and of the application's.
pub(crate) const EFFECTS: [&str; 2] = ["effect", "table_effect"];

pub(crate) struct Consumers {
    stop: CancellationToken,
    running: JoinSet<()>,
    pub(crate) given: Arc<Mutex<Vec<Position>>>,
}

/// Makes the tables of effects.
pub(crate) async fn create<S: Place>(store: &S) {
    let mut conn = store.acquire(Access::Write).await.unwrap();
    for table in EFFECTS {
        S::execute(&mut conn, &format!("CREATE TABLE {table} (position bigint NOT NULL)")).await;
    }
}

/// Adds a row for each event, in the transaction that moves the cursor.
async fn effect<S: Place, E: LogEvent>(conn: &mut S::Conn, table: &str, events: &[E]) -> Result<(), ConsumeError> {
    let rows: Vec<String> = events.iter().map(|event| format!("({})", event.position())).collect();
    let insert = format!("INSERT INTO {table} (position) VALUES {}", rows.join(", "));
    S::try_execute(conn, &insert).await.map_err(ConsumeError::new)
}

impl Consumers {
    /// Runs them until they are stopped.
    pub(crate) fn start<S: Place>(client: &Client<S>) -> Self {
        let batch = Batch::new().age(Duration::from_millis(50));
        let own: Consumer<S, Event> = Consumer::transactional_batch("ledger", batch, |conn, events: &[Event]| {
            Box::pin(effect::<S, Event>(conn, EFFECTS[0], events))
        });
        let of_table: Consumer<S, TableEvent> =
            Consumer::transactional_batch("table-ledger", batch, |conn, events: &[TableEvent]| {
                Box::pin(effect::<S, TableEvent>(conn, EFFECTS[1], events))
            });
        let given: Arc<Mutex<Vec<Position>>> = Arc::default();
        let notes = given.clone();
        let noting: Consumer<S, Event> = Consumer::new("noting", move |_, event: Event| {
            notes.lock().unwrap().push(event.position());
            std::future::ready(Ok::<(), std::fmt::Error>(()))
        });
        let stop = CancellationToken::new();
        let mut running = JoinSet::new();
        running.spawn(run(client.log(), own, stop.clone()));
        running.spawn(run(client.log(), noting, stop.clone()));
        running.spawn(run(table_log(client), of_table, stop.clone()));
        Self { stop, running, given }
    }

    /// Stops them; each has run until now.
    pub(crate) async fn stop(self) -> Vec<Position> {
        self.stop.cancel();
        self.running.join_all().await;
        std::mem::take(&mut *self.given.lock().unwrap())
    }
}

async fn run<S: Place, E: LogEvent>(log: Log<S, E>, consumer: Consumer<S, E>, stop: CancellationToken) {
    let retry = Backoff::new(Duration::from_millis(50), Duration::from_millis(200));
    let consumption = log.consumer(consumer).lease(Duration::from_secs(1)).retry(retry);
    let summary = consumption.run(stop.clone().cancelled_owned()).await;
    assert!(stop.is_cancelled(), "ended by itself: {summary:?}");
    summary.unwrap();
}
