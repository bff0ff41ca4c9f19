use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use delta_core::{Error, ErrorKind, Result};
use delta_sql::driver::{Driver, Row as _};
use delta_sql::mysql::{Executed, MysqlDriver, Query, SESSION};
use diesel::QueryResult;
use diesel::connection::{Connection, LoadConnection, TransactionManager, TransactionManagerStatus};
use diesel::mysql::Mysql;
use diesel::result::{DatabaseErrorKind, Error as DieselError};
use diesel::row::{Field, Row};

use super::driver::{DEADLOCK, NO_SAVEPOINT, REFUSE_WRITES};
use super::errors::{number_of, numbered};
use super::query::Statement;
use super::row::{MySqlColumns, push};
use crate::answer::{Answer, Columns};
use crate::transactions;

/// A blocking connection of diesel's to MySQL or MariaDB: `diesel::MysqlConnection`, or diesel-async's
/// `AsyncConnectionWrapper`.
pub trait BlockingMySql: Connection<Backend = Mysql> + LoadConnection + Send + 'static {}

impl<C: Connection<Backend = Mysql> + LoadConnection + Send + 'static> BlockingMySql for C {}

/// Blocking diesel, as the logic of all stores on MySQL and MariaDB needs it: its futures are ready at once.
pub(super) struct BlockingDriver<C> {
    /// The database's address, unless the store was given a pool.
    url: Option<Arc<str>>,
    conn: PhantomData<fn() -> C>,
}

impl<C> BlockingDriver<C> {
    pub(super) fn new(url: Option<Arc<str>>) -> Self {
        Self { url, conn: PhantomData }
    }
}

impl<C> Clone for BlockingDriver<C> {
    fn clone(&self) -> Self {
        Self::new(self.url.clone())
    }
}

impl<C> fmt::Debug for BlockingDriver<C> {
    /// Without the URL, which may hold a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BlockingDriver")
    }
}

fn status<C: BlockingMySql>(conn: &mut C) -> &mut TransactionManagerStatus {
    C::TransactionManager::transaction_manager_status_mut(conn)
}

fn undo<C: BlockingMySql>(conn: &mut C) -> QueryResult<()> {
    let text = transactions::undoing(status(conn))?;
    conn.batch_execute(&text)?;
    transactions::count_ended(status(conn))
}

/// The number of an error. diesel hides most, but the server still knows that of its last one.
fn number<C: BlockingMySql>(conn: &mut C, error: &DieselError) -> Option<u16> {
    let told = number_of(error);
    if told.is_some() || !matches!(error, DieselError::DatabaseError(DatabaseErrorKind::Unknown, _)) {
        return told;
    }
    conn.batch_execute("GET DIAGNOSTICS CONDITION 1 @delta_error = MYSQL_ERRNO").ok()?;
    let text = "SELECT CAST(@delta_error AS SIGNED)".into();
    let rows = load(conn, Query::new(&text)).ok()?;
    let number = MySqlColumns(rows.into_iter().next()?).int8(0).ok()??;
    u16::try_from(number).ok()
}

fn failed<C: BlockingMySql>(conn: &mut C, operation: &'static str, error: DieselError) -> Error {
    let number = number(conn, &error);
    if matches!(number, Some(DEADLOCK | NO_SAVEPOINT))
        && transactions::is_open(status(conn))
        && conn.batch_execute(REFUSE_WRITES).is_err()
    {
        status(conn).set_in_error();
    }
    numbered(operation, number, error)
}

fn keep<C: BlockingMySql>(conn: &mut C) -> QueryResult<()> {
    let text = transactions::keeping(status(conn))?;
    conn.batch_execute(&text)?;
    transactions::count_ended(status(conn))
}

fn open<C: BlockingMySql>(conn: &mut C, begin: &'static str) -> QueryResult<()> {
    let nested = transactions::is_open(status(conn));
    let text = transactions::opening(status(conn), begin)?;
    let mut opened = conn.batch_execute(&text);
    if nested && opened.is_ok() {
        // Where a deadlock of the caller's own statements has ended the transaction, a savepoint is gone at once.
        let text = transactions::undoing(status(conn))?;
        opened = conn.batch_execute(&text);
    }
    if opened.is_err() {
        transactions::count_ended(status(conn))?;
    }
    opened
}

impl<C: BlockingMySql> Driver for BlockingDriver<C> {
    type Conn = C;
    type Row = MySqlColumns;

    fn is_in_transaction(&self, conn: &mut C) -> bool {
        transactions::is_open(status(conn))
    }

    async fn begin(&self, conn: &mut C, begin: &'static str, operation: &'static str) -> Result<()> {
        open(conn, begin).map_err(|error| failed(conn, operation, error))
    }

    async fn commit(&self, conn: &mut C, operation: &'static str) -> Result<()> {
        keep(conn).map_err(|error| failed(conn, operation, error))
    }

    async fn rollback(&self, conn: &mut C, operation: &'static str) -> Result<()> {
        let ended = undo(conn);
        if let Err(error) = &ended
            && number(conn, error) == Some(NO_SAVEPOINT)
        {
            let refused = conn.batch_execute(REFUSE_WRITES).and_then(|()| transactions::count_ended(status(conn)));
            return refused.map_err(|error| failed(conn, operation, error));
        }
        ended.map_err(|error| failed(conn, operation, error))
    }

    fn abandon(&self, conn: &mut C) {
        if undo(conn).is_err() {
            status(conn).set_in_error();
        }
    }

    async fn script(&self, conn: &mut C, text: &str, operation: &'static str) -> Result<()> {
        conn.batch_execute(text).map_err(|error| failed(conn, operation, error))
    }

    async fn aside(&self, operation: &'static str) -> Result<C> {
        let Some(url) = &self.url else {
            let what = "expected a kind and a namespace that exist already, for a store on a pool of its caller's cannot \
                        make a blocking connection to create them on: inform once without blocking";
            return Err(Error::new(ErrorKind::Unsupported, operation, what));
        };
        // The driver's words may show the address.
        let mut conn = C::establish(url).map_err(|_| {
            let what = "expected a second connection, to create a kind or namespace on, found none to be had";
            Error::new(ErrorKind::Unavailable, operation, what)
        })?;
        self.script(&mut conn, SESSION, operation).await?;
        Ok(conn)
    }
}

impl<C: BlockingMySql> MysqlDriver for BlockingDriver<C> {
    async fn fetch(&self, conn: &mut C, query: Query<'_>, operation: &'static str) -> Result<Vec<MySqlColumns>> {
        let rows = load(conn, query).map_err(|error| failed(conn, operation, error))?;
        Ok(rows.into_iter().map(MySqlColumns).collect())
    }

    async fn execute(&self, conn: &mut C, query: Query<'_>, operation: &'static str) -> Result<Executed> {
        match conn.execute_returning_count(&Statement(query)) {
            Ok(_) => Ok(Executed::Done),
            Err(DieselError::DatabaseError(DatabaseErrorKind::UniqueViolation, _)) => Ok(Executed::Duplicate),
            Err(error) => Err(failed(conn, operation, error)),
        }
    }
}

fn load<C: BlockingMySql>(conn: &mut C, query: Query<'_>) -> QueryResult<Vec<Columns>> {
    let mut answer = Answer::default();
    for row in conn.load(Statement(query))? {
        let row = row?;
        answer.begin_row();
        for column in 0..row.field_count() {
            let field = row.get(column);
            let value = field.as_ref().and_then(Field::value);
            push(&mut answer, value.as_ref());
        }
    }
    Ok(answer.into_rows())
}
