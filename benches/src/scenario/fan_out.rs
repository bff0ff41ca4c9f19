use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use delta::core::TableEvent;
use delta::{Client, Consumer, Position};
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::clock::{now, sleep};
use crate::failure::Failure;
use crate::scenario::log::{append, items};
use crate::scenario::open::{Open, with_type};
use crate::scenario::prepare::{STORES, subject};
use crate::scenario::trips::Trips;
use crate::scenario::{Plan, Scenario};
use crate::server::Place;
use crate::subject::{Case, Measured, parameters};

/// Many consumers of one log in one process, at its head, while another writes to it.
pub(super) const SCENARIO: Scenario =
    Scenario { name: "fan_out", about: "have one log consumed by many", cases, rounds: None };

/// How many events a transaction appends.
const BATCH: usize = 100;

fn cases(plan: &Plan) -> Vec<Case> {
    let events = plan.items;
    let case = |consumers: usize| {
        let measure = move |place: Place| async move {
            with_type!(place.backend(), |S| run::<S>(&place, consumers, events).await)
        };
        Case {
            parameters: parameters([("consumers", consumers.to_string())]),
            subjects: STORES.map(|backend| subject(backend, measure)).into(),
        }
    };
    plan.pick(vec![1, 50], vec![1, 10, 50]).into_iter().map(case).collect()
}

async fn run<S: Open>(place: &Place, consumers: usize, events: usize) -> Result<Vec<Measured>, Failure> {
    let (time, _) = pass::<S>(place, None, consumers, events).await?;
    let mut measured = vec![Measured::throughput(events, time)];
    let delivered = Measured::throughput(events * consumers, time);
    measured.push(Measured { metric: "deliveries".to_owned(), ..delivered });
    if place.url().contains("//") {
        // Again, as counting takes time.
        let proxy = Trips::to(place.url()).await?;
        let (_, trips) = pass::<S>(place, Some(&proxy), consumers, events).await?;
        measured.push(Measured::new("round trips of all readers in a second", "trips/s", trips));
    }
    Ok(measured)
}

/// The time from the first of so many events to the last call of the last consumer, and how many round trips the readers
/// made in each second of it.
async fn pass<S: Open>(
    place: &Place,
    proxy: Option<&Trips>,
    consumers: usize,
    events: usize,
) -> Result<(Duration, f64), Failure> {
    let writer = Client::builder(S::open(place.url()).await?).build()?;
    let reader = Client::builder(S::open(proxy.map_or(place.url(), Trips::url)).await?).build()?;
    let name = if proxy.is_some() { "counted" } else { "timed" };
    let log = writer.event_log(items())?;
    log.create().await?;
    let (stop, stopped) = watch::channel(());
    let mut running = JoinSet::new();
    let mut places = Vec::with_capacity(consumers);
    for number in 0..consumers {
        let handled = Arc::new(AtomicI64::new(0));
        places.push(handled.clone());
        let consumer = Consumer::new(format!("{name}-{number}"), move |_, event: TableEvent| {
            handled.store(event.position.get(), Ordering::Release);
            std::future::ready(Ok::<(), std::io::Error>(()))
        });
        let consumption = reader.event_log(items())?.log().consumer(consumer).from_head();
        let mut stopped = stopped.clone();
        running.spawn(async move { consumption.run(async { drop(stopped.changed().await) }).await });
    }
    // They have begun once each was called.
    while places.iter().any(|place| place.load(Ordering::Acquire) == 0) {
        append(&writer, &log, 1, 1).await?;
        sleep(Duration::from_millis(100)).await;
    }
    let trips = || proxy.map_or(0, Trips::count);
    let (start, before) = (now(), trips());
    append(&writer, &log, events / BATCH, BATCH).await?;
    let end: Position = log.log().head().await?.position;
    while places.iter().any(|place| place.load(Ordering::Acquire) < end.get()) {
        sleep(Duration::from_millis(1)).await;
    }
    let time = start.elapsed();
    #[expect(clippy::cast_precision_loss, reason = "some thousands")]
    let trips = (trips() - before) as f64 / time.as_secs_f64();
    drop(stop);
    while let Some(consumed) = running.join_next().await {
        consumed??;
    }
    Ok((time, trips))
}
