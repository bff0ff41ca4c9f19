//! What writers append to and consumers read: a log, with labels for events.

use std::time::Duration;

use delta::core::{
    EventTable, EventTables, ForeignIdType, LogEvent, LogPage, NewEvent, Store, TableFilter, TableQuery, WakeUp,
};
use delta::{Client, EventFilter, EventQuery, Object, ObjectSettings, Position, Result, Timestamp};
use futures::future::BoxFuture;
use serde::{Deserialize, Serialize};

use crate::log_kit::checker::Seen;

pub(crate) trait Channel<S: Store>: Send + Sync {
    /// Appends an event for each label, in their order, in the transaction of the connection.
    fn append<'a>(&'a self, conn: &'a mut S::Conn, labels: &'a [String]) -> BoxFuture<'a, Result<()>>;

    /// Reads on.
    fn page<'a>(&'a self, conn: &'a mut S::Conn, after: Position, limit: u32) -> BoxFuture<'a, Result<LogPage<Seen>>>;
}

/// The label of an event.
pub(crate) fn seen<E: LogEvent>(event: &E) -> Seen {
    let key = event.key();
    let label = key.rsplit('/').next().unwrap_or_default().to_owned();
    Seen { position: event.position(), label }
}

fn labelled<E: LogEvent>(page: &LogPage<E>) -> LogPage<Seen> {
    let events = page.events.iter().map(seen).collect();
    LogPage { events, next: page.next, head: page.head, held_back: page.held_back, gap: page.gap }
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Item {
    id: String,
}

impl Object for Item {
    const KIND: &'static str = "item";

    fn id(&self) -> String {
        self.id.clone()
    }

    fn settings() -> ObjectSettings {
        ObjectSettings::new().inform_interval(None)
    }
}

/// Delta's own log: every label is an object that Delta is told of.
pub(crate) struct Own<S: Store>(pub(crate) Client<S>);

impl<S: EventTables> Channel<S> for Own<S> {
    fn append<'a>(&'a self, conn: &'a mut S::Conn, labels: &'a [String]) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            let items: Vec<Item> = labels.iter().map(|label| Item { id: label.clone() }).collect();
            let (answers, wake) = self.0.inform_many_in(conn, items, WakeUp::AfterCommit).await?;
            assert!(answers.iter().all(std::result::Result::is_ok), "{answers:?}");
            // Nobody works here, and readers are to hear by themselves.
            drop(wake);
            Ok(())
        })
    }

    fn page<'a>(&'a self, conn: &'a mut S::Conn, after: Position, limit: u32) -> BoxFuture<'a, Result<LogPage<Seen>>> {
        Box::pin(async move {
            let query = EventQuery { after, limit, filter: EventFilter::default() };
            Ok(labelled(&self.0.store().events(conn, &query).await?))
        })
    }
}

/// An application's own log.
pub(crate) struct Table<S> {
    store: S,
    table: EventTable,
}

impl<S: EventTables> Table<S> {
    /// Makes the table.
    pub(crate) async fn create(store: S, table: EventTable) -> Self {
        let mut conn = store.acquire(delta::core::Access::Write).await.unwrap();
        store.create_event_table(&mut conn, &table).await.unwrap();
        drop(conn);
        Self { store, table }
    }
}

/// The table that tests use.
pub(crate) fn table() -> EventTable {
    EventTable::new("happened").foreign_ids(ForeignIdType::Text).poll_interval(Duration::from_millis(50))
}

impl<S: EventTables> Channel<S> for Table<S> {
    fn append<'a>(&'a self, conn: &'a mut S::Conn, labels: &'a [String]) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            let event = |label: &String| NewEvent::new(label.as_str(), 1, Timestamp::EPOCH);
            let events: Vec<NewEvent> = labels.iter().map(event).collect();
            let positions = self.store.append_events(conn, &self.table, &events).await?;
            assert_eq!(positions.len(), labels.len());
            Ok(())
        })
    }

    fn page<'a>(&'a self, conn: &'a mut S::Conn, after: Position, limit: u32) -> BoxFuture<'a, Result<LogPage<Seen>>> {
        Box::pin(async move {
            let query = TableQuery { after, limit, filter: TableFilter::default() };
            Ok(labelled(&self.store.table_events(conn, &self.table, &query).await?))
        })
    }
}
