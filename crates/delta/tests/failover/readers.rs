//! Who reads the log: a stream, and a consumer whose effects are in the database.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use delta::core::{Access, LogEvent as _};
use delta::{Backoff, Client, Consumer, Error, Event, EventFilter, Position};
use futures::StreamExt as _;

use crate::log_kit::place::Place;

/// What a stream has given.
#[derive(Clone, Debug, Default)]
pub(crate) struct Streamed(Arc<Mutex<(Vec<Event>, Vec<Error>)>>);

impl Streamed {
    /// Reads from the beginning, without end.
    pub(crate) async fn read<S: Place>(self, client: Client<S>) {
        let mut events = Box::pin(client.log().stream(Position::START, EventFilter::default()));
        while let Some(item) = events.next().await {
            let mut seen = self.0.lock().unwrap();
            match item {
                Ok(event) => seen.0.push(event),
                Err(error) => seen.1.push(error),
            }
        }
    }

    pub(crate) fn events(&self) -> Vec<Event> {
        self.0.lock().unwrap().0.clone()
    }

    pub(crate) fn errors<T>(&self, of: impl Fn(&Error) -> T) -> Vec<T> {
        self.0.lock().unwrap().1.iter().map(of).collect()
    }
}

/// Writes each event's position into a table, in the transaction that moves its cursor.
pub(crate) async fn consume<S: Place>(client: Client<S>) {
    let consumer = Consumer::transactional("ledger", |conn: &mut S::Conn, event: &Event| {
        let effect = format!("INSERT INTO effect (position) VALUES ({})", event.position());
        Box::pin(async move { S::try_execute(conn, &effect).await.map_err(delta::ConsumeError::new) })
    });
    let retry = Backoff::new(Duration::from_millis(50), Duration::from_millis(500));
    let consumption = client.log().consumer(consumer).lease(Duration::from_secs(2)).retry(retry);
    let summary = consumption.run(std::future::pending()).await;
    panic!("ended by itself: {summary:?}");
}

pub(crate) async fn make_effects<S: Place>(store: &S) {
    let mut conn = store.acquire(Access::Write).await.unwrap();
    S::execute(&mut conn, "CREATE TABLE effect (position bigint NOT NULL)").await;
}

/// In the order in which they were written, as far as they can be read.
pub(crate) async fn effects<S: Place>(store: &S) -> Vec<i64> {
    match store.acquire(Access::Read).await {
        Ok(mut conn) => S::numbers(&mut conn, "position FROM effect ORDER BY position").await,
        Err(_) => Vec::new(),
    }
}
