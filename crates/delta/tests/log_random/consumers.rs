//! Consumers of the runtime, which crash in two ways: their future is dropped where it waits, or their whole client goes with
//! the threads that it ran on.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use delta::core::plan::consume::cursor_name;
use delta::core::{Access, CursorQuery, LogEvent};
use delta::{Batch, Client, ConsumeSummary, Consumer, CursorWrites, Log, Position, Result};
use rand::RngExt as _;
use rand::rngs::StdRng;
use tokio::runtime;
use tokio::sync::watch;

use crate::log_kit::channel::seen;
use crate::log_kit::checker::{Seen, Step};
use crate::log_kit::crash::dropped_after;
use crate::log_kit::opened::{Opened, client};
use crate::log_kit::place::{Database, Place};

/// For how long the lease of a client that is gone keeps others out. A busy machine must not let it run out: who loses it begins
/// again at its cursor, without a crash.
const LEASE: Duration = Duration::from_secs(1);

/// A consumer, and what outlives its crashes.
pub(crate) struct Life<S: Place, E: LogEvent> {
    pub(crate) database: Arc<Database>,
    pub(crate) client: Client<S>,
    pub(crate) log: Opened<S, E>,
    pub(crate) number: usize,
    /// Whether the writers have ended.
    pub(crate) over: watch::Receiver<bool>,
}

/// What one run was given, and how much that was.
#[derive(Clone)]
struct Given {
    seen: Arc<Mutex<Vec<Seen>>>,
    count: Arc<watch::Sender<usize>>,
}

impl Given {
    fn new() -> Self {
        Self { seen: Arc::default(), count: Arc::new(watch::Sender::new(0)) }
    }

    fn note<E: LogEvent>(&self, events: &[E]) {
        self.seen.lock().unwrap().extend(events.iter().map(seen));
        self.count.send_modify(|count| *count += events.len());
    }

    async fn reaches(&self, events: usize) {
        self.count.subscribe().wait_for(|count| *count >= events).await.unwrap();
    }
}

impl<S: Place, E: LogEvent> Life<S, E> {
    /// Consumes the log until it has all of it. Returns what became of the consumer, and where its cursor stands.
    pub(crate) async fn live(self, mut rng: StdRng) -> (Vec<Step>, Position) {
        let mut runs: Vec<(Position, Given)> = Vec::new();
        while !*self.over.borrow() {
            let given = Given::new();
            runs.push((self.stored().await, given.clone()));
            let events = rng.random_range(1..400);
            let (polls, whole) = (rng.random_range(0..200), rng.random_range(0..3) == 0);
            tokio::select! {
                () = self.crash(&given, events, polls, whole) => {}
                over = async { self.over.clone().wait_for(|over| *over).await.map(drop) } => over.unwrap(),
            }
        }
        let given = Given::new();
        runs.push((self.stored().await, given.clone()));
        let summary = run(&(self.log)(&self.client), self.number, given, true).await.unwrap();
        let mut steps = Vec::new();
        for (cursor, given) in runs {
            steps.push(Step::Resumed { cursor });
            steps.extend(given.seen.lock().unwrap().drain(..).map(Step::Handled));
        }
        let stored = self.stored().await;
        assert_eq!(summary.position, Some(stored));
        (steps, stored)
    }

    /// Runs the consumer until it crashes.
    async fn crash(&self, given: &Given, events: usize, polls: u64, whole: bool) {
        if whole {
            let runtime = runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
            let threads = Threads(Some(runtime));
            let (database, log, number) = (self.database.clone(), self.log, self.number);
            let running = threads.0.as_ref().unwrap().spawn({
                let given = given.clone();
                async move {
                    let client = client(database.store::<S>().await);
                    run(&log(&client), number, given, false).await
                }
            });
            tokio::select! {
                () = given.reaches(events) => {}
                ended = running => panic!("ended by itself: {ended:?}"),
            }
        } else {
            let log = (self.log)(&self.client);
            let running = dropped_after(polls, run(&log, self.number, given.clone(), false));
            tokio::select! {
                () = given.reaches(events) => {}
                ended = running => assert!(ended.is_none(), "ended by itself: {ended:?}"),
            }
        }
    }

    /// Where the stored cursor is.
    async fn stored(&self) -> Position {
        let name = cursor_name((self.log)(&self.client).name(), &name(self.number));
        let store = self.client.store();
        let mut conn = store.acquire(Access::Read).await.unwrap();
        let cursors = store.cursors(&mut conn, &CursorQuery::Names(vec![name])).await.unwrap();
        let position = cursors.first().and_then(|cursor| cursor.position.as_deref());
        position.map_or(Position::START, |position| Position::new(position.parse().unwrap()))
    }
}

/// Threads that a client runs on, which end without waiting for anything.
struct Threads(Option<runtime::Runtime>);

impl Drop for Threads {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

fn name(number: usize) -> String {
    format!("consumer-{number}")
}

/// Runs the consumer of a number: each in another way.
async fn run<S: Place, E: LogEvent>(
    log: &Log<S, E>,
    number: usize,
    given: Given,
    to_head: bool,
) -> Result<ConsumeSummary> {
    let consumer = if number.is_multiple_of(2) {
        Consumer::new(name(number), move |_, event: E| {
            given.note(&[event]);
            async { Ok::<(), std::io::Error>(()) }
        })
    } else {
        Consumer::batch(name(number), Batch::new().size(10).age(Duration::from_millis(10)), move |_, events: Vec<E>| {
            given.note(&events);
            async { Ok::<(), std::io::Error>(()) }
        })
    };
    let writes = if number < 2 { CursorWrites::Sync } else { CursorWrites::Every(Duration::from_millis(20)) };
    let consumption = log.consumer(consumer).lease(LEASE).cursor(writes);
    let consumption = if to_head { consumption.to_head() } else { consumption };
    consumption.run(std::future::pending()).await
}
