//! What the simulation shows, and that it shows it again.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::thread;

use delta_core::{Change, Changeset, Desired};
use delta_testkit::sim::fleet::{self, Call, Fleet, scenario};
use delta_testkit::sim::{Failures, Mutation, Run, Scenario, Search, Sight, Timeline, run, shrink};

/// Seeds that have found something, and what.
const FOUND: [(u64, &str); 3] = [
    (40, "a clock that a vague sample had put ahead was taken for certain"),
    (165, "slices that a run held by name, and did not work, were left to nobody"),
    (389, "slices of a member that had just joined were taken for abandoned"),
];

/// How many seeds CI runs, and each night.
const SEEDS: (u64, u64) = (500, 10_000);
/// The fewest store calls of a seed.
const OPERATIONS: u64 = 200;

fn simulated(scenario: &Scenario<Call>, mutation: Option<Arc<dyn Mutation>>) -> Run {
    run(scenario, mutation, fleet::invariants(scenario), Fleet::new)
}

#[test]
fn nothing_breaks_an_invariant_and_everything_happens() {
    let is_night = std::env::var("DELTA_NIGHTLY").is_ok_and(|value| value == "1");
    let seeds = if is_night { SEEDS.1 } else { SEEDS.0 };
    let search = Search::new(1..seeds + 1).failures(Failures::KeepGoing).faults(fleet::faults());
    let report = search.run(|seed| simulated(&scenario(seed), None), |_| {});
    println!("{report}");
    assert!(report.found.is_empty(), "replay the first with `cargo xtask sim --seed {}`", report.found[0].seed);
    assert_eq!(report.coverage.missing(), []);
    assert_eq!(report.coverage.unexpected(), []);
    assert!(report.fewest_operations() >= OPERATIONS, "{} store calls", report.fewest_operations());
}

#[test]
fn what_was_found_once_is_not_found_again() {
    for (seed, why) in FOUND {
        let run = simulated(&scenario(seed), None);
        assert_eq!(run.violation, None, "seed {seed}: {why}");
    }
}

#[test]
fn the_same_seed_gives_the_same_history_in_every_thread() {
    let text = |seed| simulated(&scenario(seed), None).history.to_string();
    let seeds = [3, 17, 40, 101, 250];
    let one = thread::spawn(move || seeds.map(text));
    let other = thread::spawn(move || {
        let mut texts = seeds.into_iter().rev().map(text).collect::<Vec<_>>();
        texts.reverse();
        texts
    });
    let (one, other) = (one.join().unwrap(), other.join().unwrap());
    for ((seed, one), other) in seeds.iter().zip(one).zip(other) {
        let differs = one.lines().zip(other.lines()).position(|(one, other)| one != other);
        assert!(one == other, "seed {seed} differs in line {differs:?}");
    }
}

#[test]
fn other_seeds_give_other_histories() {
    let texts: BTreeSet<_> = (1..6).map(|seed| simulated(&scenario(seed), None).history.to_string()).collect();
    assert_eq!(texts.len(), 5);
}

/// Takes no deletion to the database, and says that it has.
#[derive(Debug)]
struct ForgetsDeletions;

impl Mutation for ForgetsDeletions {
    fn name(&self) -> &'static str {
        "forgets deletions"
    }

    fn breaks(&self) -> Option<&'static str> {
        None
    }

    fn seeds(&self) -> u64 {
        20
    }

    fn changeset(&self, _: &Sight<'_>, changes: &mut Changeset) {
        for change in &mut changes.changes {
            if let Change::Update(update) = change {
                update.row.desired = Desired::Present;
            }
        }
    }
}

#[test]
fn a_failure_is_made_small_and_stays_the_same() {
    let again = |scenario: &Scenario<Call>| simulated(scenario, Some(Arc::new(ForgetsDeletions)));
    let fails = |seed: &u64| again(&scenario(*seed)).violation.is_some();
    let seed = (1..20).find(fails).expect("a seed that fails");
    let small = || shrink(scenario(seed), again(&scenario(seed)), 400, again);
    let shrunk = small();
    let Scenario { steps, processes, left_out, .. } = &shrunk.scenario;
    let text = Timeline::new(&shrunk.scenario, &shrunk.run).replay("cargo xtask sim --seed 1").to_string();
    assert!(steps.len() <= 3, "{text}");
    assert_eq!(processes.len() - left_out.len(), 1, "{text}");
    assert_eq!(shrunk.run.faults, [], "{text}");
    assert!(text.lines().count() < 100, "{text}");
    let before = again(&scenario(seed)).violation.unwrap();
    let after = shrunk.run.violation.as_ref().unwrap();
    assert_eq!(after.invariant, before.invariant);
    assert_eq!(small().run.history.to_string(), shrunk.run.history.to_string());
}

#[test]
fn a_timeline_tells_what_broke_and_how_to_see_it_again() {
    let again = |scenario: &Scenario<Call>| simulated(scenario, Some(Arc::new(ForgetsDeletions)));
    let (scenario, run) =
        (1..20).map(|seed| (scenario(seed), again(&scenario(seed)))).find(|(_, run)| run.violation.is_some()).unwrap();
    let text = Timeline::new(&scenario, &run).replay("cargo xtask sim --seed 1").to_string();
    let violation = run.violation.unwrap();
    assert!(text.starts_with(&format!("seed {}: {violation}\n", scenario.seed)), "{text}");
    assert!(text.contains("\nreplay: cargo xtask sim --seed 1\n"), "{text}");
    assert!(text.ends_with(&format!("\n{violation}\n")), "{text}");
}
