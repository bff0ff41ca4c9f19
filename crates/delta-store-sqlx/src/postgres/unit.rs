use delta_core::Result;
use sqlx::{Connection, PgConnection, Postgres, Transaction};

use super::errors;

/// How much of a transaction a piece of work needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Need {
    /// Its single statement is one by itself.
    Statement,
    /// Several statements that apply together.
    Transaction,
}

/// A connection in as much of a transaction as the work on it needs.
///
/// Dropped before [`keep`](Self::keep), it undoes what was done on it and nothing else: in a caller's transaction it is a
/// savepoint.
pub(super) enum Unit<'c> {
    Joined(&'c mut PgConnection),
    Own(Transaction<'c, Postgres>),
}

impl<'c> Unit<'c> {
    pub(super) async fn open(conn: &'c mut PgConnection, need: Need, operation: &'static str) -> Result<Self> {
        match need {
            Need::Statement => Ok(Self::Joined(conn)),
            Need::Transaction => {
                let begun = if conn.is_in_transaction() {
                    conn.begin().await
                } else {
                    // Whatever the server's default: rows that change under a lock are to be seen as they are then.
                    conn.begin_with("BEGIN ISOLATION LEVEL READ COMMITTED").await
                };
                begun.map(Self::Own).map_err(errors::during(operation))
            }
        }
    }

    pub(super) fn conn(&mut self) -> &mut PgConnection {
        match self {
            Self::Joined(conn) => conn,
            Self::Own(tx) => tx,
        }
    }

    pub(super) async fn keep(self, operation: &'static str) -> Result<()> {
        match self {
            Self::Joined(_) => Ok(()),
            Self::Own(tx) => tx.commit().await.map_err(errors::during(operation)),
        }
    }

    /// Undoes what was done, as dropping does, but now.
    pub(super) async fn undo(self, operation: &'static str) -> Result<()> {
        match self {
            Self::Joined(_) => Ok(()),
            Self::Own(tx) => tx.rollback().await.map_err(errors::during(operation)),
        }
    }
}
