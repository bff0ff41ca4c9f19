use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use delta::core::{EventTables, LogEvent};
use delta::{Batch, Client, Consumer, Log, Position};
use futures::StreamExt as _;

use crate::clock::now;
use crate::failure::Failure;
use crate::item::Item;
use crate::scenario::log::{Which, append, items};
use crate::scenario::open::{Open, with_type};
use crate::scenario::prepare::{self, STORES, subject};
use crate::scenario::{Plan, Scenario};
use crate::server::Place;
use crate::subject::{Case, Measured, parameters};

/// A long log, from its start to its head.
pub(in crate::scenario) const SCENARIO: Scenario =
    Scenario { name: "tail", about: "read a long log, in several ways", cases, rounds: None };

/// How many events a page has, and a consumer's batch.
const PAGE: u32 = 1_000;

/// How it is read.
#[derive(Clone, Copy, Debug)]
enum Way {
    /// Page by page, as the store gives them.
    Pages,
    /// As a stream.
    Stream,
    /// By a consumer, which keeps its place.
    Consumer,
    /// By a consumer of batches.
    BatchConsumer,
}

impl Way {
    const ALL: [(Self, &str); 4] = [
        (Self::Pages, "pages"),
        (Self::Stream, "stream"),
        (Self::Consumer, "consumer"),
        (Self::BatchConsumer, "batch consumer"),
    ];
}

fn cases(plan: &Plan) -> Vec<Case> {
    let events = plan.items * plan.pick(2, 4);
    let case = |(which, log): (Which, &str)| {
        let measure =
            move |place: Place| async move { with_type!(place.backend(), |S| run::<S>(&place, which, events).await) };
        Case {
            parameters: parameters([("log", log.to_owned())]),
            subjects: STORES.map(|backend| subject(backend, measure)).into(),
        }
    };
    Which::ALL.map(case).into()
}

async fn run<S: Open>(place: &Place, which: Which, events: usize) -> Result<Vec<Measured>, Failure> {
    let client = Client::builder(S::open(place.url()).await?).build()?;
    match which {
        Which::Own => {
            prepare::inform(&client, Item::many(0, events, 0)).await?;
            place.settle().await?;
            read(&client.log(), events).await
        }
        Which::Table => {
            let log = client.event_log(items())?;
            log.create().await?;
            append(&client, &log, events.div_ceil(prepare::BATCH), prepare::BATCH).await?;
            place.settle().await?;
            read(&log.log(), events).await
        }
    }
}

/// Reads all of it in each of the ways.
async fn read<S: EventTables, E: LogEvent>(log: &Log<S, E>, events: usize) -> Result<Vec<Measured>, Failure> {
    let mut measured = Vec::new();
    for (way, name) in Way::ALL {
        let start = now();
        let read = match way {
            Way::Pages => paged(log).await?,
            Way::Stream => streamed(log, events).await?,
            Way::Consumer => consumed(log, name, None).await?,
            Way::BatchConsumer => consumed(log, name, Some(PAGE)).await?,
        };
        let time = start.elapsed();
        if read != events {
            return Err(format!("expected {events} events, found {read} by {name}").into());
        }
        measured.push(Measured { metric: name.to_owned(), ..Measured::throughput(read, time) });
    }
    Ok(measured)
}

async fn paged<S: EventTables, E: LogEvent>(log: &Log<S, E>) -> Result<usize, Failure> {
    let (mut after, mut read) = (Position::START, 0);
    loop {
        let page = log.page(after, PAGE, &E::Filter::default()).await?;
        read += page.events.len();
        if page.next == after || page.next == page.head {
            return Ok(read);
        }
        after = page.next;
    }
}

async fn streamed<S: EventTables, E: LogEvent>(log: &Log<S, E>, events: usize) -> Result<usize, Failure> {
    let mut stream = pin!(log.stream(Position::START, E::Filter::default()));
    let mut read = 0;
    while read < events {
        stream.next().await.ok_or("expected a log without end, found its end")??;
        read += 1;
    }
    Ok(read)
}

async fn consumed<S: EventTables, E: LogEvent>(
    log: &Log<S, E>,
    name: &str,
    batch: Option<u32>,
) -> Result<usize, Failure> {
    let handled = Arc::new(AtomicUsize::new(0));
    let counted = handled.clone();
    let name = name.replace(' ', "-");
    let consumer = match batch {
        None => Consumer::new(name, move |_, _: E| {
            counted.fetch_add(1, Ordering::Relaxed);
            std::future::ready(Ok::<(), std::io::Error>(()))
        }),
        Some(size) => Consumer::batch(name, Batch::new().size(size as usize), move |_, events: Vec<E>| {
            counted.fetch_add(events.len(), Ordering::Relaxed);
            std::future::ready(Ok::<(), std::io::Error>(()))
        }),
    };
    let consumption = log.consumer(consumer).page_size(PAGE).to_head().run_once().await;
    consumption.map_err(|failure| failure.to_string())?;
    Ok(handled.load(Ordering::Relaxed))
}
