use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use delta::core::plan::consume::slice_of;
use delta::core::{Backoff, LogEvent as _, Object as _, Position, Subject};
use delta::{Client, ConsumeContext, ConsumeError, Consumer, CursorWrites, Event, EventKind, GiveUp, Inform, ShardBy};
use delta_store_memory::MemoryConn;
use futures::FutureExt as _;
use futures::future::BoxFuture;
use tokio_util::sync::CancellationToken;

use super::thing::{Copy, Thing};
use crate::history::{Last, What};
use crate::sim::model::Life;
use crate::sim::outside::OutsideError;
use crate::sim::store::SimStore;
use crate::sim::world::Sim;

/// Keeps its cursor at every event.
const AT_ONCE: &str = "at-once";
/// Keeps its cursor every two seconds.
const NOW_AND_THEN: &str = "now-and-then";
/// Informs a copy of each synced thing in the transaction that moves its cursor.
const COPIER: &str = "copier";
/// Shares the slices among all processes.
const SHARED: &str = "shared";
/// Gives up on some events.
const FUSSY: &str = "fussy";
/// How often it tries.
const TRIES: u32 = 3;

/// What consumers have handled.
#[derive(Clone, Debug, Default)]
pub(super) struct Consumed(Arc<Mutex<BTreeMap<&'static str, BTreeSet<Position>>>>);

impl Consumed {
    fn all(&self) -> MutexGuard<'_, BTreeMap<&'static str, BTreeSet<Position>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note(&self, consumer: &'static str, position: Position) {
        self.all().entry(consumer).or_default().insert(position);
    }

    /// Whether every consumer has handled every event that is left.
    pub(super) fn is_all(&self, sim: &Sim, last: &Last) -> bool {
        let all = self.all();
        let has = |consumer: &str| {
            let handled = all.get(consumer);
            last.log.iter().all(|event| handled.is_some_and(|handled| handled.contains(&event.position)))
        };
        [AT_ONCE, NOW_AND_THEN, COPIER, FUSSY].into_iter().all(has) && (!is_shared(sim) || has(SHARED))
    }
}

/// The consumers of one client.
pub(super) fn consumers(
    life: &Life,
    client: &Client<SimStore>,
    stop: &CancellationToken,
    consumed: &Consumed,
) -> Vec<BoxFuture<'static, ()>> {
    let plain = |name| Consumer::new(name, handler(life, consumed, name));
    let every = CursorWrites::Every(Duration::from_secs(2));
    let shared = is_shared(&life.sim).then(|| run(life, client, stop, plain(SHARED).sharded(ShardBy::Key), every));
    let others = [
        run(life, client, stop, plain(AT_ONCE), CursorWrites::Sync),
        run(life, client, stop, plain(NOW_AND_THEN), every),
        run(life, client, stop, plain(FUSSY).give_up_after(TRIES, GiveUp::DeadLetter), CursorWrites::Sync),
        run(life, client, stop, copier(life, client, consumed), CursorWrites::Sync),
    ];
    shared.into_iter().chain(others).collect()
}

/// Whether a world has the consumer of 1,024 slices: one seed in 32, as the cursors of them all take their time to look at.
fn is_shared(sim: &Sim) -> bool {
    sim.seed() % 32 == 5
}

fn run(
    life: &Life,
    client: &Client<SimStore>,
    stop: &CancellationToken,
    consumer: Consumer<SimStore, Event>,
    writes: CursorWrites,
) -> BoxFuture<'static, ()> {
    let (sim, actor, stop) = (life.sim.clone(), life.actor.clone(), stop.clone());
    let name = consumer.name().to_owned();
    let run = client
        .log()
        .consumer(consumer)
        .cursor(writes)
        .lease(Duration::from_secs(5))
        .retry(Backoff::new(Duration::from_millis(100), Duration::from_secs(1)))
        .grace(Duration::from_secs(1));
    Box::pin(async move {
        if let Err(error) = run.run(async move { stop.cancelled().await }).await {
            sim.record(&actor, What::Note(format!("consumer {name} ended: {error}")));
        }
    })
}

fn handler(
    life: &Life,
    consumed: &Consumed,
    name: &'static str,
) -> impl Fn(ConsumeContext, Event) -> BoxFuture<'static, Result<(), ConsumeError>> + Send + Sync + 'static {
    let (life, consumed) = (life.clone(), consumed.clone());
    move |cx, event| {
        let (life, consumed) = (life.clone(), consumed.clone());
        async move {
            let (sim, actor, position) = (&life.sim, &life.actor, event.position);
            let fails = name == FUSSY && position.get() % 7 == 0;
            let refused = if fails { Some(OutsideError::Refused) } else { sim.outside(name, || ()).await.err() };
            if let Some(error) = refused {
                if name == FUSSY && cx.attempt() >= TRIES {
                    sim.record(actor, What::PassedOver { consumer: name.to_owned(), position });
                    consumed.note(name, position);
                }
                return Err(error.into());
            }
            let whole = if name == SHARED { format!("{name}/{:04}", slice_of(&event.key())) } else { name.to_owned() };
            sim.record(actor, What::Consumed { consumer: whole, position });
            consumed.note(name, position);
            Ok(())
        }
        .boxed()
    }
}

fn copier(life: &Life, client: &Client<SimStore>, consumed: &Consumed) -> Consumer<SimStore, Event> {
    let (life, client, consumed) = (life.clone(), client.clone(), consumed.clone());
    Consumer::transactional(COPIER, move |conn: &mut MemoryConn, event: &Event| {
        copy(life.clone(), client.clone(), consumed.clone(), conn, event).boxed()
    })
}

async fn copy(
    life: Life,
    client: Client<SimStore>,
    consumed: Consumed,
    conn: &mut MemoryConn,
    event: &Event,
) -> Result<(), ConsumeError> {
    let position = event.position;
    if let (EventKind::Synced, Subject::Resource { key, .. }) = (event.kind, &event.subject)
        && key.kind.as_str() == Thing::<false>::KIND
    {
        let copy = Copy { id: key.object_id.to_string(), position: position.get() };
        // A poll finds the work.
        let (_, _wake) = client.inform_in(conn, Inform::new(copy)).await?;
    }
    life.sim.record(&life.actor, What::Consumed { consumer: COPIER.to_owned(), position });
    consumed.note(COPIER, position);
    Ok(())
}
