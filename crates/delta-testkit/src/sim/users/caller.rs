use std::fmt;
use std::sync::Arc;

use delta::core::{CanonicalObject, Key, Object};
use delta::{Client, Informed, Result};

use crate::history::{Actor, Ask, What};
use crate::sim::store::SimStore;
use crate::sim::world::Sim;

/// A caller within a simulated process, who makes one step; it dies with the process.
pub struct Caller<W> {
    pub(super) world: Arc<W>,
    pub(super) client: Client<SimStore>,
    pub(super) sim: Sim,
    pub(super) actor: Actor,
}

impl<W> Caller<W> {
    /// The fake of the outside.
    #[must_use]
    pub fn world(&self) -> &Arc<W> {
        &self.world
    }

    /// The client of the process.
    #[must_use]
    pub fn client(&self) -> &Client<SimStore> {
        &self.client
    }

    /// The simulated world.
    #[must_use]
    pub fn sim(&self) -> &Sim {
        &self.sim
    }

    /// Informs an object. What is acknowledged is held against everything that happens from then on: it must not be forgotten.
    ///
    /// # Errors
    ///
    /// Those of [`inform`](delta::AnyClient::inform).
    ///
    /// # Cancel safety
    ///
    /// Dropping the future leaves all of it or nothing.
    pub async fn inform<T: Object>(&self, object: T) -> Result<Informed> {
        let key = self.client.key_of(&object)?;
        let hash = CanonicalObject::new(&object)?.hash();
        self.ask(key, "inform", self.client.inform(object), |&Informed { id, generation, outcome }| Ask::Inform {
            id,
            generation,
            hash,
            outcome: outcome.as_str().to_owned(),
        })
        .await
    }

    /// Asks for an object's deletion, and holds an acknowledgement against what happens then.
    ///
    /// # Errors
    ///
    /// Those of [`delete`](delta::AnyClient::delete).
    ///
    /// # Cancel safety
    ///
    /// Dropping the future leaves all of it or nothing.
    pub async fn delete<T: Object>(&self, object: &T) -> Result<()> {
        let key = self.client.key_of(object)?;
        self.ask(key.clone(), "delete", self.client.delete(&key), |()| Ask::Delete).await
    }

    async fn ask<T>(
        &self,
        key: Key,
        ask: &str,
        call: impl Future<Output = Result<T>>,
        told: impl FnOnce(&T) -> Ask,
    ) -> Result<T> {
        self.sim.record(&self.actor, What::Asked { key: key.clone(), ask: ask.to_owned() });
        let answer = call.await;
        let what = match &answer {
            Ok(answer) => What::Acknowledged { key, ask: told(answer) },
            Err(_) => What::Refused { key, ask: ask.to_owned() },
        };
        self.sim.record(&self.actor, what);
        answer
    }
}

impl<W> Clone for Caller<W> {
    fn clone(&self) -> Self {
        let Self { world, client, sim, actor } = self;
        Self { world: Arc::clone(world), client: client.clone(), sim: sim.clone(), actor: actor.clone() }
    }
}

impl<W> fmt::Debug for Caller<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Caller").field("actor", &self.actor).finish_non_exhaustive()
    }
}
