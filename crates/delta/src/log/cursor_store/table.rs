use delta_core::{Access, CursorMove, CursorTable, EventTables, Position, Result};
use futures::future::BoxFuture;

use crate::client::Client;
use crate::log::cursor_store::{CursorStore, behind};
use crate::log::source::finish;

/// Places in a cursor table of the application's own.
///
/// # Guarantees
///
/// What was saved is durable at once.
///
/// # Assumptions
///
/// The table exists; `EventTables::create_cursor_table` makes it.
#[derive(Clone, Debug)]
pub struct TableCursors<S> {
    client: Client<S>,
    table: CursorTable,
}

impl<S: EventTables> TableCursors<S> {
    /// Keeps places in a table of the client's database.
    ///
    /// # Errors
    ///
    /// `Invalid` if a name cannot be that of a table or column.
    pub fn new(client: &Client<S>, table: CursorTable) -> Result<Self> {
        table.check()?;
        Ok(Self { client: client.clone(), table })
    }

    async fn put(&self, consumer: &str, position: Position) -> Result<()> {
        let store = self.client.store();
        let mut conn = store.acquire(Access::Write).await?;
        let moved = async {
            let now = match self.client.engine.clock.now() {
                Some(now) => now,
                None => store.now(&mut conn).await?,
            };
            store.move_table_cursor(&mut conn, &self.table, consumer, position, now).await
        }
        .await;
        match finish(store, conn, moved)? {
            CursorMove::Done => Ok(()),
            CursorMove::Behind(stored) => Err(behind(stored, position)),
        }
    }
}

impl<S: EventTables> CursorStore for TableCursors<S> {
    fn load<'a>(&'a self, consumer: &'a str) -> BoxFuture<'a, Result<Option<Position>>> {
        Box::pin(async move {
            let store = self.client.store();
            let mut conn = store.acquire(Access::Read).await?;
            let place = store.table_cursor(&mut conn, &self.table, consumer).await;
            finish(store, conn, place)
        })
    }

    fn save<'a>(&'a self, consumer: &'a str, position: Position) -> BoxFuture<'a, Result<()>> {
        Box::pin(self.put(consumer, position))
    }

    fn flush(&self) -> BoxFuture<'_, Result<()>> {
        Box::pin(async { Ok(()) })
    }
}
