//! Two consumers of the log: one that notes what it has handled, and one that writes it in the transaction of its cursor.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use delta::core::plan::consume::{self, Standing};
use delta::core::{Access, CursorQuery, Event, LogEvent as _, LogName};
use delta::{Backoff, Client, ConsumeError, Consumer, CursorWrites, Position};
use delta_testkit::fault::FaultStore;
use delta_testkit::history::{Last, What};

use tokio_util::sync::CancellationToken;

use crate::journal::Journal;
use crate::process::LEASE;
use crate::stores::Crashed;

const NOTES: &str = "notes";
const BOOKS: &str = "books";

/// Where each consumer stands.
pub(crate) fn positions(last: &Last) -> Vec<Position> {
    let position = |name| {
        let name = consume::cursor_name(&LogName::own(), name);
        let cursor = last.cursors.iter().find(|cursor| cursor.name == name)?;
        Standing::of(cursor).unwrap()?.position
    };
    [NOTES, BOOKS].map(|name| position(name).unwrap_or(Position::START)).to_vec()
}

/// Consumes until `stop`.
pub(crate) async fn run<S: Crashed>(client: &Client<FaultStore<S>>, journal: &Journal, stop: &CancellationToken) {
    tokio::join!(Box::pin(notes(client, journal, stop)), Box::pin(books(client, stop)));
}

/// Where the cursor stands from which a run begins.
async fn stands<S: Crashed>(store: &S) -> Position {
    let mut conn = store.acquire(Access::Read).await.unwrap();
    let name = consume::cursor_name(&LogName::own(), NOTES);
    let cursor = store.cursors(&mut conn, &CursorQuery::Names(vec![name])).await.unwrap().pop();
    let standing = cursor.and_then(|cursor| Standing::of(&cursor).unwrap());
    standing.and_then(|standing| standing.position).unwrap_or(Position::START)
}

fn soon() -> Backoff {
    Backoff::new(Duration::from_millis(20), Duration::from_millis(200))
}

async fn notes<S: Crashed>(client: &Client<FaultStore<S>>, journal: &Journal, stop: &CancellationToken) {
    let (journal, store) = (journal.clone(), client.store().inner().clone());
    let handled = Arc::new(AtomicI64::new(-1));
    let consumer = Consumer::new(NOTES, move |_, event: Event| {
        let (journal, store, handled) = (journal.clone(), store.clone(), handled.clone());
        async move {
            let (consumer, position) = (NOTES.to_owned(), event.position());
            let before = handled.swap(position.get(), Ordering::Relaxed);
            // It has just begun, or its lease ran out on a busy machine, and it begins anew: after its cursor.
            if before < 0 || position.get() <= before {
                journal.note(What::ConsumeFrom { consumer: consumer.clone(), after: stands(&store).await });
            }
            journal.note(What::Consumed { consumer, position });
            Ok::<(), ConsumeError>(())
        }
    });
    let consumption = client.log().consumer(consumer).cursor(CursorWrites::Sync).lease(LEASE).retry(soon());
    consumption.run(stop.cancelled()).await.unwrap();
}

async fn books<S: Crashed>(client: &Client<FaultStore<S>>, stop: &CancellationToken) {
    let consumer = Consumer::transactional(BOOKS, |conn: &mut S::Conn, event: &Event| {
        let write = format!("INSERT INTO booked VALUES ({})", event.position());
        Box::pin(async move { S::try_execute(conn, &write).await.map_err(ConsumeError::new) })
    });
    client.log().consumer(consumer).lease(LEASE).retry(soon()).run(stop.cancelled()).await.unwrap();
}
