use std::sync::Arc;

use delta::core::Browse;
use delta::{Client, Store};

use crate::clock::now;
use crate::failure::Failure;
use crate::item::{Idle, Item};
use crate::scenario::{Plan, Scenario};
use crate::server::{Backend, Place, World};
use crate::subject::{Case, Measured, Subject, parameters};
use crate::with_store;

/// Items that were informed while nobody worked, until the last is synced in the database.
pub(super) const SCENARIO: Scenario = Scenario { name: "drain", about: "work off what was informed before", cases };

/// How much is drained, and how.
#[derive(Clone, Copy, Debug)]
struct Drain {
    backend: Backend,
    items: usize,
    bytes: usize,
    parallelism: Option<u32>,
}

fn cases(plan: &Plan) -> Vec<Case> {
    let drain = Drain { backend: Backend::SqlxPostgres, items: plan.items, bytes: 560, parallelism: Some(1_000) };
    let subject = Subject::new(drain.backend.subject(), move |world| measure(world, drain));
    vec![Case { parameters: parameters([("parallelism", "1000".to_owned())]), subjects: vec![subject] }]
}

async fn measure(world: Arc<World>, drain: Drain) -> Result<Vec<Measured>, Failure> {
    let place = Place::create(&world, drain.backend).await?;
    with_store!(drain.backend, place.url(), |store| run(store, &place, drain).await)
}

async fn run<S: Store + Browse>(store: S, place: &Place, drain: Drain) -> Result<Vec<Measured>, Failure> {
    Item::set_parallelism(drain.parallelism);
    let informer = Client::builder(store.clone()).build()?;
    let items: Vec<Item> = Item::many(0, drain.items, drain.bytes).collect();
    for batch in items.chunks(1_000) {
        informer.inform_many(batch.to_vec()).await?;
    }
    drop(informer);
    place.settle().await?;
    let worker = Idle::default();
    let client = Client::builder(store).controller(worker.clone()).build()?;
    let start = now();
    let running = client.start().await?;
    worker.reaches(drain.items).await;
    running.stop().await;
    let time = start.elapsed();
    Ok(vec![Measured::throughput(drain.items, time)])
}
