use delta::{Builder, Client};
use futures::future::BoxFuture;
use tokio_util::sync::CancellationToken;

use super::call::Call;
use super::caller::Caller;
use super::consume::{Consumed, consumers};
use super::thing::{Copy, EXPIRY, Note, Thing};
use super::work::{Outside, Worker};
use crate::history::{Last, What};
use crate::sim::model::{Life, Model};
use crate::sim::process::RETENTION;
use crate::sim::store::SimStore;
use crate::sim::world::Sim;

/// A fleet of clients that keeps things in step.
#[derive(Debug)]
pub struct Fleet {
    sim: Sim,
    outside: Outside,
    consumed: Consumed,
}

impl Fleet {
    /// The fleet of a world.
    #[must_use]
    pub fn new(sim: &Sim) -> Self {
        Self { sim: sim.clone(), outside: Outside::default(), consumed: Consumed::default() }
    }
}

impl Model for Fleet {
    type Call = Call;

    fn client(&self, life: &Life, builder: Builder<SimStore>) -> Builder<SimStore> {
        let (is_even, outside) = (life.version.is_multiple_of(2), || self.outside.clone());
        let expiry = is_even.then_some(EXPIRY);
        let periods = What::Periods {
            expiry,
            deleted: RETENTION.deleted,
            degraded: RETENTION.degraded,
            synced: RETENTION.synced,
        };
        life.sim.record(&life.actor, periods);
        let builder = builder.controller(Worker::<Copy>::new(life.clone(), outside()));
        let builder = if is_even {
            builder.controller(Worker::<Thing<true>>::new(life.clone(), outside()))
        } else {
            builder.controller(Worker::<Thing<false>>::new(life.clone(), outside()))
        };
        // The first process works everything, whatever its version, so that nothing is left undone.
        if life.process == 0 || !life.version.is_multiple_of(3) {
            builder.controller(Worker::<Note>::new(life.clone(), outside()))
        } else {
            builder
        }
    }

    fn beside(&self, life: &Life, client: &Client<SimStore>, stop: &CancellationToken) -> Vec<BoxFuture<'static, ()>> {
        consumers(life, client, stop, &self.consumed)
    }

    fn call(&self, life: &Life, client: &Client<SimStore>, call: Call) -> BoxFuture<'static, ()> {
        Box::pin(Caller { life: life.clone(), client: client.clone(), outside: self.outside.clone() }.make(call))
    }

    fn calls_to_rest(&self) -> Vec<Call> {
        vec![Call::ResumeKind]
    }

    fn is_at_rest(&self, last: &Last) -> bool {
        self.consumed.is_all(&self.sim, last)
    }
}
