use delta_core::{Error, ErrorKind, Result};

use super::driver::MysqlDriver;
use super::tables::{BEGIN, Tables};

impl<D: MysqlDriver> Tables<D> {
    /// Opens a transaction.
    pub async fn begin_tx(&self, conn: &mut D::Conn) -> Result<()> {
        if self.driver().is_in_transaction(conn) {
            return Err(misplaced("begin", "a connection that is in no transaction, found one that is in one"));
        }
        self.driver().begin(conn, BEGIN, "begin").await
    }

    /// Ends a transaction, and keeps what was written in it.
    pub async fn commit_tx(&self, conn: &mut D::Conn) -> Result<()> {
        self.check_open(conn, "commit")?;
        self.driver().commit(conn, "commit").await
    }

    /// Ends a transaction, and undoes what was written in it.
    pub async fn rollback_tx(&self, conn: &mut D::Conn) -> Result<()> {
        self.check_open(conn, "rollback")?;
        self.driver().rollback(conn, "rollback").await
    }

    fn check_open(&self, conn: &mut D::Conn, operation: &'static str) -> Result<()> {
        if self.driver().is_in_transaction(conn) {
            return Ok(());
        }
        Err(misplaced(operation, "a connection that is in a transaction, found one that is in none"))
    }
}

fn misplaced(operation: &'static str, what: &str) -> Error {
    Error::new(ErrorKind::Invalid, operation, format!("expected {what}"))
}
