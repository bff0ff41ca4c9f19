use std::sync::Arc;

use delta_core::{Error, ErrorKind, Result};
use redb::{Database, ReadTransaction, ReadableDatabase, WriteTransaction};
use tokio::sync::OwnedMutexGuard;

use crate::errors::Failure;
use crate::read::Read;

/// A connection: the right to read, and to write if it was acquired for that. Dropping it rolls its transaction back.
pub struct RedbConn {
    database: Arc<Database>,
    /// The turn to write. redb has one writer at a time, and would make the others block their threads.
    turn: Option<OwnedMutexGuard<()>>,
    transaction: Transaction,
}

enum Transaction {
    /// Every call is a transaction of its own.
    None,
    /// The caller's.
    Open(Box<WriteTransaction>),
    /// The caller's, which was rolled back when a write failed half-way.
    Over,
}

impl RedbConn {
    pub(crate) fn new(database: Arc<Database>, turn: Option<OwnedMutexGuard<()>>) -> Self {
        Self { database, turn, transaction: Transaction::None }
    }

    /// Begins a transaction.
    ///
    /// # Errors
    ///
    /// `Invalid` if the connection was acquired for reading, or is in a transaction.
    pub fn begin(&mut self) -> Result<()> {
        self.may_write("begin")?;
        if self.is_in_transaction() {
            return Err(invalid("begin", "expected a connection that is not in a transaction, found one that is"));
        }
        let begun = self.database.begin_write().map_err(|error| Failure::from(error).during("begin"))?;
        self.transaction = Transaction::Open(Box::new(begun));
        Ok(())
    }

    /// Ends the transaction and keeps what it wrote, on the disk.
    ///
    /// # Errors
    ///
    /// `Conflict` if a failed write has rolled it back.
    pub fn commit(&mut self) -> Result<()> {
        match std::mem::replace(&mut self.transaction, Transaction::None) {
            Transaction::None => Ok(()),
            Transaction::Open(open) => open.commit().map_err(|error| Failure::from(error).during("commit")),
            Transaction::Over => Err(over("commit")),
        }
    }

    /// Ends the transaction and keeps nothing, as dropping the connection does.
    pub fn rollback(&mut self) {
        self.transaction = Transaction::None;
    }

    /// redb's own transaction, for tables of the caller's beside Delta's.
    #[must_use]
    pub fn transaction(&self) -> Option<&WriteTransaction> {
        match &self.transaction {
            Transaction::Open(open) => Some(open),
            Transaction::None | Transaction::Over => None,
        }
    }

    pub(crate) fn is_in_transaction(&self) -> bool {
        !matches!(self.transaction, Transaction::None)
    }

    fn may_write(&self, operation: &'static str) -> Result<()> {
        let what = "expected a connection acquired for writing, found one for reading";
        if self.turn.is_some() { Ok(()) } else { Err(invalid(operation, what)) }
    }

    /// Reads what is committed, whatever the connection's own transaction has done.
    pub(crate) fn committed<T>(
        &self,
        operation: &'static str,
        read: impl FnOnce(&ReadTransaction) -> Result<T, Failure>,
    ) -> Result<T> {
        let begun = self.database.begin_read().map_err(Failure::from);
        begun.and_then(|committed| read(&committed)).map_err(|failure| failure.during(operation))
    }

    /// Reads what the connection sees: what is committed, or what its transaction has made of it.
    pub(crate) fn read<R: Read>(&self, operation: &'static str, query: &R) -> Result<R::Answer> {
        match &self.transaction {
            Transaction::None => self.committed(operation, |committed| query.read(committed)),
            Transaction::Open(open) => query.read(&**open).map_err(|failure| failure.during(operation)),
            Transaction::Over => Err(over(operation)),
        }
    }

    /// Writes in the caller's transaction, or in one of its own: all of it or nothing.
    pub(crate) fn write<T>(
        &mut self,
        operation: &'static str,
        write: impl FnOnce(&WriteTransaction) -> Result<T, Failure>,
    ) -> Result<T> {
        self.may_write(operation)?;
        let written = match &self.transaction {
            Transaction::None => self.database.begin_write().map_err(Failure::from).and_then(|own| {
                let written = write(&own)?;
                own.commit()?;
                Ok(written)
            }),
            Transaction::Open(open) => write(open).inspect_err(|_| {
                // Half of a changeset must not stay, and redb has no savepoint within a transaction.
                self.transaction = Transaction::Over;
            }),
            Transaction::Over => return Err(over(operation)),
        };
        written.map_err(|failure| failure.during(operation))
    }
}

pub(crate) fn invalid(operation: &'static str, what: &'static str) -> Error {
    Error::new(ErrorKind::Invalid, operation, what)
}

fn over(operation: &'static str) -> Error {
    Error::new(ErrorKind::Conflict, operation, "the transaction was rolled back when a write failed")
}
