//! What an inform does beside the state: priorities, attempts, labels, objects and traces.

use std::sync::{Arc, Mutex};

use delta_core::plan::{InformOutcome as Outcome, InformPolicy, inform};
use delta_core::transition::Relation;
use delta_core::{Change, Depth, EventObjects, Priority, Resource, State, Update};

use crate::rows::{
    NOW, POLICY, at, degraded, deleted, event_scheduled, failed, object, pending, scheduled, synced, tags, trace, with,
};
use crate::said::{Said, caller_new, caller_same, informer_new, informer_same};

/// The only change of one inform, which must be an update.
fn update(row: Resource, said: &Said) -> Update {
    let mut plan = inform(vec![row], std::slice::from_ref(&said.input), NOW);
    match plan.changeset.changes.pop() {
        Some(Change::Update(update)) => *update,
        other => panic!("expected an update, found {other:?}"),
    }
}

fn as_loaded(row: Resource, depth: Depth) -> Resource {
    match depth {
        Depth::Full => row,
        Depth::Head => with(row, |row| row.detail = None),
    }
}

#[test]
fn a_callers_change_leaves_the_bulk() {
    let in_bulk = || with(synced(), |row| row.priority = Priority::BULK);
    assert_eq!(update(in_bulk(), &caller_new()).row.priority, Priority::DEFAULT);
    assert_eq!(update(in_bulk(), &caller_same().process()).row.priority, Priority::DEFAULT);
}

#[test]
fn an_informers_change_stays_in_the_bulk() {
    let in_bulk = with(synced(), |row| row.priority = Priority::BULK);
    assert_eq!(update(in_bulk, &informer_new()).row.priority, Priority::BULK);
}

#[test]
fn other_priorities_that_are_not_given_stay_as_they_are() {
    for priority in [Priority::FIRST, Priority::DEFAULT, Priority::LAST] {
        let row = || with(synced(), |row| row.priority = priority);
        assert_eq!(update(row(), &caller_new()).row.priority, priority);
        assert_eq!(update(row(), &informer_new()).row.priority, priority);
    }
}

#[test]
fn a_given_priority_holds_whoever_gives_it() {
    for said in [caller_new(), informer_new(), caller_same(), informer_same()] {
        assert_eq!(update(synced(), &said.priority(Priority::BULK)).row.priority, Priority::BULK);
    }
}

#[test]
fn a_change_takes_given_attempts_over_and_keeps_them_otherwise() {
    assert_eq!(update(synced(), &caller_new()).row.max_attempts, Some(5));
    assert_eq!(update(synced(), &caller_new().max_attempts(Some(2))).row.max_attempts, Some(2));
    assert_eq!(update(pending(), &caller_new().max_attempts(None)).row.max_attempts, None);
    assert_eq!(update(synced(), &caller_same().process().max_attempts(Some(2))).row.max_attempts, Some(2));
}

#[test]
fn a_change_keeps_labels_that_are_not_given() {
    let write = update(synced(), &caller_new());
    assert_eq!(write.row.metadata, synced().metadata);
    assert_eq!((write.write_tags, write.row.detail.unwrap().tags), (false, tags(&["stored"])));
}

#[test]
fn given_tags_replace_all_that_are_stored() {
    let write = update(synced(), &caller_new().tags(&["one", "two"]));
    assert_eq!((write.write_tags, write.row.detail.unwrap().tags), (true, tags(&["one", "two"])));
    let write = update(deleted(delta_core::DeletedBy::Worker), &caller_new().tags(&[]));
    assert_eq!((write.write_tags, write.row.detail.unwrap().tags), (true, tags(&[])));
}

#[test]
fn given_tags_are_written_where_the_stored_ones_were_not_loaded() {
    for given in [&[][..], &["stored"], &["new"]] {
        let write = update(as_loaded(synced(), Depth::Head), &caller_same().tags(given));
        assert_eq!((write.write_tags, write.write_object), (true, false), "{given:?}");
        assert_eq!(write.row.detail.unwrap().tags, tags(given));
    }
}

#[test]
fn no_tags_after_a_change_are_written_where_the_stored_ones_were_not_loaded() {
    let inputs = [caller_new().input, caller_same().compared(Relation::Unchanged).tags(&[]).input];
    let plan = inform(vec![as_loaded(synced(), Depth::Head)], &inputs, NOW);
    let [Change::Update(write)] = &plan.changeset.changes[..] else { panic!("expected one update") };
    assert!(write.write_object && write.write_tags);
}

#[test]
fn an_object_is_written_without_what_is_stored_being_loaded() {
    let write = update(as_loaded(synced(), Depth::Head), &caller_new());
    assert_eq!((write.write_object, write.write_tags), (true, false));
    assert_eq!(write.row.hash, object(2).hash());
    assert_eq!(&write.row.detail.unwrap().object, object(2).text());
}

#[test]
fn an_object_with_the_stored_hash_is_not_written_again() {
    for said in [caller_same().process(), caller_same().compared(Relation::Changed)] {
        let write = update(synced(), &said);
        assert_eq!((write.row.generation, write.write_object), (4, false));
    }
}

#[test]
fn an_object_that_compares_as_equal_is_written_when_it_is_processed() {
    let write = update(synced(), &caller_new().compared(Relation::Unchanged).process());
    assert_eq!((write.write_object, write.row.hash), (true, object(2).hash()));
    assert_eq!(write.events, [event_scheduled(delta_core::Reason::Requested, 4)]);
}

#[test]
fn a_comparison_that_does_not_know_compares_hashes() {
    let unknowing = |said: Said| {
        let mut input = said.input;
        input.compare = Some(Arc::new(|_| None));
        inform(vec![synced()], &[input], NOW).answers.remove(0).outcome
    };
    assert_eq!(unknowing(caller_same()), Ok(Outcome::Unchanged));
    assert_eq!(unknowing(caller_new()), Ok(Outcome::Changed));
}

#[test]
fn a_comparison_sees_the_stored_object() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let mut input = caller_new().input;
    let log = Arc::clone(&seen);
    input.compare = Some(Arc::new(move |stored| {
        log.lock().unwrap().push(stored.to_owned());
        Some(Relation::Changed)
    }));
    let _ = inform(vec![synced()], &[input], NOW);
    assert_eq!(*seen.lock().unwrap(), [object(1).text().to_string()]);
}

#[test]
fn a_change_takes_the_trace_of_who_asked_for_it() {
    assert_eq!(update(synced(), &caller_new()).row.trace, Some(trace('2')));
    let mut untraced = caller_new();
    untraced.input.trace = None;
    assert_eq!(update(synced(), &untraced).row.trace, None);
}

#[test]
fn a_second_chance_keeps_the_trace_of_its_generation_unless_it_brings_one() {
    let mut untraced = informer_same();
    untraced.input.trace = None;
    assert_eq!(update(degraded(), &untraced).row.trace, Some(trace('1')));
    assert_eq!(update(degraded(), &informer_same()).row.trace, Some(trace('2')));
}

#[test]
fn a_change_without_a_time_of_creation_keeps_the_one_that_is_known() {
    let mut timeless = caller_new();
    timeless.input.external_created_at = None;
    assert_eq!(update(synced(), &timeless).row.external_created_at, Some(at(-5000)));
    assert_eq!(update(synced(), &caller_new()).row.external_created_at, Some(at(-6000)));
}

#[test]
fn a_lease_is_never_written_by_an_inform() {
    let write = update(pending(), &caller_new());
    assert_eq!((write.row.state, write.lease), (State::Pending, delta_core::LeaseWrite::Keep));
    assert_eq!(write.row.lease, pending().lease);
}

#[test]
fn events_hold_the_object_where_the_kind_asks_for_it() {
    let keep = InformPolicy { event_objects: EventObjects::Keep, ..POLICY };
    let write = update(failed(), &caller_new().policy(keep));
    assert!(write.events.iter().all(|event| event.with_object) && !write.events.is_empty());
    let insert = inform(Vec::new(), &[caller_new().policy(keep).input], NOW).changeset.changes.remove(0);
    let Change::Insert(insert) = insert else { panic!("expected an insert, found {insert:?}") };
    assert!(insert.events[0].with_object);
}

#[test]
fn rows_of_other_keys_are_left_alone() {
    let other = Resource { key: delta_core::Key::new("shop", "customer", "bert").unwrap(), ..scheduled() };
    let plan = inform(vec![other], &[caller_new().input], NOW);
    assert_eq!(plan.answers[0].outcome, Ok(Outcome::Created));
    assert_eq!(plan.changeset.changes.len(), 1);
}
