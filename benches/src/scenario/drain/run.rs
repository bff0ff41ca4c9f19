use std::time::Duration;

use delta::core::Browse;
use delta::{Client, Store};

use super::Drain;
use crate::clock::now;
use crate::failure::Failure;
use crate::item::{Idle, Item};
use crate::measure::Meter;
use crate::scenario::prepare::inform;
use crate::server::{Place, Watch};
use crate::subject::Measured;

/// How often it is asked whether the last is settled, once all are worked.
const EACH: Duration = Duration::from_micros(500);

/// Informs and drains, in this process.
pub(super) async fn run<S: Store + Browse>(store: S, place: &Place, drain: Drain) -> Result<Vec<Measured>, Failure> {
    inform(&Client::builder(store.clone()).build()?, Item::many(0, drain.items, drain.bytes)).await?;
    place.settle().await?;
    let mut meter = Meter::start(place).await?;
    let mut watch = Watch::start(place).await?;
    let time = one(&store, drain, &mut watch).await?;
    meter.finish().await?;
    drop(store);
    Ok(vec![Measured::throughput(drain.items, time).usage(meter.usage(drain.items).await?)])
}

/// Drains what was informed; from the start of the client to the commit of the last settlement.
pub(super) async fn one<S: Store + Browse>(store: &S, drain: Drain, watch: &mut Watch) -> Result<Duration, Failure> {
    Item::set_parallelism(drain.parallelism);
    let worker = Idle::default();
    let client = Client::builder(store.clone()).controller(worker.clone()).build()?;
    let start = now();
    let running = client.start().await?;
    worker.reaches(drain.items).await;
    let end = watch.settled(drain.items, store, EACH).await?;
    running.stop().await;
    Ok(end - start)
}
