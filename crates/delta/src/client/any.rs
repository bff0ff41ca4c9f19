use std::any::Any;
use std::sync::Arc;

use delta_core::plan::{self, IdempotencyKey, Source};
use delta_core::{
    AbsentBy, Access, Change, Error, EventKind, InformOptions, Key, Name, Object, ObjectId, Rejection, Resource,
    Result, Scope, ScopeWrite, Timestamp,
};

use crate::client::Client;
use crate::engine::{Batch, Engine, Transaction};
use crate::inform::{Inform, Mention};
use crate::resource::Informed;
use crate::subscription::Subscription;

/// A client without its store's type: everything but what needs the caller's own connection.
///
/// It is what workers and informers are given, and what a [`Client`] derefs to. Clones are the same client.
///
/// # Errors
///
/// Every method fails with `Unavailable` when the database cannot be reached, and with `Invalid` for a wrong name, id, tag
/// or option, before anything is written.
///
/// # Cancel safety
///
/// Dropping a future of a method that writes leaves all of one commit or nothing of it.
#[derive(Clone, Debug)]
pub struct AnyClient {
    pub(crate) engine: Arc<Engine>,
}

/// What can be paused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pausable {
    /// One resource.
    Resource(Key),
    /// All resources of a kind.
    Kind(Name),
    /// All resources of a namespace.
    Namespace(Name),
}

impl AnyClient {
    /// This client with its store's type; `None` if the store is another.
    #[must_use]
    pub fn typed<S: Any + Clone>(&self) -> Option<Client<S>> {
        let store = self.engine.typed_store.downcast_ref::<S>()?.clone();
        Some(Client { any: self.clone(), store })
    }

    /// The key of an object in the namespace that an inform without options of the call would use.
    pub fn key_of<T: Object>(&self, object: &T) -> Result<Key> {
        let kind = Name::new(T::KIND)?;
        let options = object.inform_options().or(&self.engine.kind_settings(&kind).inform);
        let namespace = options.or(&self.engine.settings.inform).resolve()?.namespace;
        Ok(Key { namespace, kind, object_id: ObjectId::new(object.id())? })
    }

    /// Tells Delta that an object exists or changed. Needs no controller for its kind.
    ///
    /// # Errors
    ///
    /// Besides the usual, `Invalid` if the stored resource is in a state of another version of Delta.
    pub async fn inform<T: Object>(&self, object: impl Into<Inform<T>>) -> Result<Informed> {
        let mut answers = self.inform_many([object]).await?;
        match answers.pop() {
            Some(answer) => Ok(answer?),
            None => Err(Error::new(delta_core::ErrorKind::Corrupt, "inform", "the store gave no answer")),
        }
    }

    /// Tells Delta of many objects, in commits of up to 1,000; one answer for each, in order.
    ///
    /// Several of one key count in their order. An error leaves the commits before it in place; repeating the call is
    /// harmless.
    pub async fn inform_many<T: Object, I: Into<Inform<T>>>(
        &self,
        objects: impl IntoIterator<Item = I>,
    ) -> Result<Vec<Result<Informed, Rejection>>> {
        let mentions = objects.into_iter().map(|object| Mention::new(object.into())).collect::<Result<Vec<_>, _>>()?;
        let batch = self.engine.inform_alone(mentions, &InformOptions::new(), Source::Caller).await?;
        Ok(batch.answers)
    }

    /// Has a synced resource worked again.
    ///
    /// # Errors
    ///
    /// Besides the usual, `Invalid` with a [`Rejection`] as its source if there is none or it is not synced.
    pub async fn invalidate(&self, key: &Key) -> Result<()> {
        self.request(key, plan::invalidate).await
    }

    /// Has a failed or degraded resource tried again at once, from its first attempt.
    ///
    /// # Errors
    ///
    /// Besides the usual, `Invalid` if there is none or it is neither failed nor degraded.
    pub async fn retry(&self, key: &Key, idempotency_key: IdempotencyKey) -> Result<()> {
        self.request(key, move |row, objects, now| plan::retry(row, idempotency_key, objects, now)).await
    }

    /// Has a resource give up: at once if it waits, within a heartbeat if it is being worked.
    ///
    /// # Errors
    ///
    /// Besides the usual, `Invalid` if there is none or it neither waits nor is worked.
    pub async fn cancel(&self, key: &Key) -> Result<()> {
        self.request(key, plan::cancel).await
    }

    /// Wants an object to be absent: the worker's `delete` is called. Asking again is harmless.
    ///
    /// # Errors
    ///
    /// Besides the usual, `Invalid` if there is no such resource.
    pub async fn delete(&self, key: &Key) -> Result<()> {
        self.request(key, |row, objects, now| plan::request_deletion(row, AbsentBy::Request, objects, now)).await
    }

    /// Keeps everybody from claiming a resource, or all of a kind or of a namespace. What is being worked goes on.
    ///
    /// # Errors
    ///
    /// Besides the usual, `Invalid` if there is no such resource.
    pub async fn pause(&self, what: &Pausable) -> Result<()> {
        match what {
            Pausable::Resource(key) => self.request(key, plan::pause).await,
            Pausable::Kind(name) => self.write_scope(Scope::Kind(name.clone()), ScopeWrite::Pause).await,
            Pausable::Namespace(name) => self.write_scope(Scope::Namespace(name.clone()), ScopeWrite::Pause).await,
        }
    }

    /// Ends a pause.
    ///
    /// # Errors
    ///
    /// Besides the usual, `Invalid` if there is no such resource.
    pub async fn resume(&self, what: &Pausable) -> Result<()> {
        match what {
            Pausable::Resource(key) => self.request(key, plan::resume).await,
            Pausable::Kind(name) => self.write_scope(Scope::Kind(name.clone()), ScopeWrite::Resume).await,
            Pausable::Namespace(name) => self.write_scope(Scope::Namespace(name.clone()), ScopeWrite::Resume).await,
        }
    }

    /// Subscribes to events of these kinds (reasons do not matter) that this client commits itself.
    #[must_use]
    pub fn subscribe(&self, kinds: impl IntoIterator<Item = EventKind>) -> Subscription {
        self.engine.subscriptions.subscribe(kinds, self.engine.settings.subscription_capacity)
    }

    async fn request<F>(&self, key: &Key, decide: F) -> Result<()>
    where
        F: Fn(Resource, delta_core::EventObjects, Timestamp) -> Result<Option<Change>, Rejection> + Send + Sync,
    {
        let mut session = self.engine.session(Access::Write).await?;
        let result = async {
            let now = self.engine.now(&mut *session).await?;
            self.engine.refresh_policies(&mut *session, now).await?;
            let objects = self.engine.kind_settings(&key.kind).event_objects;
            self.engine.request(&mut *session, key, now, |row| decide(row, objects, now)).await
        }
        .await;
        Engine::release(session, result.as_ref().err());
        self.engine.wake(result?.woken);
        Ok(())
    }

    async fn write_scope(&self, scope: Scope, write: ScopeWrite) -> Result<()> {
        let mut session = self.engine.session(Access::Write).await?;
        let result = async {
            let now = self.engine.now(&mut *session).await?;
            self.engine.write_scope(&mut *session, scope, write, now).await
        }
        .await;
        Engine::release(session, result.as_ref().err());
        result
    }
}

impl Engine {
    /// Informs objects on a connection of Delta's own, and wakes workers.
    pub(crate) async fn inform_alone(
        self: &Arc<Self>,
        mentions: Vec<Mention>,
        run: &InformOptions,
        source: Source,
    ) -> Result<Batch> {
        // What is wrong with the input is told before a connection is asked for.
        for mention in &mentions {
            self.resolve(mention, run)?;
        }
        let mut session = self.session(Access::Write).await?;
        let result = async {
            let now = self.now(&mut *session).await?;
            self.refresh_policies(&mut *session, now).await?;
            let inputs = self.inform_inputs(mentions, run, source)?;
            self.inform(&mut *session, &inputs, now, Transaction::Own).await
        }
        .await;
        Engine::release(session, result.as_ref().err());
        let mut batch = result?;
        self.wake(std::mem::take(&mut batch.woken));
        Ok(batch)
    }
}
