//! What the invariants are worth: each catches a store that is broken on purpose, and none catches what is allowed.

use std::collections::BTreeSet;
use std::sync::Arc;

use delta_testkit::invariants::{self, Clocks, Invariant, OutsideHoldsLast, Violation};
use delta_testkit::sim::fleet::{Fleet, scenario};
use delta_testkit::sim::{Mutation, mutations, run};

/// The first seed under which a mutated world fails, and how.
fn search(
    mutation: &Arc<dyn Mutation>,
    invariants: impl Fn(Clocks) -> Vec<Box<dyn Invariant>>,
) -> Option<(u64, Violation)> {
    (1..=mutation.seeds()).find_map(|seed| {
        let scenario = scenario(seed);
        // A process whose uncertainty is greater than an eighth of its lease does nothing.
        let lease = scenario.processes.iter().map(|process| process.lease).max().unwrap_or_default();
        let invariants = invariants(Clocks::off_by(lease / 8));
        let run = run(&scenario, Some(Arc::clone(mutation)), invariants, Fleet::new);
        run.violation.map(|violation| (seed, violation))
    })
}

/// The name of a mutation's type.
fn called(mutation: &Arc<dyn Mutation>) -> String {
    let whole = format!("{mutation:?}");
    whole.split(' ').next().unwrap_or_default().to_owned()
}

fn named(name: &str) -> Arc<dyn Mutation> {
    let mutation = mutations::all().into_iter().find(|mutation| called(mutation) == name);
    mutation.unwrap_or_else(|| panic!("expected a mutation {name}"))
}

fn prove(name: &str) {
    let mutation = named(name);
    // Only the one that the mutation names, if it names one: which of several is the first to see a bug changes with the seed.
    let asked = |clocks| {
        let mut all = invariants::all_with(clocks);
        all.retain(|invariant| mutation.breaks().is_none_or(|name| invariant.name() == name));
        all
    };
    let (seeds, found) = (mutation.seeds(), search(&mutation, asked));
    println!("{name}, {}: {found:?}", mutation.name());
    match (mutation.breaks(), found) {
        (Some(invariant), Some((_, violation))) => assert_eq!(violation.invariant, invariant, "{violation}"),
        (Some(invariant), None) => panic!("expected \"{invariant}\" to fail within {seeds} seeds, found that it held"),
        (None, None) => {}
        (None, Some((seed, violation))) => {
            panic!("expected every invariant to hold, found with seed {seed}: {violation}")
        }
    }
}

/// One test for each mutation, so that they run side by side.
macro_rules! mutations {
    ($($name:ident)+) => {
        mod proves {
            $(#[test]
            #[expect(non_snake_case, reason = "the mutation's own name")]
            fn $name() {
                super::prove(stringify!($name));
            })+
        }

        const PROVED: &[&str] = &[$(stringify!($name)),+];
    };
}

mutations! {
    SyncedAhead
    RunAtKept
    TokensRepeat
    GenerationStays
    UpdateLost
    SnoozeCosts
    AttemptNotCounted
    LimitNotLookedAt
    ClaimsLeased
    RescuesEarly
    FenceIgnored
    HeartbeatEndsLease
    ObjectOfBefore
    FailureTakenForSuccess
    ClaimsEarly
    PurgesEarly
    ExpiresEarly
    CursorFenceIgnored
    LeaseOfPlaceUnseen
    TermNotCounted
    CommitForgotten
    RequestForgotten
    LogReorders
    AnnouncedTwice
    EventOfRow
    EventDropped
    EventTwice
    CursorBack
    MarkGoesBack
    PageSkips
    PageReorders
    PageGoesOnTooFar
    CursorAhead
    IdleLog
    NobodyRescues
    LaneHidden
    WakeUpsLost
    ClaimsOfOne
    LanesInAnotherOrder
    CommitsSlow
    CommitsRepeated
    PagesOfOne
    ClaimedRowsLost
}

#[test]
fn every_mutation_has_its_test() {
    let all: Vec<String> = mutations::all().iter().map(called).collect();
    assert_eq!(all, PROVED);
}

#[test]
fn every_invariant_has_a_mutation_that_it_catches() {
    let caught: BTreeSet<_> = mutations::all().iter().filter_map(|mutation| mutation.breaks()).collect();
    let all: BTreeSet<_> = invariants::all().iter().map(|invariant| invariant.name()).collect();
    assert_eq!(caught, all);
}

/// It is no invariant of every model, and so not among those that name a mutation each.
#[test]
fn what_the_outside_holds_tells_of_failures_taken_for_success() {
    let found = search(&named("FailureTakenForSuccess"), |_| vec![Box::new(OutsideHoldsLast::default())]);
    assert!(found.is_some(), "expected the outside to be behind within 4 seeds, found that it was not");
    let allowed = search(&named("WakeUpsLost"), |_| vec![Box::new(OutsideHoldsLast::default())]);
    assert_eq!(allowed, None);
}
