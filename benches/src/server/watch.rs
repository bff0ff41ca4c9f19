use std::time::{Duration, Instant};

use delta::core::{Browse, Filter, ListQuery};
use delta_core::{Access, Depth, ResourceId, State};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _, MySqlConnection, PgConnection, SqliteConnection};

use super::backend::Backend;
use super::place::Place;
use crate::clock::{now, sleep};
use crate::failure::Failure;

/// How long it may take until everything is settled.
const PATIENCE: Duration = Duration::from_mins(20);

/// Looks into a database whether work is done, on a connection of its own.
#[derive(Debug)]
pub struct Watch {
    conn: Conn,
    events: i64,
}

#[derive(Debug)]
enum Conn {
    Postgres(PgConnection),
    MySql(MySqlConnection),
    Sqlite(SqliteConnection),
    Memory,
}

/// The last event, each settlement appends one; and whether something is to be done or being done.
const LAST: &str = "SELECT coalesce(max(position), 0) FROM";
const OPEN: &str = "WHERE state IN ('scheduled', 'pending', 'failed')";

impl Watch {
    /// Begins: what is settled from now on counts.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future changes nothing.
    pub async fn start(place: &Place) -> Result<Self, Failure> {
        let conn = match place.backend() {
            Backend::SqlxPostgres | Backend::DieselPostgres => {
                Conn::Postgres(PgConnection::connect(place.url()).await?)
            }
            Backend::SqlxMysql | Backend::DieselMysql => Conn::MySql(MySqlConnection::connect(place.url()).await?),
            Backend::SqlxSqlite => {
                Conn::Sqlite(SqliteConnectOptions::new().filename(place.url()).read_only(true).connect().await?)
            }
            Backend::Memory => Conn::Memory,
        };
        let mut watch = Self { conn, events: 0 };
        watch.events = watch.last_event().await?;
        Ok(watch)
    }

    /// Waits until so many settlements are committed and nothing is left to be done; returns when that was.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future changes nothing.
    pub async fn settled<S: Browse>(&mut self, count: usize, store: &S, each: Duration) -> Result<Instant, Failure> {
        let wanted = self.events + i64::try_from(count)?;
        let deadline = now() + PATIENCE;
        let mut first = None;
        while now() < deadline {
            if first.is_none() && self.last_event().await? >= wanted {
                first = Some(now());
            }
            let seen = match self.conn {
                Conn::Memory => Some(now()),
                _ => first,
            };
            if let Some(seen) = seen {
                let open = self.open(store).await?;
                if open == 0 {
                    return Ok(seen);
                }
                // It was not the last one that was seen: the answer counts from here.
                first = Some(now());
            }
            sleep(each).await;
        }
        Err(format!("expected everything to be settled within {PATIENCE:?}, found {} left", self.open(store).await?)
            .into())
    }

    async fn last_event(&mut self) -> Result<i64, Failure> {
        Ok(match &mut self.conn {
            Conn::Postgres(conn) => {
                sqlx::query_scalar(sqlx::AssertSqlSafe(format!("{LAST} delta.event"))).fetch_one(conn).await?
            }
            Conn::MySql(conn) => {
                sqlx::query_scalar(sqlx::AssertSqlSafe(format!("{LAST} delta_event"))).fetch_one(conn).await?
            }
            Conn::Sqlite(conn) => {
                sqlx::query_scalar(sqlx::AssertSqlSafe(format!("{LAST} delta_event"))).fetch_one(conn).await?
            }
            Conn::Memory => 0,
        })
    }

    async fn open<S: Browse>(&mut self, store: &S) -> Result<i64, Failure> {
        let own = |table: &str| sqlx::AssertSqlSafe(format!("SELECT count(*) FROM {table} {OPEN}"));
        Ok(match &mut self.conn {
            Conn::Postgres(conn) => sqlx::query_scalar(own("delta.resource")).fetch_one(conn).await?,
            Conn::MySql(conn) => sqlx::query_scalar(own("delta_resource")).fetch_one(conn).await?,
            Conn::Sqlite(conn) => sqlx::query_scalar(own("delta_resource")).fetch_one(conn).await?,
            Conn::Memory => {
                let mut conn = store.acquire(Access::Read).await?;
                let states = vec![State::Scheduled, State::Pending, State::Failed];
                let filter = Filter { states, ..Filter::default() };
                let query = ListQuery { filter, after: ResourceId::default(), limit: 1, depth: Depth::Head };
                i64::try_from(store.list(&mut conn, &query).await?.len())?
            }
        })
    }
}
