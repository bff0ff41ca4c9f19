use std::path::Path;
use std::time::Duration;

use delta_core::{Error, ErrorKind, Result};
use futures::future::BoxFuture;
use sqlx::sqlite::{SqliteConnectOptions, SqlitePool, SqlitePoolOptions};
use sqlx::{ConnectOptions, Connection, SqliteConnection};

use super::errors::{error, is_busy};
use super::options::SqliteOptions;
use super::wake::HeldWakeUps;
use delta_sql::driver::Backoff;

/// How long SQLite itself waits for another writer, in its own thread, before this crate waits where a dropped future
/// ends it.
const BUSY_SLICE: Duration = Duration::from_millis(100);

/// The connections of a store: one that writes, and several that read beside it.
#[derive(Clone, Debug)]
pub(super) struct Pools {
    pub(super) writer: SqlitePool,
    pub(super) readers: SqlitePool,
}

impl Pools {
    /// Opens the file, creates it if need be, and puts it into WAL mode.
    pub(super) async fn open(path: &Path, options: &SqliteOptions, held: HeldWakeUps) -> Result<Self> {
        let file = SqliteConnectOptions::new().filename(path).foreign_keys(true).disable_statement_logging();
        // Rows come from SQLite's thread; with room for a batch of them it need not wait for the reader.
        let file = file.row_buffer_size(1_024);
        enter_wal(path, file.clone().create_if_missing(true), options.busy_timeout).await?;
        let writer = pool(options, 1)
            .after_release(move |conn, _| {
                let held = held.clone();
                Box::pin(async move {
                    let clean = !in_transaction(conn).await?;
                    held.send();
                    Ok(clean)
                })
            })
            .connect_lazy_with(file.clone().busy_timeout(options.busy_timeout.min(BUSY_SLICE)));
        let reading = file.busy_timeout(options.busy_timeout).pragma("query_only", "ON");
        let readers = pool(options, options.readers).after_release(clean).connect_lazy_with(reading);
        Ok(Self { writer, readers })
    }

    pub(super) async fn close(&self) {
        futures::future::join(self.writer.close(), self.readers.close()).await;
    }
}

fn pool(options: &SqliteOptions, connections: u32) -> SqlitePoolOptions {
    // A connection to a file does not go bad by lying idle.
    SqlitePoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(options.acquire_timeout)
        .test_before_acquire(false)
        .idle_timeout(None)
        .max_lifetime(None)
}

fn clean(
    conn: &mut SqliteConnection,
    _: sqlx::pool::PoolConnectionMetadata,
) -> BoxFuture<'_, Result<bool, sqlx::Error>> {
    Box::pin(async move { Ok(!in_transaction(conn).await?) })
}

/// Whether a connection is in a transaction, after all that is still on its way there.
///
/// The driver rolls back what was dropped by a command that it queues, and counts the transaction until that has run.
pub(super) async fn in_transaction(conn: &mut SqliteConnection) -> Result<bool, sqlx::Error> {
    if !conn.is_in_transaction() {
        return Ok(false);
    }
    conn.ping().await?;
    Ok(conn.is_in_transaction())
}

/// Puts the file into WAL mode, which it then stays in. Changing the mode needs the file alone and does not wait by
/// itself, so several processes that start at once take turns here.
async fn enter_wal(path: &Path, options: SqliteConnectOptions, limit: Duration) -> Result<()> {
    let mut backoff = Backoff::new(limit);
    loop {
        match try_enter_wal(&options).await {
            Ok(mode) if mode == "wal" => return Ok(()),
            Ok(mode) => {
                let what =
                    format!("expected a database file that takes journal mode wal, found {mode}: {}", path.display());
                return Err(Error::new(ErrorKind::Unsupported, "open", what));
            }
            Err(busy) if is_busy(&busy) && backoff.again().await => {}
            Err(failed) => return Err(error(format!("open {}", path.display()), failed)),
        }
    }
}

async fn try_enter_wal(options: &SqliteConnectOptions) -> Result<String, sqlx::Error> {
    let mut conn = options.connect().await?;
    let mut mode: String = sqlx::query_scalar("PRAGMA journal_mode").fetch_one(&mut conn).await?;
    if mode != "wal" {
        mode = sqlx::query_scalar("PRAGMA journal_mode = WAL").fetch_one(&mut conn).await?;
    }
    conn.close().await?;
    Ok(mode)
}
