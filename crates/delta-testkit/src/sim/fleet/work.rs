use std::collections::BTreeMap;
use std::marker::PhantomData;
use std::panic::resume_unwind;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use delta::core::{Access, Backoff, LogStore as _, Object, RetryPolicy, Store as _};
use delta::{Action, Controller, InformContext, InformError, Resource, SettleOutcome, WorkContext, WorkError};
use futures::stream::{self, BoxStream, Stream, StreamExt as _};
use serde_json::Value;

use super::thing::{Copy, Note, Thing};
use crate::history::{Actor, Answer, Ask, Attempt, What};
use crate::sim::fault::FaultId;
use crate::sim::model::Life;
use crate::sim::outside::OutsideError;
use crate::sim::store::SimStore;
use crate::sim::world::Sim;

const BACKOFF: Backoff = Backoff::new(Duration::from_millis(200), Duration::from_secs(3));
/// How many attempts of a thousand settle in a transaction of the worker's own.
const SETTLES: u32 = 200;

/// What workers do instead of their work, now and then.
pub(super) const MISHAPS: [&str; 8] = [
    "worker-is-cancelled",
    "worker-panics",
    "worker-hangs",
    "worker-snoozes",
    "worker-fails",
    "worker-gives-up",
    "worker-finds-nothing",
    "worker-is-slow",
];

/// The world outside: what the informer finds, and what the workers have made of it.
#[derive(Clone, Debug, Default)]
pub(super) struct Outside(Arc<Mutex<Places>>);

#[derive(Debug, Default)]
pub(super) struct Places {
    /// What the informer finds.
    pub(super) source: BTreeMap<String, u64>,
    /// What the workers keep in step, by kind and id.
    pub(super) target: BTreeMap<(&'static str, String), Value>,
}

impl Outside {
    pub(super) fn places(&self) -> MutexGuard<'_, Places> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Works objects of any kind of the fleet: puts them into the target.
pub(super) struct Worker<T> {
    life: Life,
    outside: Outside,
    object: PhantomData<fn() -> T>,
}

/// An object of the fleet.
pub(super) trait Item: Object {
    /// What an informer finds of it.
    fn find(places: &Places) -> Vec<Self>
    where
        Self: Sized,
    {
        let _ = places;
        Vec::new()
    }
}

impl<const EVEN: bool> Item for Thing<EVEN> {
    fn find(places: &Places) -> Vec<Self> {
        places.source.iter().map(|(id, &value)| Self { id: id.clone(), value }).collect()
    }
}

impl Item for Copy {}

impl Item for Note {}

impl<T: Item> Worker<T> {
    pub(super) fn new(life: Life, outside: Outside) -> Self {
        Self { life, outside, object: PhantomData }
    }

    /// What a worker does instead of its work, now and then.
    async fn mishap(&self, cx: &WorkContext, row: &Resource<T>) -> Result<Option<Action>, WorkError> {
        let sim = &self.life.sim;
        let number = sim.count(&self.life.actor, "worker");
        let mut draw = sim.chance().draw(self.life.actor.as_str(), "worker", number);
        let id = FaultId { actor: self.life.actor.clone(), what: "worker".to_owned(), number };
        if !draw.happens(sim.rates().worker) || !sim.hits(id) {
            return Ok(None);
        }
        let kind = *draw.one_of(&MISHAPS);
        let what = format!("attempt {number} of this process");
        sim.record(&self.life.actor, What::Fault { kind: kind.to_owned(), what });
        match kind {
            // Unlike `panic!`, this prints nothing.
            "worker-panics" => resume_unwind(Box::new("simulated")),
            "worker-hangs" => std::future::pending().await,
            "worker-snoozes" => Ok(Some(Action::Snooze(draw.up_to(Duration::from_secs(3))))),
            "worker-fails" => Err(OutsideError::Refused.into()),
            "worker-finds-nothing" => Ok(Some(Action::Delete { reason: Some("simulated".to_owned()) })),
            "worker-is-slow" => {
                crate::sim::store::sleep(draw.up_to(Duration::from_secs(12))).await;
                Ok(None)
            }
            "worker-is-cancelled" => {
                self.cancel(cx, row).await;
                std::future::pending().await
            }
            _ => Err(WorkError::permanent("simulated")),
        }
    }

    /// Asks for the end of the attempt that asks, as somebody else may do while it runs.
    async fn cancel(&self, cx: &WorkContext, row: &Resource<T>) {
        let Some(client) = cx.client_of::<SimStore>() else { return };
        let (key, ask) = (row.key.clone(), Ask::Cancel.name().to_owned());
        let record = |what| self.life.sim.record(&self.life.actor, what);
        record(What::Asked { key: key.clone(), ask: ask.clone() });
        record(match client.cancel(&key).await {
            Ok(()) => What::Acknowledged { key, ask: Ask::Cancel },
            Err(_) => What::Refused { key, ask },
        });
    }

    async fn effect(
        &self,
        cx: &WorkContext,
        row: &Resource<T>,
        what: String,
        done: impl FnOnce(&mut Places),
    ) -> Result<(), WorkError> {
        let sim: &Sim = &self.life.sim;
        let call = || {
            let idempotency_key = cx.idempotency_key().to_owned();
            let effect = What::Effect { key: row.key.clone(), idempotency_key, what };
            sim.record(&Actor::new("outside"), effect);
            done(&mut self.outside.places());
        };
        Ok(sim.outside("effect", call).await?)
    }

    /// Ends the attempt: by its answer, or now and then in a transaction of its own.
    async fn end(&self, cx: &WorkContext, row: &Resource<T>) -> Result<Action, WorkError> {
        let sim = &self.life.sim;
        if !sim.draw(&self.life.actor, "settle").happens(SETTLES) {
            return Ok(Action::Synced);
        }
        let (Some(client), Some(attempt)) = (cx.client_of::<SimStore>(), Attempt::of(row)) else {
            return Ok(Action::Synced);
        };
        let store = client.store();
        let mut conn = store.acquire(Access::Write).await?;
        store.begin_tx(&mut conn).await?;
        sim.record(&self.life.actor, What::Settles(attempt, Answer::Synced));
        let settled = client.settle_in(&mut conn, row, Action::Synced).await?;
        if settled != SettleOutcome::Settled {
            store.rollback_tx(&mut conn).await?;
            return Err(OutsideError::Refused.into());
        }
        store.commit_tx(&mut conn).await?;
        Ok(Action::Settled)
    }
}

impl<T: Item> Controller for Worker<T> {
    type Object = T;

    async fn work(&self, cx: &WorkContext, row: &Resource<T>) -> Result<Action, WorkError> {
        if let Some(action) = self.mishap(cx, row).await? {
            return Ok(action);
        }
        let value = serde_json::to_value(&row.object)?;
        let put = |places: &mut Places| drop(places.target.insert((T::KIND, row.object.id()), value.clone()));
        self.effect(cx, row, format!("put {value}"), put).await?;
        self.end(cx, row).await
    }

    async fn delete(&self, cx: &WorkContext, row: &Resource<T>) -> Result<Action, WorkError> {
        if let Some(action) = self.mishap(cx, row).await? {
            return Ok(action);
        }
        let remove = |places: &mut Places| drop(places.target.remove(&(T::KIND, row.object.id())));
        self.effect(cx, row, "remove".to_owned(), remove).await?;
        self.end(cx, row).await
    }

    fn inform(&self, cx: InformContext) -> impl Stream<Item = Result<T, InformError>> + Send {
        let (sim, outside) = (self.life.sim.clone(), self.outside.clone());
        let listed = async move {
            let _ = cx;
            let list = sim.outside("list", || T::find(&outside.places())).await;
            let items: BoxStream<'static, Result<T, InformError>> = match list {
                Ok(list) => stream::iter(list).map(Ok).boxed(),
                Err(error) => stream::iter([Err(error.into())]).boxed(),
            };
            items
        };
        stream::once(listed).flatten()
    }

    fn retry_policy(&self) -> &dyn RetryPolicy {
        &BACKOFF
    }
}
