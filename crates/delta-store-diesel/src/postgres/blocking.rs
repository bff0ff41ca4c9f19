use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use delta_core::{Error, ErrorKind, Result};
use delta_sql::driver::Driver;
use delta_sql::postgres::{Listening, PostgresDriver, Query};
use diesel::QueryResult;
use diesel::connection::{Connection, LoadConnection, TransactionManager, TransactionManagerStatus};
use diesel::pg::Pg;
use diesel::row::{Field, Row};

use super::errors::coded;
use super::query::Statement;
use super::row::PgColumns;
use crate::answer::{Answer, Columns};
use crate::transactions;

/// A blocking connection of diesel's to Postgres: `diesel::PgConnection`, or diesel-async's `AsyncConnectionWrapper`.
pub trait BlockingPg: Connection<Backend = Pg> + LoadConnection + Send + 'static {}

impl<C: Connection<Backend = Pg> + LoadConnection + Send + 'static> BlockingPg for C {}

/// Blocking diesel, as the logic of all Postgres stores needs it: its futures are ready at once.
pub(super) struct BlockingDriver<C> {
    /// The database's address, unless the store was given a pool.
    url: Option<Arc<str>>,
    keeps_statements: bool,
    conn: PhantomData<fn() -> C>,
}

impl<C> BlockingDriver<C> {
    pub(super) fn new(url: Option<Arc<str>>, keeps_statements: bool) -> Self {
        Self { url, keeps_statements, conn: PhantomData }
    }
}

impl<C> Clone for BlockingDriver<C> {
    fn clone(&self) -> Self {
        Self::new(self.url.clone(), self.keeps_statements)
    }
}

impl<C> fmt::Debug for BlockingDriver<C> {
    /// Without the URL, which may hold a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BlockingDriver").field("keeps_statements", &self.keeps_statements).finish_non_exhaustive()
    }
}

fn status<C: BlockingPg>(conn: &mut C) -> &mut TransactionManagerStatus {
    C::TransactionManager::transaction_manager_status_mut(conn)
}

fn undo<C: BlockingPg>(conn: &mut C) -> QueryResult<()> {
    let text = transactions::undoing(status(conn))?;
    conn.batch_execute(&text)?;
    transactions::count_ended(status(conn))
}

fn during(operation: &'static str) -> impl FnOnce(diesel::result::Error) -> Error {
    move |error| coded(operation, None, error)
}

impl<C: BlockingPg> Driver for BlockingDriver<C> {
    type Conn = C;
    type Row = PgColumns;

    fn is_in_transaction(&self, conn: &mut C) -> bool {
        transactions::is_open(status(conn))
    }

    async fn begin(&self, conn: &mut C, begin: &'static str, operation: &'static str) -> Result<()> {
        let text = transactions::opening(status(conn), begin).map_err(during(operation))?;
        let opened = conn.batch_execute(&text);
        if opened.is_err() {
            self.abandon(conn);
        }
        opened.map_err(during(operation))
    }

    async fn commit(&self, conn: &mut C, operation: &'static str) -> Result<()> {
        let text = transactions::keeping(status(conn)).map_err(during(operation))?;
        conn.batch_execute(&text).and_then(|()| transactions::count_ended(status(conn))).map_err(during(operation))
    }

    async fn rollback(&self, conn: &mut C, operation: &'static str) -> Result<()> {
        undo(conn).map_err(during(operation))
    }

    fn abandon(&self, conn: &mut C) {
        if undo(conn).is_err() {
            status(conn).set_in_error();
        }
    }

    async fn script(&self, conn: &mut C, text: &str, operation: &'static str) -> Result<()> {
        conn.batch_execute(text).map_err(during(operation))
    }

    async fn aside(&self, operation: &'static str) -> Result<C> {
        let Some(url) = &self.url else {
            let what = "expected a kind and a namespace that exist already, for a store on a pool of its caller's cannot \
                        make a blocking connection to create them on: inform once without blocking";
            return Err(Error::new(ErrorKind::Unsupported, operation, what));
        };
        // The driver's words may show the address.
        C::establish(url).map_err(|_| {
            let what = "expected a second connection, to create a kind or namespace on, found none to be had";
            Error::new(ErrorKind::Unavailable, operation, what)
        })
    }
}

impl<C: BlockingPg> PostgresDriver for BlockingDriver<C> {
    type Listening = Nobody;

    fn keeps_statements(&self) -> bool {
        self.keeps_statements
    }

    async fn fetch(&self, conn: &mut C, query: Query<'_>, operation: &'static str) -> Result<Vec<PgColumns>> {
        let rows = load(conn, Statement::new(query, operation)?).map_err(during(operation))?;
        Ok(rows.into_iter().map(PgColumns).collect())
    }

    async fn listen(&self, _channel: &str) -> Result<Nobody> {
        Err(Error::new(ErrorKind::Unsupported, "listen", "nobody listens on a blocking connection"))
    }
}

fn load<C: BlockingPg>(conn: &mut C, statement: Statement<'_>) -> QueryResult<Vec<Columns>> {
    let mut answer = Answer::default();
    for row in conn.load(statement)? {
        let row = row?;
        answer.begin_row();
        for column in 0..row.field_count() {
            let field = row.get(column);
            answer.push(field.as_ref().and_then(Field::value).map(|value| value.as_bytes()));
        }
    }
    Ok(answer.into_rows())
}

/// Listens on no connection.
pub(super) enum Nobody {}

impl Listening for Nobody {
    async fn notified(&mut self) -> Result<String> {
        match *self {}
    }

    async fn ping(&mut self) -> Result<()> {
        match *self {}
    }
}
