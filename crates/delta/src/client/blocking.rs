use delta_core::{Browse, Error, ErrorKind, Object, Result, WakeUp, borrow_session};
#[cfg(feature = "diesel-mysql")]
use delta_store_diesel::{BlockingMySql, MySqlDieselStore};
#[cfg(feature = "diesel-postgres")]
use delta_store_diesel::{BlockingPg, PgDieselStore};
use futures::FutureExt;

use crate::action::Action;
use crate::client::{AnyClient, Client, SettleOutcome, Wake};
use crate::inform::Inform;
use crate::resource::{Informed, Resource};

#[cfg(feature = "diesel-postgres")]
impl Client<PgDieselStore> {
    /// Tells Delta of an object on a blocking connection of diesel's: if that is in a transaction, the inform is part of
    /// it, else it has one of its own. A caller's rollback leaves nothing behind.
    ///
    /// Send the [`Wake`] after the commit, from within a tokio runtime; if it is dropped, the poll finds the work.
    ///
    /// # Errors
    ///
    /// As [`inform_in`](Self::inform_in); and `Unsupported` for the first object of a kind or namespace if the store was
    /// given a pool of its caller's: there is no address to open a blocking connection at, to create them on.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # use serde::{Deserialize, Serialize};
    /// use delta::{Client, Object, PgDieselStore};
    /// use delta_store_diesel::diesel::connection::{Connection, LoadConnection};
    /// use delta_store_diesel::diesel::pg::Pg;
    ///
    /// # #[derive(Clone, Serialize, Deserialize)]
    /// # struct Customer { id: String }
    /// # impl Object for Customer {
    /// #     const KIND: &'static str = "customer";
    /// #     fn id(&self) -> String { self.id.clone() }
    /// # }
    /// fn sign_up<C>(client: &Client<PgDieselStore>, conn: &mut C) -> Result<(), Box<dyn std::error::Error>>
    /// where
    ///     C: Connection<Backend = Pg> + LoadConnection + Send + 'static,
    /// {
    ///     let wake = conn.transaction(|conn| {
    ///         // The program's own statements, and:
    ///         let (_, wake) = client.inform_blocking(conn, Customer { id: "c1".into() })?;
    ///         Ok::<_, Box<dyn std::error::Error>>(wake)
    ///     })?;
    ///     wake.send();
    ///     Ok(())
    /// }
    /// ```
    pub fn inform_blocking<C: BlockingPg, T: Object>(
        &self,
        conn: &mut C,
        object: impl Into<Inform<T>>,
    ) -> Result<(Informed, Wake)> {
        let store = self.store.blocking::<C>();
        store.in_transaction(conn, |conn| inform_on(&self.any, &store, conn, object))
    }

    /// Settles an attempt on a blocking connection of diesel's; like [`settle_in`](Self::settle_in).
    ///
    /// # Errors
    ///
    /// As [`settle_in`](Self::settle_in).
    pub fn settle_blocking<C: BlockingPg, T: Object>(
        &self,
        conn: &mut C,
        resource: &Resource<T>,
        action: Action,
    ) -> Result<SettleOutcome> {
        let store = self.store.blocking::<C>();
        store.in_transaction(conn, |conn| settle_on(&self.any, &store, conn, resource, action))
    }
}

#[cfg(feature = "diesel-mysql")]
impl Client<MySqlDieselStore> {
    /// Tells Delta of an object on a blocking connection of diesel's: if that is in a transaction, the inform is part of
    /// it, else it has one of its own. A caller's rollback leaves nothing behind.
    ///
    /// Send the [`Wake`] after the commit, from within a tokio runtime; if it is dropped, the poll finds the work.
    ///
    /// # Assumptions
    ///
    /// The session was told [`MYSQL_SESSION`](delta_store_diesel::MYSQL_SESSION) before, or is of the isolation
    /// `READ COMMITTED` all the same.
    ///
    /// # Errors
    ///
    /// As [`inform_in`](Self::inform_in); and `Unsupported` for the first object of a kind or namespace if the store was
    /// given a pool of its caller's: there is no address to open a blocking connection at, to create them on.
    pub fn inform_blocking<C: BlockingMySql, T: Object>(
        &self,
        conn: &mut C,
        object: impl Into<Inform<T>>,
    ) -> Result<(Informed, Wake)> {
        let store = self.store.blocking::<C>();
        store.in_transaction(conn, |conn| inform_on(&self.any, &store, conn, object))
    }

    /// Settles an attempt on a blocking connection of diesel's; like [`settle_in`](Self::settle_in).
    ///
    /// # Errors
    ///
    /// As [`settle_in`](Self::settle_in).
    pub fn settle_blocking<C: BlockingMySql, T: Object>(
        &self,
        conn: &mut C,
        resource: &Resource<T>,
        action: Action,
    ) -> Result<SettleOutcome> {
        let store = self.store.blocking::<C>();
        store.in_transaction(conn, |conn| settle_on(&self.any, &store, conn, resource, action))
    }
}

fn inform_on<S: Browse, T: Object>(
    client: &AnyClient,
    store: &S,
    conn: &mut S::Conn,
    object: impl Into<Inform<T>>,
) -> Result<(Informed, Wake)> {
    let mut session = borrow_session(store, conn);
    let (mut answers, wake) = ready(client.inform_session(&mut session, [object], WakeUp::AfterCommit))?;
    match answers.pop() {
        Some(answer) => Ok((answer?, wake)),
        None => Err(Error::new(ErrorKind::Corrupt, "inform", "the store gave no answer")),
    }
}

fn settle_on<S: Browse, T: Object>(
    client: &AnyClient,
    store: &S,
    conn: &mut S::Conn,
    resource: &Resource<T>,
    action: Action,
) -> Result<SettleOutcome> {
    let mut session = borrow_session(store, conn);
    ready(client.settle_session(&mut session, resource, action))
}

/// What a future comes to that waits for nothing: all it does blocks.
fn ready<T>(future: impl Future<Output = Result<T>>) -> Result<T> {
    let waits = || Error::new(ErrorKind::Unsupported, "blocking", "expected what waits for nothing, found what does");
    future.now_or_never().unwrap_or_else(|| Err(waits()))
}
