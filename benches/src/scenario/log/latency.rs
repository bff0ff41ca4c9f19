use std::time::{Duration, Instant};

use delta::core::Access;
use delta::{Client, Consumer};
use futures::future::BoxFuture;
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

use crate::clock::{now, sleep};
use crate::failure::Failure;
use crate::item::Item;
use crate::scenario::latencies::Latencies;
use crate::scenario::log::{CREATED, Which, items};
use crate::scenario::open::{Open, with_type};
use crate::scenario::prepare::{STORES, subject};
use crate::scenario::{Plan, Scenario};
use crate::server::Place;
use crate::subject::{Case, Measured, parameters};

/// One commit at a time: from its end to the call of a consumer.
pub(in crate::scenario) const SCENARIO: Scenario =
    Scenario { name: "consume", about: "from a commit to a consumer of its event, idle", cases, rounds: None };

/// How long the database is left alone between two commits.
const PAUSE: Duration = Duration::from_millis(5);
/// How many warm up.
const WARM_UP: usize = 20;
/// How many where nobody is told: each waits for the poll.
const POLLED: usize = 20;

/// Who consumes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum By {
    /// The client that writes.
    Itself,
    /// Another, with a pool of its own.
    Another,
}

fn cases(plan: &Plan) -> Vec<Case> {
    let commits = plan.pick(100, 500);
    let mut cases = Vec::new();
    for (which, log) in Which::ALL {
        for (by, reader) in [(By::Itself, "the same client"), (By::Another, "another client")] {
            let measure = move |place: Place| async move {
                with_type!(place.backend(), |S| run::<S>(&place, which, by, commits).await)
            };
            cases.push(Case {
                parameters: parameters([("log", log.to_owned()), ("consumed by", reader.to_owned())]),
                subjects: STORES.map(|backend| subject(backend, measure)).into(),
            });
        }
    }
    cases
}

async fn run<S: Open>(place: &Place, which: Which, by: By, commits: usize) -> Result<Vec<Measured>, Failure> {
    let writer = Client::builder(S::open(place.url()).await?).build()?;
    writer.event_log(items())?.create().await?;
    let reader = match by {
        By::Itself => writer.clone(),
        By::Another => Client::builder(S::open(place.url()).await?).build()?,
    };
    let polled = by == By::Another && writer.store().capabilities().wakeups == delta::core::WakeupReach::None;
    let commits = if polled { POLLED } else { commits };
    let (called, mut calls) = mpsc::unbounded_channel();
    let (stop, stopped) = oneshot::channel::<()>();
    let consumption = consume(&reader, which, called, stopped)?;
    let latencies = async {
        // The consumer begins.
        sleep(Duration::from_secs(1)).await;
        let mut latencies = Latencies::default();
        for round in 0..commits + WARM_UP {
            let committed = write(&writer, which, round).await?;
            let call = timeout(Duration::from_secs(20), calls.recv()).await;
            let call = call.map_err(|_| "expected a call of the consumer within 20 s, found none")?;
            let call = call.ok_or("expected a consumer, found that it has ended")?;
            if round >= WARM_UP {
                latencies.push(call.saturating_duration_since(committed));
            }
            sleep(PAUSE).await;
        }
        drop(stop);
        Ok::<_, Failure>(latencies)
    };
    let (latencies, ended) = tokio::join!(latencies, consumption);
    ended?;
    Ok(latencies?.measured("").collect())
}

type Consumed = BoxFuture<'static, delta::Result<()>>;

/// A consumer that says when it is called, until it is stopped.
fn consume<S: Open>(
    reader: &Client<S>,
    which: Which,
    called: mpsc::UnboundedSender<Instant>,
    stopped: oneshot::Receiver<()>,
) -> Result<Consumed, Failure> {
    let stopped = async { drop(stopped.await) };
    let call = move || std::future::ready(called.send(now()));
    Ok(match which {
        Which::Own => {
            let consumer = Consumer::new("latency", move |_, _| call());
            let consumption = reader.log().consumer(consumer).from_head();
            Box::pin(async move { consumption.run(stopped).await.map(drop) })
        }
        Which::Table => {
            let consumer = Consumer::new("latency", move |_, _| call());
            let consumption = reader.event_log(items())?.log().consumer(consumer).from_head();
            Box::pin(async move { consumption.run(stopped).await.map(drop) })
        }
    })
}

/// Commits one event; returns when that was.
async fn write<S: Open>(writer: &Client<S>, which: Which, round: usize) -> Result<Instant, Failure> {
    let store = writer.store();
    let mut conn = store.acquire(Access::Write).await?;
    store.begin_tx(&mut conn).await?;
    match which {
        Which::Own => {
            let (_, wake) = writer.inform_in(&mut conn, Item::new(round, 560)).await?;
            store.commit_tx(&mut conn).await?;
            let committed = now();
            wake.send();
            Ok(committed)
        }
        Which::Table => {
            let wake = writer.event_log(items())?.insert(&mut conn, format!("item-{round}"), CREATED).await?;
            store.commit_tx(&mut conn).await?;
            let committed = now();
            wake.send();
            Ok(committed)
        }
    }
}
