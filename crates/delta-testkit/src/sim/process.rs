use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use delta::core::Retention;
use delta::testing::Process;
use delta::{Client, ClientSettings};
use tokio_util::sync::CancellationToken;

use super::fault::FROZEN;
use super::model::{Life, Model};
use super::scenario::ProcessPlan;
use super::store::{SimStore, sleep};
use super::watch::Watch;
use super::world::Sim;
use crate::history::{Actor, What};

/// How long the clients of a world keep what has come to rest.
pub(super) const RETENTION: Retention =
    Retention { deleted: Some(Duration::from_secs(15)), degraded: Some(Duration::from_secs(30)), synced: None };
/// The longest that a process stays away.
const AWAY: Duration = Duration::from_secs(8);

/// One process of a world: killed, stopped, started again, upgraded.
pub(super) struct Place<M> {
    sim: Sim,
    model: Arc<M>,
    number: usize,
    plan: ProcessPlan,
    now: Mutex<Now>,
}

#[derive(Default)]
struct Now {
    version: u32,
    lives: u32,
    life: Option<Living>,
}

#[derive(Clone)]
struct Living {
    process: Process,
    stop: CancellationToken,
    life: Life,
    client: Option<Client<SimStore>>,
}

impl<M: Model> Place<M> {
    pub(super) fn new(sim: Sim, model: Arc<M>, number: usize, plan: ProcessPlan) -> Self {
        Self { sim, model, number, plan, now: Mutex::new(Now { version: 1, ..Now::default() }) }
    }

    fn now(&self) -> MutexGuard<'_, Now> {
        self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn living(&self) -> Option<Living> {
        self.now().life.clone()
    }

    /// Lives again and again.
    pub(super) async fn keep(self: Arc<Self>) {
        loop {
            let living = self.born();
            let life = Arc::clone(&self).live(living.clone());
            let ended = living.process.run(life).await;
            let what = match ended {
                Ok(()) => What::Stopped,
                Err(error) if error.is_cancelled() => What::Crashed,
                Err(error) => What::Note(format!("{PANICKED}: {error}")),
            };
            self.sim.record(&living.life.actor, what);
            self.now().life = None;
            let away = self.sim.draw(&living.life.actor, "away").up_to(AWAY);
            sleep(if self.sim.is_calm() { Duration::ZERO } else { away }).await;
        }
    }

    fn born(&self) -> Living {
        let mut now = self.now();
        now.lives += 1;
        let life = Life {
            sim: self.sim.clone(),
            actor: Actor::new(format!("p{}.{}", self.number, now.lives)),
            process: self.number,
            version: now.version,
        };
        let process = Process::new(self.plan.drift_ppm);
        let living = Living { process, stop: CancellationToken::new(), life, client: None };
        now.life = Some(living.clone());
        living
    }

    async fn live(self: Arc<Self>, living: Living) {
        let Living { process, stop, life, .. } = living;
        let lease = self.plan.lease;
        self.sim.record(&life.actor, What::Started(format!("version {}, {:?}", life.version, self.plan)));
        let settings = ClientSettings::new()
            .seed(self.sim.draw(&life.actor, "seed").bits())
            .lease(lease)
            .grace(lease / 2)
            .work_timeout(lease)
            .retention(RETENTION)
            .maintenance_interval(lease)
            .cleaner_interval(2 * lease)
            .inform_jitter(Duration::from_secs(1));
        let store = SimStore::new(self.sim.clone(), life.actor.clone());
        let builder = self.model.client(&life, Client::builder(store).settings(settings));
        let watch = Watch::new(self.sim.clone(), life.actor.clone());
        let client = match builder.layer(watch).build() {
            Ok(client) => client,
            Err(error) => panic!("expected a client that can be built, found: {error}"),
        };
        let running = loop {
            match client.start().await {
                Ok(running) => break running,
                // A supervisor would start it again.
                Err(_) => sleep(Duration::from_millis(500)).await,
            }
        };
        if let Some(living) = &mut self.now().life {
            living.client = Some(client.clone());
        }
        let beside: Vec<_> =
            self.model.beside(&life, &client, &stop).into_iter().map(|future| process.run(future)).collect();
        tokio::select! {
            biased;
            () = stop.cancelled() => {}
            () = running.stopped() => panic!("expected a client that goes on until it is stopped"),
        }
        running.stop().await;
        for task in beside {
            if let Err(error) = task.await {
                panic!("expected what runs beside a client to end, found: {error}");
            }
        }
    }

    /// Makes a caller's call, if there is a client.
    pub(super) fn call(&self, call: M::Call, abandon_after: Option<u32>) {
        let Some(Living { process, life, client: Some(client), .. }) = self.living() else { return };
        let call = self.model.call(&life, &client, call);
        match abandon_after {
            None => drop(process.run(call)),
            Some(polls) => drop(process.run(abandoned(call, polls))),
        }
    }

    pub(super) fn crash(&self, polls: u64) {
        if let Some(living) = self.living() {
            living.process.crash_after(polls);
        }
    }

    /// Stops it in the middle of what it does, until the time is over or the world is calm.
    pub(super) fn freeze(&self, time: Duration) {
        let Some(Living { process, life, .. }) = self.living() else { return };
        let what = format!("stands still for {time:?}");
        self.sim.record(&life.actor, What::Fault { kind: FROZEN.to_owned(), what });
        self.sim.record(&life.actor, What::Frozen);
        process.freeze();
        let sim = self.sim.clone();
        #[expect(clippy::disallowed_methods, reason = "what no process of the world may kill")]
        drop(tokio::spawn(async move {
            sleep(time).await;
            sim.record(&life.actor, What::Thawed);
            process.thaw();
        }));
    }

    pub(super) fn stop(&self) {
        if let Some(living) = self.living() {
            living.stop.cancel();
        }
    }

    pub(super) fn upgrade(&self) {
        self.now().version += 1;
        self.stop();
    }
}

/// How a note begins that tells of a panic of the program itself.
pub(super) const PANICKED: &str = "panicked";

async fn abandoned(call: impl Future<Output = ()>, polls: u32) {
    let mut call = std::pin::pin!(call);
    for _ in 0..polls {
        if futures::poll!(call.as_mut()).is_ready() {
            return;
        }
        // Polled again by the next tick at the latest, whatever it waits for.
        sleep(Duration::from_millis(1)).await;
    }
}
