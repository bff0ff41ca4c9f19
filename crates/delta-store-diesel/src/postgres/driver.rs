use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Waker};

use delta_core::{Error, ErrorKind, Result};
use delta_sql::driver::Driver;
use delta_sql::postgres::{PgSettings, PostgresDriver, Query};
use diesel::QueryResult;
use diesel::row::{Field, Row};
use diesel_async::{AsyncConnectionCore, AsyncPgConnection, SimpleAsyncConnection};
use futures::TryStreamExt;

use super::connector::Connector;
use super::errors::{error, pool_error};
use super::listen::Listener;
use super::query::Statement;
use super::row::PgColumns;
use crate::answer::{Answer, Columns};
use crate::pool::Connections;
use crate::transactions;

/// diesel-async, as the logic of all Postgres stores needs it.
#[derive(Clone)]
pub(super) struct DieselDriver {
    connections: Arc<Connections<AsyncPgConnection>>,
    /// What makes connections, unless a pool of the caller's does.
    connector: Option<Connector>,
    keeps_statements: bool,
}

impl DieselDriver {
    pub(super) fn new(
        connections: Connections<AsyncPgConnection>,
        connector: Option<Connector>,
        settings: &PgSettings,
    ) -> Self {
        Self { connections: Arc::new(connections), connector, keeps_statements: settings.keeps_statements() }
    }

    pub(super) fn connections(&self) -> &Connections<AsyncPgConnection> {
        &self.connections
    }

    /// What makes connections, unless a pool of the caller's does.
    pub(super) fn connector(&self) -> Option<&Connector> {
        self.connector.as_ref()
    }
}

impl std::fmt::Debug for DieselDriver {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DieselDriver").field("keeps_statements", &self.keeps_statements).finish_non_exhaustive()
    }
}

impl Driver for DieselDriver {
    type Conn = AsyncPgConnection;
    type Row = PgColumns;

    fn is_in_transaction(&self, conn: &mut AsyncPgConnection) -> bool {
        transactions::is_open(transactions::status(conn))
    }

    async fn begin(&self, conn: &mut AsyncPgConnection, begin: &'static str, operation: &'static str) -> Result<()> {
        let opened = transactions::begin(conn, begin, abandon).await;
        opened.map_err(|failed| error(operation, conn, failed))
    }

    async fn commit(&self, conn: &mut AsyncPgConnection, operation: &'static str) -> Result<()> {
        let ended = transactions::commit(conn).await;
        ended.map_err(|failed| error(operation, conn, failed))
    }

    async fn rollback(&self, conn: &mut AsyncPgConnection, operation: &'static str) -> Result<()> {
        let ended = transactions::rollback(conn).await;
        ended.map_err(|failed| error(operation, conn, failed))
    }

    fn abandon(&self, conn: &mut AsyncPgConnection) {
        abandon(conn);
    }

    async fn script(&self, conn: &mut AsyncPgConnection, text: &str, operation: &'static str) -> Result<()> {
        let run = conn.batch_execute(text).await;
        run.map_err(|failed| error(operation, conn, failed))
    }

    async fn aside(&self, operation: &'static str) -> Result<AsyncPgConnection> {
        self.connections.aside().await.map_err(|error| pool_error(operation, error))
    }
}

impl PostgresDriver for DieselDriver {
    type Listening = Listener;

    fn keeps_statements(&self) -> bool {
        self.keeps_statements
    }

    async fn fetch(
        &self,
        conn: &mut AsyncPgConnection,
        query: Query<'_>,
        operation: &'static str,
    ) -> Result<Vec<PgColumns>> {
        if transactions::is_broken(transactions::status(conn)) {
            let what = "expected a usable connection, found one whose transaction was given up half-way";
            return Err(Error::new(ErrorKind::Unavailable, operation, what));
        }
        let statement = Statement::new(query, operation)?;
        let rows = load(conn, statement).await.map_err(|failed| error(operation, conn, failed))?;
        Ok(rows.into_iter().map(PgColumns).collect())
    }

    async fn listen(&self, channel: &str) -> Result<Listener> {
        match &self.connector {
            Some(connector) => Listener::open(connector, channel).await,
            None => Listener::on(self.aside("listen").await?, channel).await,
        }
    }
}

async fn load(conn: &mut AsyncPgConnection, statement: Statement<'_>) -> QueryResult<Vec<Columns>> {
    let mut answer = Answer::default();
    let mut rows = conn.load(statement).await?;
    while let Some(row) = rows.try_next().await? {
        answer.begin_row();
        for column in 0..row.field_count() {
            let field = row.get(column);
            answer.push(field.as_ref().and_then(Field::value).map(|value| value.as_bytes()));
        }
    }
    Ok(answer.into_rows())
}

/// Undoes the innermost transaction or savepoint without waiting: what is sent is in line before all that follows.
fn abandon(conn: &mut AsyncPgConnection) {
    let status = transactions::status(conn);
    let Ok(text) = transactions::undoing(status) else {
        return;
    };
    if transactions::count_ended(status).is_err() {
        status.set_in_error();
        return;
    }
    // One poll puts it in line; the answer is nobody's.
    let mut shared = &*conn;
    let sending = pin!(shared.batch_execute(&text));
    let _ = sending.poll(&mut Context::from_waker(Waker::noop()));
}
