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
pub struct Unit<'c, D: Driver> {
    driver: &'c D,
    conn: &'c mut D::Conn,
    /// Whether a transaction or savepoint of its own is open.
    open: bool,
}

impl<'c, D: Driver> Unit<'c, D> {
    /// Opens one; `begin` is the statement that opens a transaction.
    pub async fn open(
        driver: &'c D,
        conn: &'c mut D::Conn,
        need: Need,
        begin: &'static str,
        operation: &'static str,
    ) -> Result<Self> {
        let open = need == Need::Transaction;
        if open {
            driver.begin(conn, begin, operation).await?;
        }
        Ok(Self { driver, conn, open })
    }

    /// The connection.
    pub fn conn(&mut self) -> &mut D::Conn {
        self.conn
    }

    /// Keeps what was done.
    pub async fn keep(mut self, operation: &'static str) -> Result<()> {
        if self.open {
            self.driver.commit(self.conn, operation).await?;
            self.open = false;
        }
        Ok(())
    }

    /// Undoes what was done, as dropping does, but now.
    pub async fn undo(mut self, operation: &'static str) -> Result<()> {
        if self.open {
            self.driver.rollback(self.conn, operation).await?;
            self.open = false;
        }
        Ok(())
    }
}

impl<D: Driver> Drop for Unit<'_, D> {
    fn drop(&mut self) {
        if self.open {
            self.driver.abandon(self.conn);
        }
    }
}

impl<D: Driver> fmt::Debug for Unit<'_, D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Unit").field("open", &self.open).finish_non_exhaustive()
    }
}
