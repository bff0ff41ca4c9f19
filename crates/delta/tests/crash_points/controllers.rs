//! What is kept in step: items outside, entries in this database, and hosts that an informer tells of.

use std::path::PathBuf;
use std::time::Duration;

use delta::core::{Access, Key, LogStore as _, Store as _};
use delta::{
    Action, Backoff, Controller, InformContext, InformError, Layer, Missing, Next, Object, ObjectSettings, Resource,
    RetryPolicy, SettleOutcome, WorkContext, WorkError,
};
use delta_testkit::fault::FaultStore;
use delta_testkit::history::{Answer, Attempt, What};
use futures::future::BoxFuture;
use futures::stream::{self, Stream};
use serde::{Deserialize, Serialize};

use crate::journal::Journal;
use crate::stores::Crashed;

/// What fails is tried again soon.
static SOON: Backoff = Backoff::new(Duration::from_millis(20), Duration::from_millis(100));

pub(crate) fn key<T: Object>(id: &str) -> Key {
    Key::new("default", T::KIND, id).unwrap()
}

/// Kept outside.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Item {
    pub(crate) id: String,
    pub(crate) value: usize,
}

impl Item {
    /// Its first attempt fails.
    pub(crate) const FLAKY: &str = "flaky";
}

impl Object for Item {
    const KIND: &'static str = "item";

    fn id(&self) -> String {
        self.id.clone()
    }

    fn settings() -> ObjectSettings {
        ObjectSettings::new().inform_interval(None)
    }
}

pub(crate) struct Items {
    pub(crate) journal: Journal,
}

impl Items {
    fn effect(&self, cx: &WorkContext, item: &Resource<Item>, what: String) {
        let idempotency_key = cx.idempotency_key().to_owned();
        self.journal.note(What::Effect { key: item.key.clone(), idempotency_key, what });
    }
}

impl Controller for Items {
    type Object = Item;

    async fn work(&self, cx: &WorkContext, item: &Resource<Item>) -> Result<Action, WorkError> {
        self.effect(cx, item, format!("has value {}", item.object.value));
        // Others get their turn, as in a call to the outside.
        tokio::task::yield_now().await;
        if item.object.id == Item::FLAKY && cx.attempt() == 1 {
            return Err(WorkError::retry("the outside is down"));
        }
        Ok(Action::Synced)
    }

    async fn delete(&self, cx: &WorkContext, item: &Resource<Item>) -> Result<Action, WorkError> {
        self.effect(cx, item, "is gone".to_owned());
        tokio::task::yield_now().await;
        Ok(Action::Synced)
    }

    fn retry_policy(&self) -> &dyn RetryPolicy {
        &SOON
    }
}

/// Kept in this database, next to its settlement.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Entry {
    pub(crate) id: String,
    pub(crate) value: usize,
}

impl Object for Entry {
    const KIND: &'static str = "entry";

    fn id(&self) -> String {
        self.id.clone()
    }

    fn settings() -> ObjectSettings {
        ObjectSettings::new().inform_interval(None)
    }
}

pub(crate) struct Entries<S> {
    pub(crate) journal: Journal,
    pub(crate) store: FaultStore<S>,
}

impl<S: Crashed> Controller for Entries<S> {
    type Object = Entry;

    async fn work(&self, cx: &WorkContext, entry: &Resource<Entry>) -> Result<Action, WorkError> {
        let client =
            cx.client_of::<FaultStore<S>>().ok_or_else(|| WorkError::permanent("a client of another store"))?;
        let mut conn = self.store.acquire(Access::Write).await?;
        self.store.begin_tx(&mut conn).await?;
        let written = async {
            let write = format!("INSERT INTO settled VALUES ({}, {})", entry.id, entry.generation);
            S::try_execute(&mut conn, &write).await.map_err(WorkError::retry)?;
            if let Some(attempt) = Attempt::of(entry.row()) {
                self.journal.note(What::Settles(attempt, Answer::Synced));
            }
            match client.settle_in(&mut conn, entry, Action::Synced).await? {
                SettleOutcome::Settled => Ok(self.store.commit_tx(&mut conn).await?),
                SettleOutcome::Lost => Err(WorkError::retry("the lease was lost")),
            }
        }
        .await;
        match written {
            Ok(()) => Ok(Action::Settled),
            Err(error) => {
                self.store.discard(conn);
                Err(error)
            }
        }
    }

    fn retry_policy(&self) -> &dyn RetryPolicy {
        &SOON
    }
}

/// Told of by an informer.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Host {
    pub(crate) name: String,
}

impl Host {
    /// Those that are there, and the one that goes.
    pub(crate) const STAYING: [&str; 2] = ["one", "two"];
    pub(crate) const LEAVING: &str = "leaving";
}

impl Object for Host {
    const KIND: &'static str = "host";

    fn id(&self) -> String {
        self.name.clone()
    }

    fn settings() -> ObjectSettings {
        ObjectSettings::new().inform_interval(Duration::from_hours(1)).missing(Missing::Delete)
    }
}

pub(crate) struct Hosts {
    /// The leaving host has left once there is this file.
    pub(crate) left: PathBuf,
}

impl Controller for Hosts {
    type Object = Host;

    async fn work(&self, _: &WorkContext, _: &Resource<Host>) -> Result<Action, WorkError> {
        Ok(Action::Synced)
    }

    fn inform(&self, _: InformContext) -> impl Stream<Item = Result<Host, InformError>> + Send {
        let leaving = (!self.left.exists()).then_some(Host::LEAVING);
        let names = Host::STAYING.into_iter().chain(leaving);
        stream::iter(names.map(|name| Ok(Host { name: name.to_owned() })))
    }

    fn retry_policy(&self) -> &dyn RetryPolicy {
        &SOON
    }
}

/// Notes every call of a controller.
pub(crate) struct Recorder {
    pub(crate) journal: Journal,
}

impl Layer for Recorder {
    fn work<'a>(
        &'a self,
        cx: &'a WorkContext,
        row: &'a delta::core::Resource,
        next: Next<'a>,
    ) -> BoxFuture<'a, Result<Action, WorkError>> {
        Box::pin(async move {
            let attempt = Attempt::of(row).ok_or_else(|| WorkError::permanent("worked without a lease"))?;
            self.journal.note(What::Began(attempt.clone()));
            let mut open = Open { journal: &self.journal, ended: Some((attempt, Answer::Dropped)) };
            let answer = next.work(cx, row).await;
            open.end(match &answer {
                Ok(Action::Synced) => Answer::Synced,
                Ok(Action::Settled) => Answer::Settled,
                Ok(Action::Delete { .. }) => Answer::Deleted,
                Ok(_) => Answer::Snoozed,
                Err(error) => Answer::Error(delta::testing::message(error)),
            });
            answer
        })
    }
}

/// A call that has begun; noted as dropped unless it ends.
struct Open<'a> {
    journal: &'a Journal,
    ended: Option<(Attempt, Answer)>,
}

impl Open<'_> {
    fn end(&mut self, answer: Answer) {
        if let Some((_, open)) = &mut self.ended {
            *open = answer;
        }
    }
}

impl Drop for Open<'_> {
    fn drop(&mut self) {
        if let Some((attempt, answer)) = self.ended.take() {
            self.journal.note(What::Ended(attempt, answer));
        }
    }
}
