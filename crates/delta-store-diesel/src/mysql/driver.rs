use std::sync::Arc;

use delta_core::{Error, ErrorKind, Result};
use delta_sql::driver::{Driver, Row as _};
use delta_sql::mysql::{Executed, MysqlDriver, Query};
use diesel::QueryResult;
use diesel::result::{DatabaseErrorKind, Error as DieselError};
use diesel::row::{Field, Row};
use diesel_async::{AsyncConnectionCore, AsyncMysqlConnection, SimpleAsyncConnection};
use futures::TryStreamExt;

use super::errors::{number_of, numbered, pool_error};
use super::query::Statement;
use super::row::{MySqlColumns, push};
use crate::answer::{Answer, Columns};
use crate::pool::Connections;
use crate::transactions;

/// What the server says of a savepoint that is not there.
pub(super) const NO_SAVEPOINT: u16 = 1305;
/// What it says when it has ended a transaction to let others go on.
pub(super) const DEADLOCK: u16 = 1213;
/// Opens a transaction that refuses to write.
pub(super) const REFUSE_WRITES: &str = "START TRANSACTION READ ONLY";

/// diesel-async, as the logic of all stores on MySQL and MariaDB needs it.
#[derive(Clone)]
pub(super) struct DieselDriver {
    connections: Arc<Connections<AsyncMysqlConnection>>,
    /// The database's address, unless the store was given a pool. Never shown, for it may hold a password.
    url: Option<Arc<str>>,
}

impl DieselDriver {
    pub(super) fn new(connections: Connections<AsyncMysqlConnection>, url: Option<Arc<str>>) -> Self {
        Self { connections: Arc::new(connections), url }
    }

    pub(super) fn connections(&self) -> &Connections<AsyncMysqlConnection> {
        &self.connections
    }

    pub(super) fn url(&self) -> Option<&Arc<str>> {
        self.url.as_ref()
    }
}

impl std::fmt::Debug for DieselDriver {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("DieselDriver")
    }
}

/// A connection in use. Dropped before it is done, the answer of the server is still to come, and would be taken for that
/// of the next statement: nobody may use the connection any more, and its pool throws it away.
struct Use<'c> {
    conn: &'c mut AsyncMysqlConnection,
    done: bool,
}

impl<'c> Use<'c> {
    fn begin(conn: &'c mut AsyncMysqlConnection, operation: &'static str) -> Result<Self> {
        if transactions::is_broken(transactions::status(conn)) {
            let what = "expected a usable connection, found one whose use was given up half-way";
            return Err(Error::new(ErrorKind::Unavailable, operation, what));
        }
        Ok(Self { conn, done: false })
    }

    async fn end<T>(mut self, ended: QueryResult<T>, operation: &'static str) -> Result<T> {
        let ended = match ended {
            Ok(done) => Ok(done),
            Err(error) => {
                let number = number(self.conn, &error).await;
                if matches!(number, Some(DEADLOCK | NO_SAVEPOINT)) {
                    refuse_writes(self.conn).await;
                }
                Err(numbered(operation, number, error))
            }
        };
        self.done = true;
        ended
    }
}

impl Drop for Use<'_> {
    fn drop(&mut self) {
        if !self.done {
            transactions::status(self.conn).set_in_error();
        }
    }
}

/// Where diesel takes a transaction for open that a deadlock has ended, what comes next must not commit by itself: it
/// finds a transaction that refuses to write, until the caller rolls back.
async fn refuse_writes(conn: &mut AsyncMysqlConnection) {
    if transactions::is_open(transactions::status(conn)) && conn.batch_execute(REFUSE_WRITES).await.is_err() {
        transactions::status(conn).set_in_error();
    }
}

/// The number of an error. diesel hides most, but the server still knows that of its last one.
async fn number(conn: &mut AsyncMysqlConnection, error: &DieselError) -> Option<u16> {
    let told = number_of(error);
    if told.is_some() || !matches!(error, DieselError::DatabaseError(DatabaseErrorKind::Unknown, _)) {
        return told;
    }
    conn.batch_execute("GET DIAGNOSTICS CONDITION 1 @delta_error = MYSQL_ERRNO").await.ok()?;
    let text = "SELECT CAST(@delta_error AS SIGNED)".into();
    let rows = load(conn, Query::new(&text)).await.ok()?;
    let number = MySqlColumns(rows.into_iter().next()?).int8(0).ok()??;
    u16::try_from(number).ok()
}

impl Driver for DieselDriver {
    type Conn = AsyncMysqlConnection;
    type Row = MySqlColumns;

    fn is_in_transaction(&self, conn: &mut AsyncMysqlConnection) -> bool {
        transactions::is_open(transactions::status(conn))
    }

    async fn begin(&self, conn: &mut AsyncMysqlConnection, begin: &'static str, operation: &'static str) -> Result<()> {
        let using = Use::begin(conn, operation)?;
        let nested = transactions::is_open(transactions::status(using.conn));
        // What could not be opened is not there to be given up.
        let uncount = |conn: &mut AsyncMysqlConnection| {
            let _ = transactions::count_ended(transactions::status(conn));
        };
        let mut opened = transactions::begin(using.conn, begin, uncount).await;
        if nested && opened.is_ok() {
            // Where a deadlock of the caller's own statements has ended the transaction, a savepoint is gone at once.
            let text = transactions::undoing(transactions::status(using.conn));
            opened = match text {
                Ok(text) => using.conn.batch_execute(&text).await,
                Err(error) => Err(error),
            };
            if opened.is_err() {
                uncount(using.conn);
            }
        }
        using.end(opened, operation).await
    }

    async fn commit(&self, conn: &mut AsyncMysqlConnection, operation: &'static str) -> Result<()> {
        let using = Use::begin(conn, operation)?;
        let ended = transactions::commit(using.conn).await;
        using.end(ended, operation).await
    }

    async fn rollback(&self, conn: &mut AsyncMysqlConnection, operation: &'static str) -> Result<()> {
        let using = Use::begin(conn, operation)?;
        let mut ended = transactions::rollback(using.conn).await;
        if let Err(error) = &ended
            && number(using.conn, error).await == Some(NO_SAVEPOINT)
        {
            refuse_writes(using.conn).await;
            ended = transactions::count_ended(transactions::status(using.conn));
        }
        using.end(ended, operation).await
    }

    fn abandon(&self, conn: &mut AsyncMysqlConnection) {
        transactions::status(conn).set_in_error();
    }

    async fn script(&self, conn: &mut AsyncMysqlConnection, text: &str, operation: &'static str) -> Result<()> {
        let using = Use::begin(conn, operation)?;
        let run = using.conn.batch_execute(text).await;
        using.end(run, operation).await
    }

    async fn aside(&self, operation: &'static str) -> Result<AsyncMysqlConnection> {
        self.connections.aside().await.map_err(|error| pool_error(operation, error))
    }
}

impl MysqlDriver for DieselDriver {
    async fn fetch(
        &self,
        conn: &mut AsyncMysqlConnection,
        query: Query<'_>,
        operation: &'static str,
    ) -> Result<Vec<MySqlColumns>> {
        let using = Use::begin(conn, operation)?;
        let rows = load(using.conn, query).await;
        let rows = using.end(rows, operation).await?;
        Ok(rows.into_iter().map(MySqlColumns).collect())
    }

    async fn execute(
        &self,
        conn: &mut AsyncMysqlConnection,
        query: Query<'_>,
        operation: &'static str,
    ) -> Result<Executed> {
        let using = Use::begin(conn, operation)?;
        let executed = match using.conn.execute_returning_count(Statement(query)).await {
            Ok(_) => Ok(Executed::Done),
            Err(DieselError::DatabaseError(DatabaseErrorKind::UniqueViolation, _)) => Ok(Executed::Duplicate),
            Err(error) => Err(error),
        };
        using.end(executed, operation).await
    }
}

async fn load(conn: &mut AsyncMysqlConnection, query: Query<'_>) -> QueryResult<Vec<Columns>> {
    let mut answer = Answer::default();
    let mut rows = conn.load(Statement(query)).await?;
    while let Some(row) = rows.try_next().await? {
        answer.begin_row();
        for column in 0..row.field_count() {
            let field = row.get(column);
            let value = field.as_ref().and_then(Field::value);
            push(&mut answer, value.as_ref());
        }
    }
    Ok(answer.into_rows())
}
