use delta::Client;
use delta::core::Access;
use tokio::task::JoinSet;

use crate::clock::now;
use crate::failure::Failure;
use crate::item::Item;
use crate::scenario::latencies::Latencies;
use crate::scenario::open::{Open, with_type};
use crate::scenario::prepare::{STORES, subject};
use crate::scenario::trips::Trips;
use crate::scenario::{Plan, Scenario};
use crate::server::Place;
use crate::subject::{Case, Measured, parameters};

/// An object in a caller's transaction, as programs inform that write something of their own.
pub(super) const SCENARIO: Scenario =
    Scenario { name: "inform_in", about: "tell of one object in a transaction of the caller's", cases, rounds: None };

/// How many transactions are counted the trips of.
const COUNTED: u64 = 100;

fn cases(plan: &Plan) -> Vec<Case> {
    let transactions = plan.items / 10;
    let callers: &[usize] = plan.pick(&[1, 4], &[1, 4, 16]);
    let case = |callers: usize| {
        let measure = move |place: Place| async move {
            with_type!(place.backend(), |S| run::<S>(&place, callers, transactions).await)
        };
        Case {
            parameters: parameters([("callers", callers.to_string())]),
            subjects: STORES.map(|backend| subject(backend, measure)).into(),
        }
    };
    callers.iter().map(|callers| case(*callers)).collect()
}

async fn run<S: Open>(place: &Place, callers: usize, transactions: usize) -> Result<Vec<Measured>, Failure> {
    let client = Client::builder(S::open(place.url()).await?).build()?;
    one_by_one(&client, "warm-up", 20).await?;
    place.settle().await?;
    let mut running = JoinSet::new();
    let start = now();
    for caller in 0..callers {
        let (client, share) = (client.clone(), transactions / callers);
        running.spawn(async move { one_by_one(&client, &format!("caller-{caller}"), share).await });
    }
    let mut all = Times::default();
    while let Some(times) = running.join_next().await {
        all.extend(times??);
    }
    let mut measured = vec![Measured::throughput(transactions / callers * callers, start.elapsed())];
    measured.extend(all.inform.measured("inform "));
    measured.extend(all.whole.measured("whole transaction "));
    if callers == 1 && place.url().contains("//") {
        measured.extend(trips::<S>(place).await?);
    }
    Ok(measured)
}

/// How long the informs took, and the transactions that they were in.
#[derive(Default)]
struct Times {
    inform: Latencies,
    whole: Latencies,
}

impl Times {
    fn extend(&mut self, other: Self) {
        self.inform.extend(other.inform);
        self.whole.extend(other.whole);
    }
}

/// So many transactions, one after the other.
async fn one_by_one<S: Open>(client: &Client<S>, caller: &str, transactions: usize) -> Result<Times, Failure> {
    let mut times = Times::default();
    for number in 0..transactions {
        let item = Item { id: format!("{caller}-{number}"), ..Item::new(number, 560) };
        let begin = now();
        let mut conn = client.store().acquire(Access::Write).await?;
        client.store().begin_tx(&mut conn).await?;
        let inform = now();
        let (_, wake) = client.inform_in(&mut conn, item).await?;
        times.inform.push(inform.elapsed());
        client.store().commit_tx(&mut conn).await?;
        drop(conn);
        wake.send();
        times.whole.push(begin.elapsed());
    }
    Ok(times)
}

/// How many round trips an inform adds to a transaction.
async fn trips<S: Open>(place: &Place) -> Result<Vec<Measured>, Failure> {
    let proxy = Trips::to(place.url()).await?;
    let client = Client::builder(S::open(proxy.url()).await?).build()?;
    let mut conn = client.store().acquire(Access::Write).await?;
    let mut measured = Vec::new();
    let mut empty = 0;
    for what in ["nothing", "new", "unchanged", "changed"] {
        let mut counted = 0;
        // The first has its statements prepared.
        for number in 0..=COUNTED {
            let before = proxy.count();
            client.store().begin_tx(&mut conn).await?;
            if what != "nothing" {
                let payload = if what == "changed" { "y" } else { "x" }.repeat(500);
                let item = Item { id: format!("trip-{number}"), payload };
                // Nobody is to be woken: that would be trips as well.
                drop(client.inform_in(&mut conn, item).await?);
            }
            client.store().commit_tx(&mut conn).await?;
            if number > 0 {
                counted += proxy.count() - before;
            }
        }
        match what {
            "nothing" => empty = counted,
            _ => measured.push(Measured::new(format!("round trips, {what}"), "trips", each(counted - empty))),
        }
    }
    Ok(measured)
}

#[expect(clippy::cast_precision_loss, reason = "some hundreds")]
fn each(counted: u64) -> f64 {
    counted as f64 / COUNTED as f64
}
