use std::fmt::Write;
use std::sync::Arc;

use delta_core::{Error, Result, Timestamp};
use delta_sql::driver::{Driver, Row, RowError};
use delta_sql::mysql::{Executed, MysqlDriver, Query, Value};
use sqlx::mysql::{MySqlArguments, MySqlRow};
use sqlx::{AssertSqlSafe, Connection, Decode, MySql, MySqlConnection, Row as _};
use sqlx_core::transaction::TransactionManager;

use super::connection::Connections;
use super::errors::{during, is_deadlock, is_duplicate, is_without_savepoint};
use crate::transactions::Transactions;

/// sqlx, as the logic of all stores on MySQL and MariaDB needs it.
#[derive(Clone, Debug)]
pub(super) struct MySqlDriver {
    connections: Arc<Connections>,
}

impl MySqlDriver {
    pub(super) fn new(connections: Connections) -> Self {
        Self { connections: Arc::new(connections) }
    }

    pub(super) fn connections(&self) -> &Connections {
        &self.connections
    }
}

impl Driver for MySqlDriver {
    type Conn = MySqlConnection;
    type Row = Columns;

    fn is_in_transaction(&self, conn: &mut MySqlConnection) -> bool {
        conn.is_in_transaction()
    }

    async fn begin(&self, conn: &mut MySqlConnection, begin: &'static str, operation: &'static str) -> Result<()> {
        Transactions::<MySql>::begin(conn, begin).await.map_err(during(operation))
    }

    async fn commit(&self, conn: &mut MySqlConnection, operation: &'static str) -> Result<()> {
        Transactions::<MySql>::commit(conn).await.map_err(during(operation))
    }

    async fn rollback(&self, conn: &mut MySqlConnection, operation: &'static str) -> Result<()> {
        let mut undone = Transactions::<MySql>::rollback(conn).await;
        if undone.as_ref().is_err_and(is_without_savepoint) {
            refuse_writes(conn).await.map_err(during(operation))?;
            undone = Transactions::<MySql>::rollback(conn).await;
        }
        undone.map_err(during(operation))
    }

    fn abandon(&self, conn: &mut MySqlConnection) {
        Transactions::<MySql>::abandon(conn);
    }

    async fn script(&self, conn: &mut MySqlConnection, text: &str, operation: &'static str) -> Result<()> {
        sqlx::raw_sql(AssertSqlSafe(text)).execute(conn).await.map_err(during(operation))?;
        Ok(())
    }

    async fn aside(&self, operation: &'static str) -> Result<MySqlConnection> {
        self.connections.aside(operation).await
    }
}

impl MysqlDriver for MySqlDriver {
    async fn fetch(
        &self,
        conn: &mut MySqlConnection,
        query: Query<'_>,
        operation: &'static str,
    ) -> Result<Vec<Columns>> {
        match bound(query).fetch_all(&mut *conn).await {
            Ok(rows) => Ok(rows.into_iter().map(Columns).collect()),
            Err(error) => Err(failed(conn, error, operation).await),
        }
    }

    async fn execute(&self, conn: &mut MySqlConnection, query: Query<'_>, operation: &'static str) -> Result<Executed> {
        match bound(query).execute(&mut *conn).await {
            Ok(_) => Ok(Executed::Done),
            Err(error) if is_duplicate(&error) => Ok(Executed::Duplicate),
            Err(error) => Err(failed(conn, error, operation).await),
        }
    }
}

/// Turns an error of a statement into one of Delta.
async fn failed(conn: &mut MySqlConnection, error: sqlx::Error, operation: &'static str) -> Error {
    if is_deadlock(&error)
        && conn.is_in_transaction()
        && let Err(worse) = refuse_writes(conn).await
    {
        return during(operation)(worse);
    }
    during(operation)(error)
}

/// After a deadlock has ended the whole transaction, which the driver takes for open: what comes next must not commit by
/// itself. So it finds a transaction that refuses to write, until the caller rolls back.
async fn refuse_writes(conn: &mut MySqlConnection) -> sqlx::Result<()> {
    let depth = <MySql as sqlx::Database>::TransactionManager::get_transaction_depth(conn);
    let mut text = "START TRANSACTION READ ONLY".to_owned();
    for savepoint in 1..depth {
        let _ = write!(text, "; SAVEPOINT _sqlx_savepoint_{savepoint}");
    }
    sqlx::raw_sql(AssertSqlSafe(text)).execute(conn).await?;
    Ok(())
}

type Bound = sqlx::query::Query<'static, MySql, MySqlArguments>;

fn bound(query: Query<'_>) -> Bound {
    query.values.into_iter().fold(sqlx::query(AssertSqlSafe(query.text)), bind)
}

fn bind(query: Bound, value: Value<'_>) -> Bound {
    match value {
        Value::Int(value) => query.bind(value),
        Value::Text(value) => query.bind(value.as_deref()),
        Value::Bytes(value) => query.bind(value.as_deref()),
    }
}

/// A row of sqlx's.
pub(super) struct Columns(MySqlRow);

impl Columns {
    fn read<'r, T: Decode<'r, MySql>>(&'r self, column: usize) -> Result<Option<T>, RowError> {
        // The statements name the columns and their types; and text comes from columns of several, binary ones included.
        Ok(self.0.try_get_unchecked(column)?)
    }
}

impl Row for Columns {
    fn int2(&self, column: usize) -> Result<Option<i16>, RowError> {
        self.read(column)
    }

    fn int4(&self, column: usize) -> Result<Option<i32>, RowError> {
        self.read(column)
    }

    fn int8(&self, column: usize) -> Result<Option<i64>, RowError> {
        self.read(column)
    }

    fn bool(&self, column: usize) -> Result<Option<bool>, RowError> {
        self.read(column)
    }

    fn text(&self, column: usize) -> Result<Option<&str>, RowError> {
        self.read(column)
    }

    fn bytes(&self, column: usize) -> Result<Option<&[u8]>, RowError> {
        self.read(column)
    }

    fn time(&self, column: usize) -> Result<Option<Timestamp>, RowError> {
        Ok(self.read(column)?.map(Timestamp::from_micros))
    }
}
