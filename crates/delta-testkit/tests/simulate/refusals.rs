//! What a simulation refuses, and what it says of controllers that it cannot trust.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use delta::{Action, Controller, InformOptions, Object, Resource, WorkContext, WorkError};
use delta_testkit::Harness;
use delta_testkit::harness::{Caller, Draw, Failure, Seen, Simulation};
use serde::{Deserialize, Serialize};

#[derive(Clone, Serialize, Deserialize)]
struct Item(String);

impl Object for Item {
    const KIND: &'static str = "item";

    fn id(&self) -> String {
        self.0.clone()
    }
}

type Work = fn() -> Result<Action, WorkError>;

struct Items(Work);

impl Controller for Items {
    type Object = Item;

    async fn work(&self, _: &WorkContext, _: &Resource<Item>) -> Result<Action, WorkError> {
        (self.0)()
    }
}

fn of(work: Work) -> Simulation {
    let item = |draw: &mut Draw| Item(format!("i{}", draw.below(3)));
    Harness::simulate(0..4).controller(move |_| Items(work)).informs(item)
}

fn found(simulation: Simulation) -> Failure {
    simulation.check().unwrap_err()
}

#[test]
fn a_controller_that_leaves_something_to_chance_is_told_of() {
    static CALLS: AtomicU64 = AtomicU64::new(0);
    let failure = found(of(|| Err(WorkError::retry(format!("call {}", CALLS.fetch_add(1, Ordering::Relaxed))))));
    assert_eq!(failure.violation.invariant, "a seed gives one history");
    let text = failure.to_string();
    assert!(text.contains("first:  ") && text.contains("error: call 0") && text.contains("second: "), "{text}");

    let in_some_order = || {
        let map: HashMap<u32, u32> = (0..40).map(|number| (number, number)).collect();
        Err(WorkError::retry(format!("{:?}", map.keys())))
    };
    assert_eq!(found(of(in_some_order)).violation.invariant, "a seed gives one history");
}

#[test]
fn what_never_comes_to_rest_is_told_of_unless_it_may() {
    let restless = || Ok(Action::Snooze(Duration::from_secs(5)));
    let failure = found(of(restless).patience(Duration::from_mins(1)));
    assert_eq!(failure.violation.invariant, "everything comes to rest once nothing goes wrong");
    assert!(failure.violation.found.starts_with("after 60s, default/item/i"), "{failure}");
    assert!(of(restless).patience(None).run().answers["snoozed"] > 10);
}

#[test]
fn a_simulation_in_which_nothing_is_worked_shows_nothing() {
    let nothing = Harness::simulate(0..2).controller(|_| Items(|| Ok(Action::Synced)));
    let failure = found(nothing);
    assert_eq!(failure.violation.invariant, "a controller is called");
}

#[test]
fn an_assertion_that_fails_in_an_invariant_is_a_violation() {
    let invariant = |(): &(), seen: &Seen<'_>| {
        let rows = seen.records().len();
        assert!(rows < 2, "{rows} rows");
        Ok(())
    };
    let failure = found(of(|| Ok(Action::Synced)).invariant("there are few rows", invariant));
    assert_eq!((failure.violation.invariant, failure.violation.found.as_str()), ("there are few rows", "2 rows"));
}

#[test]
fn what_is_to_hold_at_rest_is_looked_at_in_the_end() {
    let failure = found(of(|| Ok(Action::Synced)).at_rest("nothing is synced", |(): &(), seen: &Seen<'_>| {
        assert!(seen.is_calm());
        match seen.resources::<Item>().first() {
            Some(item) => Err(format!("{} is {}", item.object.0, item.state)),
            None => Ok(()),
        }
    }));
    assert_eq!(failure.violation.invariant, "nothing is synced");
    assert!(failure.violation.found.ends_with(" is synced"), "{failure}");
}

#[test]
fn a_step_of_the_users_own_uses_the_client() {
    let simulation = of(|| Ok(Action::Synced)).step("inform in a namespace", |caller: Caller<()>, _| async move {
        let inform = delta::Inform::new(Item("mine".to_owned())).options(InformOptions::new().namespace("own"));
        caller.client().inform(inform).await?;
        Ok(())
    });
    let failure = found(simulation.at_rest("only the default namespace is used", |(): &(), seen: &Seen<'_>| {
        let other = seen.records().iter().find(|row| row.key.namespace.as_str() != "default");
        other.map_or(Ok(()), |row| Err(row.key.to_string()))
    }));
    assert_eq!(failure.violation.found, "own/item/mine");
    let text = failure.to_string();
    assert!(text.contains("a caller begins to inform in a namespace"), "{text}");
}

#[tokio::test]
#[should_panic(expected = "expected a plain #[test], found tokio's runtime")]
async fn a_simulation_within_a_runtime_is_refused() {
    of(|| Ok(Action::Synced)).run();
}

#[test]
#[should_panic(expected = "expected a controller to simulate, found none")]
fn a_simulation_without_a_controller_is_refused() {
    Harness::simulate(0..1).run();
}

#[test]
#[should_panic(expected = "expected the world before the controllers")]
fn a_world_that_comes_late_is_refused() {
    let _ = of(|| Ok(Action::Synced)).world(|_| ());
}
