//! Controllers of several kinds, with informers, clients and transactions of their own.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use delta::core::{Access, LogStore as _, Store as _};
use delta::{
    Action, Controller, InformContext, InformError, Object, Resource, SettleOutcome, State, WorkContext, WorkError,
};
use delta_testkit::Harness;
use delta_testkit::harness::{Caller, Draw, FaultRates, Outside, Seen, SimStore, Simulation};
use futures::stream::{self, Stream, StreamExt as _};
use serde::{Deserialize, Serialize};

/// Found by an informer; each has a part, which its work informs.
#[derive(Clone, Serialize, Deserialize)]
struct Whole {
    name: String,
    size: u64,
}

impl Object for Whole {
    const KIND: &'static str = "whole";

    fn id(&self) -> String {
        self.name.clone()
    }
}

#[derive(Clone, Serialize, Deserialize)]
struct Part {
    whole: String,
    size: u64,
}

impl Object for Part {
    const KIND: &'static str = "part";

    fn id(&self) -> String {
        self.whole.clone()
    }
}

struct Yard {
    outside: Outside,
    listed: Mutex<BTreeMap<String, u64>>,
    built: Mutex<BTreeMap<String, u64>>,
}

struct Wholes(Arc<Yard>);

impl Controller for Wholes {
    type Object = Whole;

    async fn work(&self, cx: &WorkContext, whole: &Resource<Whole>) -> Result<Action, WorkError> {
        let Whole { name, size } = whole.object.clone();
        cx.client().inform(Part { whole: name, size }).await?;
        Ok(Action::Synced)
    }

    fn inform(&self, _: InformContext) -> impl Stream<Item = Result<Whole, InformError>> + Send {
        let yard = self.0.clone();
        stream::once(async move {
            let listed = yard.outside.call("list", || yard.listed.lock().unwrap().clone()).await;
            stream::iter(match listed {
                Ok(listed) => listed.into_iter().map(|(name, size)| Ok(Whole { name, size })).collect(),
                Err(error) => vec![Err(error.into())],
            })
        })
        .flatten()
    }
}

/// Settles itself.
struct Parts(Arc<Yard>);

impl Controller for Parts {
    type Object = Part;

    async fn work(&self, cx: &WorkContext, part: &Resource<Part>) -> Result<Action, WorkError> {
        let Part { whole, size } = part.object.clone();
        self.0.outside.call("build", || self.0.built.lock().unwrap().insert(whole, size)).await?;
        let client = cx.client_of::<SimStore>().ok_or_else(|| WorkError::permanent("another store"))?;
        let store = client.store();
        let mut tx = store.acquire(Access::Write).await?;
        store.begin_tx(&mut tx).await?;
        if client.settle_in(&mut tx, part, Action::Synced).await? == SettleOutcome::Lost {
            store.rollback_tx(&mut tx).await?;
            return Err(WorkError::retry("the lease was lost"));
        }
        store.commit_tx(&mut tx).await?;
        Ok(Action::Settled)
    }
}

fn yard(outside: &Outside) -> Yard {
    Yard { outside: outside.clone(), listed: Mutex::default(), built: Mutex::default() }
}

fn simulation(seeds: u64) -> Simulation<Yard> {
    Harness::simulate(0..seeds)
        .world(yard)
        .controller(|yard| Wholes(yard.clone()))
        .controller(|yard| Parts(yard.clone()))
        .step("list one", |caller: Caller<Yard>, mut draw: Draw| async move {
            let (name, size) = (format!("w{}", draw.below(4)), draw.below(3));
            caller.world().listed.lock().unwrap().insert(name, size);
            Ok(())
        })
        .at_rest("each whole has its part built", |yard: &Yard, seen: &Seen<'_>| {
            let built = yard.built.lock().unwrap();
            let wholes = seen.resources::<Whole>().into_iter().filter(|whole| whole.state == State::Synced);
            match wholes.into_iter().find(|whole| built.get(&whole.object.name) != Some(&whole.object.size)) {
                Some(whole) => Err(format!("{} should have {}, has {built:?}", whole.key, whole.object.size)),
                None => Ok(()),
            }
        })
}

#[test]
fn controllers_inform_each_other_have_informers_run_and_settle_themselves() {
    let report = simulation(60).run();
    assert_eq!(report.seeds, 60);
    assert!(report.answers["settled"] > 20 && report.answers["synced"] > 20, "{report}");
    let faults: BTreeSet<&str> = report.faults.keys().map(String::as_str).collect();
    for kind in ["outside-loses-answer", "outside-late", "lost-answer", "worker-hangs", "slow-store"] {
        assert!(faults.contains(kind), "{kind}: {report}");
    }
    assert!(report.crashes > 20, "{report}");
}

#[test]
fn without_faults_and_trouble_nothing_goes_wrong() {
    let report = simulation(20).faults(FaultRates::default()).trouble(0).clients(2..=2).run();
    assert_eq!((report.crashes, report.faults.len()), (0, 0), "{report}");
    assert!(report.answers.keys().all(|answer| ["settled", "synced", "dropped"].contains(answer)), "{report}");
}

#[test]
fn the_same_seeds_give_the_same_report() {
    assert_eq!(simulation(10).run(), simulation(10).run());
}
