use delta::core::Access;
use delta::{Client, EventLog};
use tokio::task::JoinSet;

use crate::clock::now;
use crate::failure::Failure;
use crate::scenario::log::{events, items};
use crate::scenario::open::{Open, with_type};
use crate::scenario::prepare::{STORES, subject};
use crate::scenario::{Plan, Scenario};
use crate::server::Place;
use crate::subject::{Case, Measured, parameters};

/// An application's events, each some in a transaction of its own.
pub(in crate::scenario) const SCENARIO: Scenario =
    Scenario { name: "append", about: "append an application's events in its transactions", cases, rounds: None };

fn cases(plan: &Plan) -> Vec<Case> {
    let writers: &[usize] = plan.pick(&[1, 4], &[1, 2, 4, 8]);
    let mut cases = Vec::new();
    for batch in [1, 100] {
        for writers in writers.iter().copied() {
            let count = if batch == 1 { plan.items / 10 } else { plan.items * 2 };
            let measure = move |place: Place| async move {
                with_type!(place.backend(), |S| run::<S>(&place, writers, batch, count).await)
            };
            cases.push(Case {
                parameters: parameters([("writers", writers.to_string()), ("per transaction", batch.to_string())]),
                subjects: STORES.map(|backend| subject(backend, measure)).into(),
            });
        }
    }
    cases
}

async fn run<S: Open>(place: &Place, writers: usize, batch: usize, count: usize) -> Result<Vec<Measured>, Failure> {
    let client = Client::builder(S::open(place.url()).await?).build()?;
    let log = client.event_log(items())?;
    log.create().await?;
    append(&client, &log, 5, batch).await?;
    let transactions = count / batch / writers;
    let mut running = JoinSet::new();
    let start = now();
    for _ in 0..writers {
        let (client, log) = (client.clone(), log.clone());
        running.spawn(async move { append(&client, &log, transactions, batch).await });
    }
    while let Some(appended) = running.join_next().await {
        appended??;
    }
    Ok(vec![Measured::throughput(transactions * batch * writers, start.elapsed())])
}

/// So many transactions of so many events, one after the other.
pub(in crate::scenario) async fn append<S: Open>(
    client: &Client<S>,
    log: &EventLog<S>,
    transactions: usize,
    batch: usize,
) -> Result<(), Failure> {
    let store = client.store();
    let mut conn = store.acquire(Access::Read).await?;
    let at = store.now(&mut conn).await?;
    drop(conn);
    for number in 0..transactions {
        let mut conn = store.acquire(Access::Write).await?;
        store.begin_tx(&mut conn).await?;
        let events = events(number * batch, batch, at);
        let wake = log.append(&mut conn, &events).await?;
        store.commit_tx(&mut conn).await?;
        drop(conn);
        wake.send();
    }
    Ok(())
}
