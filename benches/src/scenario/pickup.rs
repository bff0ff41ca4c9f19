use std::time::Instant;

use delta::core::WakeupReach;
use delta::{Action, Client, Controller, Resource, WorkContext, WorkError};
use tokio::sync::mpsc;

use crate::clock::now;
use crate::failure::Failure;
use crate::item::Item;
use crate::peer::{self, Mode};
use crate::scenario::latencies::Latencies;
use crate::scenario::open::{Open, with_type};
use crate::scenario::prepare::{STORES, subject};
use crate::scenario::{Plan, Scenario};
use crate::server::Place;
use crate::subject::{Case, Measured, parameters};

/// One at a time, with nothing else to do: from before the call of the inform to the start of the work.
pub(super) const SCENARIO: Scenario =
    Scenario { name: "pickup", about: "from an inform to its work, idle", cases, rounds: None };

/// How many are worked before any is measured.
const WARM_UP: usize = 10;
/// How many where nobody is woken: each waits for the poll.
const POLLED: usize = 20;

/// Who informs.
#[derive(Clone, Copy, Debug)]
enum By {
    /// The client that works.
    Itself,
    /// Another client, with a pool of its own.
    Another,
}

fn cases(plan: &Plan) -> Vec<Case> {
    let rounds = plan.pick(200, 1_000);
    let case = |(by, name): (By, &str)| {
        let measure =
            move |place: Place| async move { with_type!(place.backend(), |S| run::<S>(&place, by, rounds).await) };
        let mut subjects = STORES.map(|backend| subject(backend, measure)).to_vec();
        if let By::Another = by {
            // Theirs are enqueued on connections of their own as well.
            subjects.extend(Mode::BOTH.into_iter().flat_map(|mode| peer::subjects("pickup", mode, rounds, 560)));
        }
        Case { parameters: parameters([("informed by", name.to_owned())]), subjects }
    };
    [(By::Itself, "the same client"), (By::Another, "another client")].map(case).into()
}

struct Started(mpsc::UnboundedSender<Instant>);

impl Controller for Started {
    type Object = Item;

    async fn work(&self, _: &WorkContext, _: &Resource<Item>) -> Result<Action, WorkError> {
        self.0.send(now())?;
        Ok(Action::Synced)
    }
}

async fn run<S: Open>(place: &Place, by: By, rounds: usize) -> Result<Vec<Measured>, Failure> {
    Item::set_parallelism(None);
    let store = S::open(place.url()).await?;
    let rounds = match (by, store.capabilities().wakeups) {
        (By::Another, WakeupReach::None) => POLLED,
        _ => rounds,
    };
    let (started, mut starts) = mpsc::unbounded_channel();
    let client = Client::builder(store).controller(Started(started)).build()?;
    let running = client.start().await?;
    let informer = match by {
        By::Itself => client.clone(),
        By::Another => Client::builder(S::open(place.url()).await?).build()?,
    };
    let mut latencies = Latencies::default();
    for round in 0..rounds + WARM_UP {
        let called = now();
        informer.inform(Item::new(round, 560)).await?;
        let start = starts.recv().await.ok_or("expected the worker, found that it has ended")?;
        if round >= WARM_UP {
            latencies.push(start - called);
        }
    }
    running.stop().await;
    Ok(latencies.measured("").collect())
}
