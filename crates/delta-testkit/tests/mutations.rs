//! What the invariants are worth: each catches a store that is broken on purpose, and none catches what is allowed.

use std::collections::BTreeSet;
use std::sync::Arc;

use delta_testkit::invariants::{self, Violation};
use delta_testkit::sim::fleet::{Fleet, scenario};
use delta_testkit::sim::{Mutation, mutations, run};

/// The first seed under which a mutated world fails, and how.
fn search(mutation: &Arc<dyn Mutation>, seeds: u64) -> Option<(u64, Violation)> {
    (1..=seeds).find_map(|seed| {
        let run = run(&scenario(seed), Some(Arc::clone(mutation)), invariants::all(), Fleet::new);
        run.violation.map(|violation| (seed, violation))
    })
}

fn prove(name: &str) {
    let named = |mutation: &Arc<dyn Mutation>| format!("{mutation:?}") == name;
    let Some(mutation) = mutations::all().into_iter().find(named) else { panic!("expected a mutation {name}") };
    let (seeds, found) = (mutation.seeds(), search(&mutation, mutation.seeds()));
    println!("{}: {found:?}", mutation.name());
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
    AttemptNotCounted
    LimitNotLookedAt
    ClaimsLeased
    RescuesEarly
    TermNotCounted
    CommitForgotten
    LogReorders
    EventDropped
    EventTwice
    EventOfRow
    PageSkips
    PageReorders
    CursorAhead
    CursorBack
    MarkGoesBack
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
    let all: Vec<String> = mutations::all().iter().map(|mutation| format!("{mutation:?}")).collect();
    assert_eq!(all, PROVED);
}

#[test]
fn every_invariant_has_a_mutation_that_it_catches() {
    let caught: BTreeSet<_> = mutations::all().iter().filter_map(|mutation| mutation.breaks()).collect();
    let all: BTreeSet<_> = invariants::all().iter().map(|invariant| invariant.name()).collect();
    assert_eq!(caught, all);
}
