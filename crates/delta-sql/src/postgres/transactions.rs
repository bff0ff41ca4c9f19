use delta_core::{Error, ErrorKind, Result};

use super::driver::PostgresDriver;
use super::query::Query;
use super::tables::{BEGIN, Tables};

impl<D: PostgresDriver> Tables<D> {
    /// Opens a transaction: L1.
    pub async fn begin_tx(&self, conn: &mut D::Conn) -> Result<()> {
        if self.driver().is_in_transaction(conn) {
            let what = "expected a connection that is not in a transaction, found one that is";
            return Err(Error::new(ErrorKind::Invalid, "begin", what));
        }
        self.driver().begin(conn, BEGIN, "begin").await
    }

    /// Ends the transaction, and keeps what was written in it: L1.
    ///
    /// Postgres takes the COMMIT of a transaction in which a statement has failed for a ROLLBACK, without an error. So it is
    /// asked first.
    pub async fn commit_tx(&self, conn: &mut D::Conn) -> Result<()> {
        self.expect_transaction(conn, "commit")?;
        self.fetch(conn, Query::new(&self.sql().nothing), "commit").await?;
        self.driver().commit(conn, "commit").await
    }

    /// Ends the transaction, and undoes what was written in it: L1.
    pub async fn rollback_tx(&self, conn: &mut D::Conn) -> Result<()> {
        self.expect_transaction(conn, "roll back")?;
        self.driver().rollback(conn, "roll back").await
    }

    fn expect_transaction(&self, conn: &mut D::Conn, operation: &'static str) -> Result<()> {
        if self.driver().is_in_transaction(conn) {
            return Ok(());
        }
        let what = "expected a connection that is in a transaction, found one that is not";
        Err(Error::new(ErrorKind::Invalid, operation, what))
    }
}
