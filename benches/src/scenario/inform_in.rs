use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use delta::core::Access;
use delta::{Client, Store as _};
use tokio::task::JoinSet;

use crate::clock::now;
use crate::failure::Failure;
use crate::item::Item;
use crate::scenario::latencies::Latencies;
use crate::scenario::open::Open;
use crate::scenario::prepare::{STORES, subject};
use crate::scenario::trips::Trips;
use crate::scenario::{Plan, Scenario};
use crate::server::{Backend, Place};
use crate::subject::{Case, Measured, parameters};

/// An object in a caller's transaction, as programs inform that write something of their own.
pub(super) const SCENARIO: Scenario =
    Scenario { name: "inform_in", about: "tell of one object in a transaction of the caller's", cases };

/// How many transactions are counted the trips of.
const COUNTED: u64 = 100;

fn cases(plan: &Plan) -> Vec<Case> {
    let transactions = plan.items / 10;
    let callers: &[usize] = plan.pick(&[1, 4], &[1, 4, 16]);
    let case = |callers: usize| {
        let measure = move |place: Place| async move { dispatch(&place, callers, transactions).await };
        Case {
            parameters: parameters([("callers", callers.to_string())]),
            subjects: STORES.map(|backend| subject(backend, measure)).into(),
        }
    };
    callers.iter().map(|callers| case(*callers)).collect()
}

async fn dispatch(place: &Place, callers: usize, transactions: usize) -> Result<Vec<Measured>, Failure> {
    crate::scenario::open::with_open!(place, Store => run::<Store>(place, callers, transactions).await)
}

async fn run<S: Open>(place: &Place, callers: usize, transactions: usize) -> Result<Vec<Measured>, Failure> {
    let client = Client::builder(S::open(place.url()).await?).build()?;
    one_by_one(&client, "warm-up", 20).await?;
    place.settle().await?;
    let next = Arc::new(AtomicUsize::new(0));
    let mut running = JoinSet::new();
    let start = now();
    for caller in 0..callers {
        let (client, share) = (client.clone(), transactions / callers);
        running.spawn(async move { one_by_one(&client, &format!("caller-{caller}"), share).await });
    }
    drop(next);
    let mut all = Times::default();
    while let Some(times) = running.join_next().await {
        all.extend(times??);
    }
    let mut measured = vec![Measured::throughput(transactions / callers * callers, start.elapsed())];
    measured.extend(all.inform.measured("inform "));
    measured.extend(all.whole.measured("whole transaction "));
    if callers == 1 && place.backend() != Backend::SqlxSqlite {
        measured.extend(trips::<S>(place).await?);
    }
    Ok(measured)
}
