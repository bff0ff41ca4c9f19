use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use delta::core::{CanonicalObject, Key, LogStore as _, Store as _};
use delta::{
    Builder, Client, ConsumeContext, ConsumeError, Consumer, CursorWrites, Event, Inform, InformRun, Informed,
    Pausable, Position, ScheduleInform,
};
use delta_core::{Access, Backoff};
use futures::future::BoxFuture;
use tokio_util::sync::CancellationToken;

use super::call::Call;
use super::thing::{Outside, Thing, Things};
use crate::history::{Ask, Last, What};
use crate::sim::model::{Life, Model};
use crate::sim::store::SimStore;
use crate::sim::world::Sim;

/// The names of the fleet's consumers.
const CONSUMERS: [&str; 2] = ["at-once", "now-and-then"];

/// A fleet of clients that keeps things in step.
#[derive(Debug)]
pub struct Fleet {
    outside: Outside,
    /// How far each consumer has come.
    consumed: Arc<Mutex<BTreeMap<&'static str, Position>>>,
}

impl Fleet {
    /// The fleet of a world.
    #[must_use]
    pub fn new(_: &Sim) -> Self {
        Self { outside: Outside::default(), consumed: Arc::default() }
    }
}

impl Model for Fleet {
    type Call = Call;

    fn client(&self, life: &Life, builder: Builder<SimStore>) -> Builder<SimStore> {
        let (life, outside) = (life.clone(), self.outside.clone());
        if life.version.is_multiple_of(2) {
            builder.controller(Things::<true> { life, outside })
        } else {
            builder.controller(Things::<false> { life, outside })
        }
    }

    fn beside(&self, life: &Life, client: &Client<SimStore>, stop: &CancellationToken) -> Vec<BoxFuture<'static, ()>> {
        CONSUMERS.map(|name| consume(name, life, client, stop, &self.consumed)).into()
    }

    fn call(&self, life: &Life, client: &Client<SimStore>, call: Call) -> BoxFuture<'static, ()> {
        Box::pin(make(life.clone(), client.clone(), self.outside.clone(), call))
    }

    fn is_at_rest(&self, last: &Last) -> bool {
        let head = last.log.last().map_or(Position::START, |event| event.position);
        let consumed = self.consumed.lock().unwrap_or_else(PoisonError::into_inner);
        CONSUMERS.iter().all(|name| consumed.get(name).copied().unwrap_or(Position::START) >= head)
    }
}

fn consume(
    name: &'static str,
    life: &Life,
    client: &Client<SimStore>,
    stop: &CancellationToken,
    consumed: &Arc<Mutex<BTreeMap<&'static str, Position>>>,
) -> BoxFuture<'static, ()> {
    let (sim, actor, stop, consumed) = (life.sim.clone(), life.actor.clone(), stop.clone(), Arc::clone(consumed));
    let handler = move |_: ConsumeContext, event: Event| {
        let (sim, actor, consumed) = (sim.clone(), actor.clone(), Arc::clone(&consumed));
        async move {
            sim.outside(name, || ()).await?;
            sim.record(&actor, What::Consumed { consumer: name.to_owned(), position: event.position });
            let mut consumed = consumed.lock().unwrap_or_else(PoisonError::into_inner);
            let reached = consumed.entry(name).or_insert(Position::START);
            *reached = event.position.max(*reached);
            Ok::<(), ConsumeError>(())
        }
    };
    let writes = if name == CONSUMERS[0] { CursorWrites::Sync } else { CursorWrites::Every(Duration::from_secs(2)) };
    let run = client
        .log()
        .consumer(Consumer::new(name, handler))
        .cursor(writes)
        .lease(Duration::from_secs(5))
        .retry(Backoff::new(Duration::from_millis(100), Duration::from_secs(1)))
        .grace(Duration::from_secs(1));
    let (sim, actor) = (life.sim.clone(), life.actor.clone());
    Box::pin(async move {
        if let Err(error) = run.run(async move { stop.cancelled().await }).await {
            sim.record(&actor, What::Note(format!("consumer {name} ended: {error}")));
        }
    })
}

fn key_of(client: &Client<SimStore>, id: &str) -> Option<Key> {
    client.key_of(&thing(id, 0)).ok()
}

fn thing(id: &str, value: u64) -> Thing<false> {
    Thing { id: id.to_owned(), value }
}

async fn make(life: Life, client: Client<SimStore>, outside: Outside, call: Call) {
    let (sim, actor) = (&life.sim, &life.actor);
    sim.record(actor, What::Note(format!("a caller begins to {call}")));
    let told = |key: Key, ask: Ask| sim.record(actor, What::Acknowledged { key, ask });
    let requested = |id: &str, done: delta::Result<()>, ask: Ask| {
        if let (Ok(()), Some(key)) = (done, key_of(&client, id)) {
            told(key, ask);
        }
    };
    match &call {
        Call::Inform { id, value } => {
            if let (Ok(informed), Some(key)) = (client.inform(thing(id, *value)).await, key_of(&client, id)) {
                told(key, ask(id, *value, informed));
            }
        }
        Call::InformIn { things, keep } => {
            for (key, ask) in inform_in(&client, things, *keep).await.unwrap_or_default() {
                told(key, ask);
            }
        }
        Call::Delete(id) => with(&client, id, async |key| requested(id, client.delete(&key).await, Ask::Delete)).await,
        Call::Invalidate(id) => {
            with(&client, id, async |key| requested(id, client.invalidate(&key).await, Ask::Invalidate)).await;
        }
        Call::Retry(id, fresh) => {
            with(&client, id, async |key| requested(id, client.retry(&key, *fresh).await, Ask::Retry)).await;
        }
        Call::Cancel(id) => with(&client, id, async |key| requested(id, client.cancel(&key).await, Ask::Cancel)).await,
        Call::Pause(id) => {
            let pause = async |key| requested(id, client.pause(&Pausable::Resource(key)).await, Ask::Pause);
            with(&client, id, pause).await;
        }
        Call::Resume(id) => {
            let resume = async |key| requested(id, client.resume(&Pausable::Resource(key)).await, Ask::Resume);
            with(&client, id, resume).await;
        }
        Call::Source(id, Some(value)) => drop(outside.places().source.insert(id.clone(), *value)),
        Call::Source(id, None) => drop(outside.places().source.remove(id)),
        Call::ScheduleInform { full } => {
            let request = ScheduleInform::new().run(InformRun::Background);
            let request = if *full { request.full() } else { request };
            // Whether it was accepted does not matter: runs happen by themselves, too.
            drop(client.schedule_inform("thing", request).await);
        }
    }
}

async fn with(client: &Client<SimStore>, id: &str, request: impl AsyncFnOnce(Key)) {
    if let Some(key) = key_of(client, id) {
        request(key).await;
    }
}

fn ask(id: &str, value: u64, informed: Informed) -> Ask {
    let Informed { id: row, generation, outcome } = informed;
    let hash = match CanonicalObject::new(&thing(id, value)) {
        Ok(object) => object.hash(),
        Err(error) => panic!("expected a thing to be an object, found: {error}"),
    };
    Ask::Inform { id: row, generation, hash, outcome: outcome.as_str().to_owned() }
}

async fn inform_in(client: &Client<SimStore>, things: &[(String, u64)], keep: bool) -> delta::Result<Vec<(Key, Ask)>> {
    let store = client.store();
    let mut conn = store.acquire(Access::Write).await?;
    store.begin_tx(&mut conn).await?;
    let mut asks = Vec::new();
    let mut wakes = Vec::new();
    for (id, value) in things {
        let (informed, wake) = client.inform_in(&mut conn, Inform::new(thing(id, *value))).await?;
        wakes.push(wake);
        asks.extend(key_of(client, id).map(|key| (key, ask(id, *value, informed))));
    }
    if !keep {
        store.rollback_tx(&mut conn).await?;
        return Ok(Vec::new());
    }
    store.commit_tx(&mut conn).await?;
    wakes.into_iter().for_each(delta::Wake::send);
    Ok(asks)
}
