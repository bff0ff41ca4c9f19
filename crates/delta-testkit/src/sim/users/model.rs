use std::sync::{Arc, OnceLock};
use std::time::Duration;

use delta::{Builder, Client, ClientSettings};
use delta_core::State;
use futures::future::BoxFuture;

use super::caller::Caller;
use super::judge::Judge;
use super::plan::{self, Call};
use super::setup::{Place, Setup};
use crate::harness::Outside;
use crate::history::{Last, What};
use crate::invariants::Invariant;
use crate::sim::model::{Life, Model};
use crate::sim::store::SimStore;
use crate::sim::world::Sim;

/// A user's controllers, and the fake that they work on.
pub(super) struct Users<W> {
    setup: Arc<Setup<W>>,
    world: Arc<W>,
    judge: Arc<Judge<W>>,
}

/// Where those who want the judge of a world find it once there is one.
pub(super) type JudgeOf<W> = Arc<OnceLock<Arc<Judge<W>>>>;

impl<W: Send + Sync + 'static> Users<W> {
    pub(super) fn new(setup: &Arc<Setup<W>>, sim: &Sim, place: &JudgeOf<W>) -> Self {
        let judge = Arc::new(Judge::new(Arc::clone(setup), sim.clone()));
        let after = Arc::downgrade(&judge);
        let outside = Outside::simulated(sim.clone(), move || {
            if let Some(judge) = after.upgrade() {
                judge.now();
            }
        });
        let world = Arc::new((setup.world)(&outside));
        judge.begin(Arc::clone(&world));
        // A place is for one world.
        let _ = place.set(Arc::clone(&judge));
        Self { setup: Arc::clone(setup), world, judge }
    }
}

impl<W: Send + Sync + 'static> Model for Users<W> {
    type Call = Call;

    fn client(&self, life: &Life, builder: Builder<SimStore>) -> Builder<SimStore> {
        let lease = plan::lease(life.sim.seed());
        let settings = ClientSettings::new()
            .seed(life.sim.draw(&life.actor, "client").bits())
            .lease(lease)
            .grace(lease / 2)
            .work_timeout(lease)
            .maintenance_interval(lease)
            .cleaner_interval(2 * lease)
            .inform_jitter(Duration::from_secs(1));
        let builder = builder.settings((self.setup.settings)(settings));
        let place = Place { world: &self.world, life, judge: &self.judge };
        self.setup.clients.iter().fold(builder, |builder, add| add(&place, builder))
    }

    fn call(&self, life: &Life, client: &Client<SimStore>, call: Call) -> BoxFuture<'static, ()> {
        let caller = Caller {
            world: Arc::clone(&self.world),
            client: client.clone(),
            sim: life.sim.clone(),
            actor: life.actor.clone(),
        };
        let (life, judge) = (life.clone(), Arc::clone(&self.judge));
        let note = move |text: String| life.sim.record(&life.actor, What::Note(text));
        note(format!("a caller begins to {call}"));
        let step = (self.setup.steps[call.step].take)(caller, call.draw.clone());
        Box::pin(async move {
            let ended = step.await;
            judge.now();
            if let Err(error) = ended {
                note(format!("the caller fails to {call}: {error}"));
            }
        })
    }
}

/// Nothing is worked any more, and nothing waits to be, some time after the last fault.
#[derive(Debug)]
pub(super) struct ComesToRest {
    pub(super) patience: Duration,
}

impl Invariant for ComesToRest {
    fn name(&self) -> &'static str {
        "everything comes to rest once nothing goes wrong"
    }

    fn end(&mut self, last: &Last) -> Result<(), String> {
        let waits = last.rows.iter().find(|row| row.state == State::Pending || (!row.paused && row.run_at.is_some()));
        waits.map_or(Ok(()), |row| {
            let (key, state, attempt) = (&row.key, &row.state, row.attempt);
            Err(format!("after {:?}, {key} is {state}, with {attempt} attempts made", self.patience))
        })
    }
}
