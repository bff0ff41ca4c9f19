use std::collections::BTreeMap;
use std::panic::resume_unwind;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use delta::core::{Backoff, Missing, Object, ObjectSettings, RetryPolicy};
use delta::{Action, Controller, InformContext, InformError, Resource, WorkContext, WorkError};
use futures::stream::{self, Stream, StreamExt as _};
use serde::{Deserialize, Serialize};

use crate::history::{Actor, What};
use crate::sim::fault::FaultId;
use crate::sim::model::Life;
use crate::sim::outside::OutsideError;
use crate::sim::world::Sim;

/// What the fleet keeps in step. Odd and even versions of the program have different settings for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Thing<const EVEN: bool> {
    pub(super) id: String,
    pub(super) value: u64,
}

impl<const EVEN: bool> Object for Thing<EVEN> {
    const KIND: &'static str = "thing";

    fn id(&self) -> String {
        self.id.clone()
    }

    fn settings() -> ObjectSettings {
        let common = ObjectSettings::new().missing(Missing::Delete);
        if EVEN {
            common.parallelism(2).expiry(Duration::from_secs(20)).inform_interval(Duration::from_secs(15))
        } else {
            common.parallelism(4).expiry(None).inform_interval(Duration::from_secs(10))
        }
    }
}

/// The world outside: what the informer finds, and what the workers have made of it.
#[derive(Clone, Debug, Default)]
pub(super) struct Outside(Arc<Mutex<Places>>);

#[derive(Debug, Default)]
pub(super) struct Places {
    /// What the informer finds.
    pub(super) source: BTreeMap<String, u64>,
    /// What the workers keep in step.
    pub(super) target: BTreeMap<String, u64>,
}

impl Outside {
    pub(super) fn places(&self) -> MutexGuard<'_, Places> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Works things of either version.
pub(super) struct Things<const EVEN: bool> {
    pub(super) life: Life,
    pub(super) outside: Outside,
}

const BACKOFF: Backoff = Backoff::new(Duration::from_millis(200), Duration::from_secs(3));

impl<const EVEN: bool> Things<EVEN> {
    /// What a worker does instead of its work, now and then.
    async fn mishap(&self) -> Result<Option<Action>, WorkError> {
        let sim = &self.life.sim;
        let number = sim.count(&self.life.actor, "worker");
        let mut draw = sim.chance().draw(self.life.actor.as_str(), "worker", number);
        let id = FaultId { actor: self.life.actor.clone(), what: "worker".to_owned(), number };
        if !draw.happens(sim.rates().worker) || !sim.hits(id) {
            return Ok(None);
        }
        let kind =
            *draw.one_of(&["worker-panics", "worker-hangs", "worker-snoozes", "worker-fails", "worker-gives-up"]);
        let what = format!("attempt {number} of this process");
        sim.record(&self.life.actor, What::Fault { kind: kind.to_owned(), what });
        match kind {
            // Unlike `panic!`, this prints nothing.
            "worker-panics" => resume_unwind(Box::new("simulated")),
            "worker-hangs" => std::future::pending().await,
            "worker-snoozes" => Ok(Some(Action::Snooze(draw.up_to(Duration::from_secs(3))))),
            "worker-fails" => Err(OutsideError::Refused.into()),
            _ => Err(WorkError::permanent("simulated")),
        }
    }

    async fn effect<T>(
        &self,
        cx: &WorkContext,
        row: &Resource<Thing<EVEN>>,
        what: &str,
        done: impl FnOnce(&mut Places) -> T,
    ) -> Result<T, WorkError> {
        let sim: &Sim = &self.life.sim;
        let call = || {
            let idempotency_key = cx.idempotency_key().to_owned();
            let effect = What::Effect { key: row.key.clone(), idempotency_key, what: what.to_owned() };
            sim.record(&Actor::new("outside"), effect);
            done(&mut self.outside.places())
        };
        Ok(sim.outside("effect", call).await?)
    }
}

impl<const EVEN: bool> Controller for Things<EVEN> {
    type Object = Thing<EVEN>;

    async fn work(&self, cx: &WorkContext, row: &Resource<Self::Object>) -> Result<Action, WorkError> {
        if let Some(action) = self.mishap().await? {
            return Ok(action);
        }
        let Thing { id, value } = row.object.clone();
        self.effect(cx, row, &format!("put {value}"), |places| places.target.insert(id, value)).await?;
        Ok(Action::Synced)
    }

    async fn delete(&self, cx: &WorkContext, row: &Resource<Self::Object>) -> Result<Action, WorkError> {
        if let Some(action) = self.mishap().await? {
            return Ok(action);
        }
        let id = row.object.id.clone();
        self.effect(cx, row, "remove", |places| places.target.remove(&id)).await?;
        Ok(Action::Synced)
    }

    fn inform(&self, cx: InformContext) -> impl Stream<Item = Result<Self::Object, InformError>> + Send {
        let (sim, outside) = (self.life.sim.clone(), self.outside.clone());
        let listed = async move {
            let _ = cx;
            let list = sim.outside("list", || outside.places().source.clone()).await;
            let things: Vec<Result<Self::Object, InformError>> = match list {
                Ok(list) => list.into_iter().map(|(id, value)| Ok(Thing { id, value })).collect(),
                Err(error) => vec![Err(error.into())],
            };
            stream::iter(things)
        };
        stream::once(listed).flatten()
    }

    fn retry_policy(&self) -> &dyn RetryPolicy {
        &BACKOFF
    }
}
