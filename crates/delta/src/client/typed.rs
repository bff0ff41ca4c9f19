use std::ops::Deref;

use delta_core::{Browse, Error, ErrorKind, Object, Rejection, Result, WakeUp, borrow_session};

use crate::action::Action;
use crate::client::{AnyClient, Builder, Running, Wake};
use crate::engine::Bounded;
use crate::inform::Inform;
use crate::resource::{Informed, Resource};

/// A client of one database: informs, requests, reads, and, once started, works.
///
/// Most of what it does is described at [`AnyClient`], which it derefs to. Clones are the same client. Two clients in one
/// process, on two databases or two schemas, do not see each other.
///
/// # Examples
///
/// ```
/// # use serde::{Deserialize, Serialize};
/// use delta::{Client, MemoryStore, Object};
///
/// # #[derive(Clone, Serialize, Deserialize)]
/// # struct Customer { id: String }
/// # impl Object for Customer {
/// #     const KIND: &'static str = "customer";
/// #     fn id(&self) -> String { self.id.clone() }
/// # }
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), delta::Error> {
/// let client = Client::builder(MemoryStore::new()).build()?;
/// let informed = client.inform(&Customer { id: "c1".into() }).await?;
/// assert_eq!(informed.generation, 1);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Client<S> {
    pub(crate) any: AnyClient,
    pub(crate) store: S,
}

/// What became of a settlement in the worker's own transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "if the lease was lost, roll the transaction back"]
pub enum SettleOutcome {
    /// It is written, and true once the transaction commits.
    Settled,
    /// The lease was lost: nothing is written, and the worker's own writes must be rolled back.
    Lost,
}

impl<S> Client<S> {
    /// The store.
    pub fn store(&self) -> &S {
        &self.store
    }
}

impl<S: Clone> Client<S> {
    /// The store, whose answers come in time.
    pub(crate) fn bounded(&self) -> Bounded<S> {
        Bounded::new(self.store.clone(), self.any.engine.settings.answer_timeout)
    }
}

impl<S: Browse> Client<S> {
    /// Begins a client on a store.
    pub fn builder(store: S) -> Builder<S> {
        Builder::new(store)
    }

    /// Starts to work: claims resources, runs informers, and takes part in the election of the leader.
    ///
    /// # Errors
    ///
    /// `Unsupported` if the schema is missing, older or newer than this version needs, or if the database holds an import
    /// that is not finished; `Unavailable` if the database cannot be reached; `Invalid` if the client is running already.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future before it is done starts nothing.
    pub async fn start(&self) -> Result<Running> {
        self.any.start().await
    }

    /// Tells Delta of an object on the caller's connection: if that is in a transaction, the inform is part of it, in at most
    /// two round trips. A caller's rollback leaves nothing behind.
    ///
    /// Send the [`Wake`] after the commit.
    ///
    /// # Errors
    ///
    /// `Conflict`: the caller's transaction is over; roll back and repeat it whole.
    #[cfg_attr(feature = "diesel-postgres", doc = include_str!("../docs/inform_in_diesel.md"))]
    pub async fn inform_in<T: Object>(
        &self,
        conn: &mut S::Conn,
        object: impl Into<Inform<T>>,
    ) -> Result<(Informed, Wake)> {
        let (mut answers, wake) = self.inform_many_in(conn, [object], WakeUp::AfterCommit).await?;
        match answers.pop() {
            Some(answer) => Ok((answer?, wake)),
            None => Err(Error::new(ErrorKind::Corrupt, "inform", "the store gave no answer")),
        }
    }

    /// Tells Delta of many objects on the caller's connection; like [`inform_in`](Self::inform_in).
    ///
    /// With [`WakeUp::InTransaction`] the wake-up travels in the transaction, where the database can do that: nothing
    /// needs to be sent afterwards, but on Postgres such commits wait for each other.
    ///
    /// # Errors
    ///
    /// As [`inform_in`](Self::inform_in).
    pub async fn inform_many_in<T: Object, I: Into<Inform<T>>>(
        &self,
        conn: &mut S::Conn,
        objects: impl IntoIterator<Item = I>,
        wake: WakeUp,
    ) -> Result<(Vec<Result<Informed, Rejection>>, Wake)> {
        let mut session = borrow_session(&self.store, conn);
        self.any.inform_session(&mut session, objects, wake).await
    }

    /// Settles an attempt in the worker's own transaction, so that its effects in this database and the settlement are true
    /// together; `work` then returns [`Action::Settled`].
    ///
    /// The attempt ends at that commit: what `work` does after it must not act outside. Calls to the outside stay
    /// at-least-once, with an idempotency key.
    ///
    /// Settle last, and commit soon: while the transaction is open it keeps the row locked, so that the lease cannot be
    /// renewed, and the attempt is ended as if the database were out of reach.
    ///
    /// # Errors
    ///
    /// `Invalid` if the resource was not claimed, or the action is [`Action::Settled`]; `Conflict`: the transaction is
    /// over.
    pub async fn settle_in<T: Object>(
        &self,
        conn: &mut S::Conn,
        resource: &Resource<T>,
        action: Action,
    ) -> Result<SettleOutcome> {
        let mut session = borrow_session(&self.store, conn);
        self.any.settle_session(&mut session, resource, action).await
    }
}

impl<S> Deref for Client<S> {
    type Target = AnyClient;

    fn deref(&self) -> &AnyClient {
        &self.any
    }
}
