use std::fmt;

use delta_core::Result;

use crate::driver::Driver;

/// How much of a transaction a piece of work needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// Its single statement is one by itself.
    Statement,
    /// Several statements that apply together.
    Transaction,
}

/// A connection in as much of a transaction as the work on it needs.
///
/// Dropped before [`keep`](Self::keep), it undoes what was done on it and nothing else: in a caller's transaction it is a
/// savepoint.
pub enum Unit<'c, D: Driver> {
    /// The connection as it was.
    Joined(&'c mut D::Conn),
    /// A transaction or savepoint of its own.
    Own(D::Transaction<'c>),
}

impl<'c, D: Driver> Unit<'c, D> {
    /// Opens one; `begin` is the statement that opens a transaction.
    pub async fn open(
        driver: &D,
        conn: &'c mut D::Conn,
        need: Need,
        begin: &'static str,
        operation: &'static str,
    ) -> Result<Self> {
        match need {
            Need::Statement => Ok(Self::Joined(conn)),
            Need::Transaction => Ok(Self::Own(driver.begin(conn, begin, operation).await?)),
        }
    }

    /// The connection.
    pub fn conn(&mut self) -> &mut D::Conn {
        match self {
            Self::Joined(conn) => conn,
            Self::Own(transaction) => transaction,
        }
    }

    /// Keeps what was done.
    pub async fn keep(self, driver: &D, operation: &'static str) -> Result<()> {
        match self {
            Self::Joined(_) => Ok(()),
            Self::Own(transaction) => driver.commit(transaction, operation).await,
        }
    }

    /// Undoes what was done, as dropping does, but now.
    pub async fn undo(self, driver: &D, operation: &'static str) -> Result<()> {
        match self {
            Self::Joined(_) => Ok(()),
            Self::Own(transaction) => driver.rollback(transaction, operation).await,
        }
    }
}

impl<D: Driver> fmt::Debug for Unit<'_, D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Joined(_) => "Joined",
            Self::Own(_) => "Own",
        })
    }
}
