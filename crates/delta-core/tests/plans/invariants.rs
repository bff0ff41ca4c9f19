//! What holds whatever happens, in whatever order.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use delta_core::plan::{IdempotencyKey, InformInput, InformOutcome, Report, Source};
use delta_core::transition::{Input, Phase, Relation, TABLE, To};
use delta_core::{
    AbsentBy, DeletedBy, Desired, EventDraft, EventKind, Missing, Priority, Reason, Resource, ResourceId, State,
};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

use crate::rows::object;
use crate::said::{Said, caller_new, informer_new};
use crate::world::{LEASE, Op, Step, World};

fn inform() -> impl Strategy<Value = InformInput> {
    let labels = (option::weighted(0.1, 0..3usize), option::weighted(0.1, 1..5u8), option::weighted(0.1, 0..3usize));
    let times = (option::weighted(0.3, 0..200u64), option::weighted(0.4, option::of(1..3i64)));
    let manners = (any::<bool>(), prop::bool::weighted(0.2), prop::bool::weighted(0.2), prop::bool::weighted(0.15));
    let policy = (any::<bool>(), select(vec![Missing::Ignore, Missing::Delete, Missing::Work]));
    (1..4u32, manners, labels, times, policy).prop_map(
        |(version, (informer, process, skip, older), (tags, priority, metadata), (run_in, attempts), policy)| {
            let mut said = if informer { informer_new() } else { caller_new() };
            said.input.object = object(version);
            let options = &mut said.input.options;
            options.max_attempts = attempts;
            options.run_at = run_in.map(|seconds| crate::rows::at(i64::try_from(seconds).unwrap()));
            let change =
                |condition: bool, change: fn(Said) -> Said, said: Said| if condition { change(said) } else { said };
            let said = change(process, Said::process, said);
            let said = change(skip, Said::skip_deleted, said);
            let said = change(older, |said| said.compared(Relation::Older), said);
            let said = change(!policy.0, Said::withhold_second_chance, said);
            let mut input = said.input;
            input.policy.missing = policy.1;
            input.options.tags = tags.map(|tags| crate::rows::tags(&["one", "two"][..tags]));
            input.options.metadata = metadata.map(|number| crate::rows::metadata(&format!(r#"{{"number":{number}}}"#)));
            input.options.priority = priority.map(|priority| Priority::new(priority).unwrap());
            input
        },
    )
}

fn report() -> impl Strategy<Value = Report> {
    let delay = || (0..120u64).prop_map(Duration::from_secs);
    let message = || "did not work".to_owned();
    prop_oneof![
        4 => Just(Report::Synced),
        3 => delay().prop_map(move |retry_in| Report::Failed { message: message(), backtrace: None, retry_in }),
        1 => Just(Report::Permanent { message: message() }),
        1 => option::of(Just("gone".to_owned())).prop_map(|reason| Report::Delete { reason }),
        1 => delay().prop_map(Report::Snooze),
        1 => delay().prop_map(Report::Released),
    ]
}

fn op() -> impl Strategy<Value = Op> {
    // Late settlements and heartbeats of claims that are long over are part of life.
    let nth = || prop_oneof![8 => Just(0usize), 1 => Just(1usize), 1 => 2..5usize];
    prop_oneof![
        3 => select(vec![1u64, 30, 61, 61, 400, 50_000, 90_000]).prop_map(|seconds| Op::Advance(Duration::from_secs(seconds))),
        6 => inform().prop_map(|input| Op::Inform(Box::new(input))),
        8 => Just(Op::Claim),
        1 => nth().prop_map(Op::Renew),
        6 => (nth(), report()).prop_map(|(nth, report)| Op::Settle(nth, report)),
        3 => Just(Op::Rescue),
        1 => Just(Op::Expire),
        1 => Just(Op::Invalidate),
        1 => select(vec![IdempotencyKey::Keep, IdempotencyKey::Fresh]).prop_map(Op::Retry),
        1 => Just(Op::Cancel),
        2 => select(vec![AbsentBy::Request, AbsentBy::Missing]).prop_map(Op::RequestDeletion),
        1 => Just(Op::Missing),
        1 => Just(Op::Pause),
        2 => Just(Op::Resume),
        1 => Just(Op::Purge),
    ]
}

fn phase(row: Option<&Resource>) -> Phase {
    row.map_or(Phase::None, |row| Phase::of(&row.state))
}

fn scheduled(events: &[EventDraft]) -> Vec<(Reason, &EventDraft)> {
    events.iter().filter_map(|event| Some((event.kind.reason()?, event))).collect()
}

/// What a row must be, however it came to be so.
fn check_row(row: &Resource) {
    assert_eq!(row.state == State::Pending, row.lease.is_some(), "pending exactly under a lease");
    assert_eq!(row.state == State::Deleted, row.deleted_by.is_some(), "deleted exactly by somebody");
    assert_eq!(row.deleted_by.is_some(), row.deleted_at.is_some(), "deleted by somebody exactly at some time");
    match row.state {
        State::Scheduled | State::Failed | State::Expired => assert!(row.run_at.is_some(), "claimable at some time"),
        State::Pending => {}
        _ => assert_eq!(row.run_at, None, "never claimable"),
    }
    assert!(row.attempt >= 0 && row.max_attempts.is_none_or(|max| row.attempt <= max), "attempts within the limit");
    assert!((0..=row.generation).contains(&row.synced_generation), "finished what was asked for");
    if let Some(lease) = row.lease {
        assert!(lease.attempt >= 1 && lease.generation <= row.generation);
        assert!(row.attempt == if lease.generation == row.generation { lease.attempt } else { 0 });
        assert_eq!(row.run_at.is_some(), lease.generation != row.generation, "another run exactly if asked for");
    }
    if row.state == State::Synced {
        assert_eq!(row.synced_generation, row.generation, "in step with what is wanted");
        assert_eq!(row.desired, Desired::Present);
    }
    assert_eq!(row.error_count, i64::try_from(row.detail.as_ref().unwrap().errors.len()).unwrap());
}

/// What one operation may do to a row.
fn check_step(op: &Op, step: &Step) {
    let (before, after) = (step.before.as_ref(), step.after.as_ref());
    if before == after {
        assert!(step.events.is_empty(), "events without a change");
        return;
    }
    let input = op.input().expect("time alone changes nothing");
    check_table(input, before, after);
    let Some(row) = after else {
        assert_eq!(step.events.iter().map(|event| event.kind).collect::<Vec<_>>(), [EventKind::Purged]);
        return;
    };
    check_row(row);
    check_claimable(before, row, &step.events);
    let Some(before) = before else {
        assert_eq!((row.generation, row.version), (1, 1));
        return;
    };
    let renewed = input == Input::Heartbeat;
    assert_eq!(row.version, before.version + i64::from(!renewed), "every write counts, and no heartbeat");
    assert!(renewed || row.updated_at == step.now);
    assert!(row.state == before.state || row.state_since == step.now);
    assert!((0..=1).contains(&(row.generation - before.generation)), "generations count up one by one");
    assert!(row.generation == before.generation || row.attempt == 0, "a new generation is at its first attempt");
    assert!(row.synced_generation >= before.synced_generation);
    if input == Input::Settle || input == Input::Rescue {
        assert_eq!(row.generation, before.generation, "the end of an attempt asks for nothing new");
        check_own_events(before, &step.events);
    }
    check_absence(op, step.outcome, before, row);
}

fn check_table(input: Input, before: Option<&Resource>, after: Option<&Resource>) {
    let (from, to) = (phase(before), phase(after));
    let allowed = TABLE.iter().filter(|rule| rule.input == input && rule.from.contains(&from)).any(|rule| {
        to == match rule.to {
            To::Phase(phase) => phase,
            To::ScheduledOrPending if from != Phase::Pending => Phase::Scheduled,
            To::ScheduledOrPending | To::Same => from,
        }
    });
    assert!(allowed, "the table has no way from {} to {} by {}", from.as_str(), to.as_str(), input.as_str());
}

/// What becomes claimable says so once; what does not is silent.
fn check_claimable(before: Option<&Resource>, row: &Resource, events: &[EventDraft]) {
    let events = scheduled(events);
    let entered = before.is_none_or(|before| (&before.state, before.generation) != (&row.state, row.generation));
    let announced = entered && matches!(row.state, State::Scheduled | State::Expired);
    assert_eq!(events.len(), usize::from(announced), "{events:?} for {} of generation {}", row.state, row.generation);
    for (_, event) in events {
        assert_eq!((event.generation, event.attempt), (Some(row.generation), Some(row.attempt)));
    }
}

/// What an attempt did is told of the attempt, not of what came meanwhile.
fn check_own_events(before: &Resource, events: &[EventDraft]) {
    let lease = before.lease.unwrap();
    for event in events.iter().filter(|event| event.kind.reason().is_none()) {
        assert_eq!((event.generation, event.attempt), (Some(lease.generation), Some(lease.attempt)));
    }
}

fn check_absence(op: &Op, outcome: Option<InformOutcome>, before: &Resource, row: &Resource) {
    let missing = match before.state {
        State::Deleted => before.deleted_by == Some(DeletedBy::Missing),
        _ => before.desired == Desired::Absent(AbsentBy::Missing),
    };
    let gone = before.state == State::Deleted || before.desired != Desired::Present;
    match op {
        Op::Inform(input) if gone && input.source == Source::Informer => {
            let ended = row.state != State::Deleted && row.desired == Desired::Present;
            assert_eq!(ended, missing, "an informer ends exactly what missing began: {outcome:?}");
        }
        Op::Inform(_) => {}
        _ if before.desired != Desired::Present => {
            assert_ne!(row.desired, Desired::Present, "only an inform wants something back");
            let taken_over = matches!(op, Op::RequestDeletion(AbsentBy::Request));
            assert!(row.desired == before.desired || taken_over, "only a caller takes over an absence");
        }
        _ => {}
    }
    if before.desired == Desired::Absent(AbsentBy::Request) && row.desired != Desired::Present {
        assert_eq!(row.desired, before.desired, "a caller's absence stays the caller's");
    }
}

/// Every generation that was ever claimable has exactly one event that it became so; further ones speak of another try.
fn check_log(world: &World, claimable: &BTreeSet<(ResourceId, i64)>) {
    let mut first: BTreeMap<(ResourceId, i64), usize> = BTreeMap::new();
    let mut seen: BTreeSet<(ResourceId, i64)> = BTreeSet::new();
    for (id, _, event) in &world.log {
        let Some(reason) = event.kind.reason() else { continue };
        let of = (*id, event.generation.unwrap());
        let known = !seen.insert(of);
        let another_try = match reason {
            Reason::SecondChance | Reason::Snoozed | Reason::Released => true,
            // Under a fresh idempotency key it is a new generation.
            Reason::Retried => known,
            _ => false,
        };
        assert!(known || !another_try, "{reason:?} of {of:?}, which was never scheduled");
        *first.entry(of).or_default() += usize::from(!another_try);
    }
    for of in claimable {
        assert_eq!(first.get(of), Some(&1), "events of {of:?}");
    }
    for of in first.keys() {
        assert!(claimable.contains(of), "an event of {of:?}, which was never claimable");
    }
}

/// Works a resource until there is nothing left to do.
fn settle_down(world: &mut World) {
    world.step(&Op::Resume);
    for _ in 0..4 {
        world.step(&Op::Advance(Duration::from_secs(10_000)));
        world.step(&Op::Rescue);
        world.step(&Op::Claim);
        world.step(&Op::Settle(0, Report::Synced));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn whatever_happens_the_rules_hold(ops in vec(op(), 1..80)) {
        let mut world = World::new();
        let mut claimable = BTreeSet::new();
        for op in &ops {
            let step = world.step(op);
            check_step(op, &step);
            if let Some(row) = world.row.as_ref().filter(|row| row.state.is_claimable()) {
                claimable.insert((row.id, row.generation));
            }
        }
        check_log(&world, &claimable);
    }

    #[test]
    fn whatever_happened_work_brings_it_to_rest(ops in vec(op(), 1..60), last in inform()) {
        let mut world = World::new();
        for op in &ops {
            world.step(op);
        }
        let outcome = world.step(&Op::Inform(Box::new(last.clone()))).outcome.unwrap();
        settle_down(&mut world);
        let row = world.row.unwrap();
        let accepted = !matches!(outcome, InformOutcome::Stale | InformOutcome::SkippedDeleted);
        if accepted && outcome != InformOutcome::Unchanged {
            prop_assert_eq!(&row.state, &State::Synced, "an acknowledged inform is worked");
            prop_assert_eq!((row.hash, row.synced_generation), (last.object.hash(), row.generation));
        }
        prop_assert!(matches!(row.state, State::Synced | State::Degraded | State::Deleted), "{} is no rest", row.state);
    }

    #[test]
    fn a_batch_of_one_key_is_its_informs_one_by_one(ops in vec(op(), 0..40), inputs in vec(inform(), 1..6)) {
        let mut batch = World::new();
        for op in &ops {
            batch.step(op);
        }
        let mut singly = batch.clone();
        let together = batch.inform(&inputs);
        let apart: Vec<_> = inputs.iter().flat_map(|input| singly.inform(std::slice::from_ref(input))).collect();
        prop_assert_eq!(together, apart);
        let version = |world: &World| world.row.as_ref().map_or(0, |row| row.version);
        prop_assert!(version(&batch) <= version(&singly));
        let without_version = |world: &World| world.row.clone().map(|row| Resource { version: 0, ..row });
        prop_assert_eq!(without_version(&batch), without_version(&singly));
        prop_assert_eq!(batch.log, singly.log);
    }
}

#[test]
fn a_late_settlement_of_an_earlier_lease_changes_nothing() {
    let mut world = World::new();
    world.step(&Op::Inform(Box::new(caller_new().input)));
    world.step(&Op::Claim);
    world.step(&Op::Advance(LEASE));
    world.step(&Op::Rescue);
    world.step(&Op::Claim);
    let late = world.step(&Op::Settle(1, Report::Synced));
    assert_eq!(late.before, late.after);
    assert!(late.events.is_empty());
    let own = world.step(&Op::Settle(0, Report::Synced));
    assert_eq!(own.after.unwrap().state, State::Synced);
}

#[test]
fn informs_during_an_attempt_lead_to_exactly_one_more_run() {
    for report in [Report::Synced, Report::Delete { reason: None }, Report::Snooze(LEASE)] {
        let mut world = World::new();
        world.step(&Op::Inform(Box::new(caller_new().input)));
        world.step(&Op::Claim);
        for version in [5, 6, 7] {
            let mut input = caller_new().input;
            input.object = object(version);
            assert!(world.step(&Op::Inform(Box::new(input))).events.is_empty());
        }
        let settled = world.step(&Op::Settle(0, report));
        assert_eq!(scheduled(&settled.events).iter().map(|(reason, _)| *reason).collect::<Vec<_>>(), [Reason::Rerun]);
        world.step(&Op::Claim);
        let row = world.step(&Op::Settle(0, Report::Synced)).after.unwrap();
        assert_eq!((row.state, row.synced_generation, row.hash), (State::Synced, 4, object(7).hash()));
    }
}

#[test]
fn random_operations_take_every_arrow_of_the_table() {
    let mut runner = TestRunner::deterministic();
    let mut taken = BTreeSet::new();
    for _ in 0..300 {
        let ops = vec(op(), 80).new_tree(&mut runner).unwrap().current();
        let mut world = World::new();
        for op in &ops {
            let step = world.step(op);
            let (from, to) = (phase(step.before.as_ref()), phase(step.after.as_ref()));
            taken.extend(op.input().map(|input| (from, input, to)));
        }
    }
    for rule in TABLE {
        for &from in rule.from {
            let to = match rule.to {
                To::Phase(to) => to,
                To::ScheduledOrPending if from != Phase::Pending => Phase::Scheduled,
                To::ScheduledOrPending | To::Same => from,
            };
            assert!(from == to || taken.contains(&(from, rule.input, to)), "{} by {rule:?}", from.as_str());
        }
    }
}
