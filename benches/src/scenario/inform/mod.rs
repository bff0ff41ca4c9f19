//! Informs, in calls of so many objects, by one caller.

mod limit;
mod reference;

use std::sync::Arc;
use std::time::Duration;

use delta::core::Browse;
use delta::core::plan::Report;
use delta::{Client, Object as _};

use crate::clock::now;
use crate::failure::Failure;
use crate::item::Item;
use crate::measure::Meter;
use crate::peer::{self, Mode};
use crate::scenario::prepare::{self, End, STORES, end_all};
use crate::scenario::{Plan, Scenario};
use crate::server::{Place, World};
use crate::subject::{Case, LIMIT_OWN, LIMIT_REFERENCE, Measured, Subject, parameters};
use crate::with_store;

/// New, unchanged and changed objects.
pub(super) const SCENARIO: Scenario =
    Scenario { name: "inform", about: "tell of objects: new, unchanged, changed", cases, rounds: None };

/// What the database holds of the objects before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Known {
    /// Nothing.
    New,
    /// The same; synced.
    Unchanged,
    /// Others of the same size; synced.
    Changed,
}

impl Known {
    const ALL: [(Self, &str); 3] = [(Self::New, "new"), (Self::Unchanged, "unchanged"), (Self::Changed, "changed")];
}

#[derive(Clone, Copy, Debug)]
struct Inform {
    known: Known,
    items: usize,
    batch: usize,
    bytes: usize,
}

fn cases(plan: &Plan) -> Vec<Case> {
    let batches: &[usize] = plan.pick(&[1, 1_000], &[1, 10, 100, 1_000]);
    let mut cases = Vec::new();
    for (known, name) in Known::ALL {
        let sizes = plan.pick(vec![], vec![(1_000, 0), (1_000, 16 << 10)]);
        for (batch, bytes) in batches.iter().map(|batch| (*batch, 560)).chain(sizes) {
            // About as long for each: one commit costs as much as hundreds of objects.
            let items = match batch {
                1 => plan.items / 25,
                10 => plan.items / 5,
                _ if bytes > 1_000 => plan.items / 5,
                _ => plan.items,
            };
            let inform = Inform { known, items: items.max(batch), batch, bytes };
            let given = [("object", name.to_owned()), ("batch", batch.to_string()), ("bytes", bytes.to_string())];
            let ours = STORES.map(|backend| prepare::subject(backend, move |place| measure(place, inform)));
            let captured = Arc::new(limit::Captured::new());
            let limit = move |world: Arc<World>| {
                let captured = captured.clone();
                async move { limit::run(&world, &captured, inform).await }
            };
            let reference = move |world: Arc<World>| async move { reference::run(&world, inform).await };
            let limits = [Subject::new(LIMIT_OWN, limit), Subject::new(LIMIT_REFERENCE, reference)];
            let mut subjects: Vec<Subject> = ours.into_iter().chain(limits).collect();
            if (known, batch, bytes) == (Known::New, prepare::BATCH, 560) {
                let enqueue = |mode| peer::subjects("enqueue", mode, items, bytes);
                subjects.extend(Mode::BOTH.into_iter().flat_map(enqueue));
            }
            cases.push(Case { parameters: parameters(given), subjects });
        }
    }
    cases
}

async fn measure(place: Place, inform: Inform) -> Result<Vec<Measured>, Failure> {
    with_store!(place.backend(), place.url(), |store| run(store, &place, inform).await)
}

async fn run<S: Browse>(store: S, place: &Place, inform: Inform) -> Result<Vec<Measured>, Failure> {
    let client = Client::builder(store.clone()).build()?;
    prepare_for(&client, inform).await?;
    place.settle().await?;
    let calls: Vec<Vec<Item>> = inform.objects().chunks(inform.batch).map(<[Item]>::to_vec).collect();
    let mut meter = Meter::start(place).await?;
    let mut time = Duration::ZERO;
    for call in calls {
        let start = now();
        let answers = client.inform_many(call).await?;
        time += start.elapsed();
        for answer in answers {
            answer?;
        }
    }
    meter.finish().await?;
    drop((client, store));
    Ok(vec![Measured::throughput(inform.items, time).usage(meter.usage(inform.items).await?)])
}

impl Inform {
    /// What is informed of.
    fn objects(&self) -> Vec<Item> {
        let items = Item::many(0, self.items, self.bytes);
        if self.known == Known::Changed { items.map(changed).collect() } else { items.collect() }
    }
}

/// Warms up, and has the database know what it is to know.
async fn prepare_for<S: Browse>(client: &Client<S>, inform: Inform) -> Result<(), Failure> {
    // Names are made, connections opened and statements prepared; others than those that are measured.
    for warm_up in 1..=5 {
        let many: Vec<Item> = Item::many(10_000_000 * warm_up, inform.batch.min(100), inform.bytes).collect();
        client.inform_many(many.clone()).await?;
        client.inform_many(many.into_iter().map(changed)).await?;
    }
    if inform.known != Known::New {
        prepare::inform(client, Item::many(0, inform.items, inform.bytes)).await?;
        end_all(client.store(), Item::KIND, &End::Settled(Report::Synced)).await?;
    }
    Ok(())
}

/// Another object of the same id and size.
fn changed(item: Item) -> Item {
    // An item without a payload has one then, of a byte.
    let payload = if item.payload.is_empty() { "y".to_owned() } else { item.payload.replace('x', "y") };
    Item { payload, ..item }
}
