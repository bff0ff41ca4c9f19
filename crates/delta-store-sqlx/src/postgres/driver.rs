use std::sync::Arc;

use delta_core::{Result, Timestamp};
use delta_sql::driver::{Driver, Row, RowError};
use delta_sql::postgres::{ArrayRow, PgSettings, PostgresDriver, Query, Value};
use sqlx::postgres::{PgArguments, PgRow};
use sqlx::{AssertSqlSafe, Connection, Decode, PgConnection, Postgres, Row as _};

use super::connection::Connections;
use super::errors::during;
use super::listen::Listener;
use super::moment::Moment;
use crate::transactions::Transactions;

/// sqlx, as the logic of all Postgres stores needs it.
#[derive(Clone, Debug)]
pub(super) struct PgDriver {
    connections: Arc<Connections>,
    keeps_statements: bool,
}

impl PgDriver {
    pub(super) fn new(connections: Connections, settings: &PgSettings) -> Self {
        Self { connections: Arc::new(connections), keeps_statements: settings.keeps_statements() }
    }

    pub(super) fn connections(&self) -> &Connections {
        &self.connections
    }
}

impl Driver for PgDriver {
    type Conn = PgConnection;
    type Row = Columns;

    fn is_in_transaction(&self, conn: &mut PgConnection) -> bool {
        conn.is_in_transaction()
    }

    async fn begin(&self, conn: &mut PgConnection, begin: &'static str, operation: &'static str) -> Result<()> {
        Transactions::<Postgres>::begin(conn, begin).await.map_err(during(operation))
    }

    async fn commit(&self, conn: &mut PgConnection, operation: &'static str) -> Result<()> {
        Transactions::<Postgres>::commit(conn).await.map_err(during(operation))
    }

    async fn rollback(&self, conn: &mut PgConnection, operation: &'static str) -> Result<()> {
        Transactions::<Postgres>::rollback(conn).await.map_err(during(operation))
    }

    fn abandon(&self, conn: &mut PgConnection) {
        Transactions::<Postgres>::abandon(conn);
    }

    async fn script(&self, conn: &mut PgConnection, text: &str, operation: &'static str) -> Result<()> {
        sqlx::raw_sql(AssertSqlSafe(text)).execute(conn).await.map_err(during(operation))?;
        Ok(())
    }

    async fn aside(&self, operation: &'static str) -> Result<PgConnection> {
        self.connections.aside(operation).await
    }
}

impl PostgresDriver for PgDriver {
    type Listening = Listener;

    fn keeps_statements(&self) -> bool {
        self.keeps_statements
    }

    async fn fetch(&self, conn: &mut PgConnection, query: Query<'_>, operation: &'static str) -> Result<Vec<Columns>> {
        let text = sqlx::query(AssertSqlSafe(query.text)).persistent(self.keeps_statements());
        let query = query.values.into_iter().fold(text, bind);
        let rows = query.fetch_all(conn).await.map_err(during(operation))?;
        Ok(rows.into_iter().map(Columns).collect())
    }

    async fn listen(&self, channel: &str) -> Result<Listener> {
        Listener::open(self.connections.pool(), channel).await
    }
}

type Bound<'q> = sqlx::query::Query<'q, Postgres, PgArguments>;

fn bind<'q>(query: Bound<'q>, value: Value<'_>) -> Bound<'q> {
    match value {
        Value::Bool(value) => query.bind(value),
        Value::Int4(value) => query.bind(value),
        Value::Int8(value) => query.bind(value),
        Value::Text(value) => query.bind(value.as_deref()),
        Value::Time(value) => query.bind(value.map(Moment)),
        Value::Bools(values) => query.bind(values),
        Value::Int2s(values) => query.bind(values),
        Value::Int4s(values) => query.bind(values),
        Value::Int8s(values) => query.bind(values),
        Value::Texts(values) => query.bind(values),
        Value::Bytes(values) => query.bind(values),
        Value::Times(values) => query.bind(values.into_iter().map(|time| time.map(Moment)).collect::<Vec<_>>()),
    }
}

/// A row of sqlx's.
pub(super) struct Columns(PgRow);

impl Columns {
    fn read<'r, T: Decode<'r, Postgres>>(&'r self, column: usize) -> Result<Option<T>, RowError> {
        // The statements name the columns and their types; checking them again for each value shows in a profile.
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
        Ok(self.read::<Moment>(column)?.map(|moment| moment.0))
    }
}

impl ArrayRow for Columns {
    fn int8s(&self, column: usize) -> Result<Option<Vec<i64>>, RowError> {
        self.read(column)
    }

    fn bools(&self, column: usize) -> Result<Option<Vec<bool>>, RowError> {
        self.read(column)
    }

    fn texts(&self, column: usize) -> Result<Option<Vec<String>>, RowError> {
        self.read(column)
    }
}
