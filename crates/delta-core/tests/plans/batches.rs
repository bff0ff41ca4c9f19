//! Several informs in one batch.

use delta_core::plan::{InformInput, InformOutcome as Outcome, inform};
use delta_core::transition::Relation;
use delta_core::{Change, Key, Reason, Rejection, Resource, ResourceId, State};

use crate::rows::{
    NOW, archived, at, degraded, deleted, event_scheduled, object, pending, scheduled, synced, tags, unknown, unwanted,
    with,
};
use crate::said::{Said, caller_new, caller_older, caller_same, informer_new, informer_same};

fn about(id: &str, said: Said) -> InformInput {
    InformInput { key: Key::new("shop", "customer", id).unwrap(), ..said.input }
}

fn row(id: &str, number: i64, row: Resource) -> Resource {
    Resource { id: ResourceId::new(number), key: Key::new("shop", "customer", id).unwrap(), ..row }
}

fn third(mut said: Said) -> Said {
    said.input.object = object(3);
    said.relation = Relation::Changed;
    said
}

#[test]
fn an_empty_batch_writes_nothing() {
    let plan = inform(vec![synced()], &[], NOW);
    assert!(plan.changeset.is_empty() && plan.answers.is_empty());
}

#[test]
fn each_input_has_its_answer_in_order() {
    let rows = vec![row("a", 1, synced()), row("b", 2, synced()), row("c", 3, unwanted(scheduled()))];
    let inputs = [
        about("d", caller_new()),
        about("c", informer_new()),
        about("a", caller_same()),
        about("b", caller_new()),
        about("b", caller_older()),
    ];
    let plan = inform(rows, &inputs, NOW);
    let answers: Vec<_> = plan
        .answers
        .iter()
        .map(|answer| {
            (*answer.outcome.as_ref().unwrap(), answer.change, answer.id.map(ResourceId::get), answer.generation)
        })
        .collect();
    assert_eq!(
        answers,
        [
            (Outcome::Created, Some(0), None, 1),
            (Outcome::SkippedDeleted, None, Some(3), 3),
            (Outcome::Unchanged, None, Some(1), 3),
            (Outcome::Changed, Some(1), Some(2), 4),
            (Outcome::Stale, Some(1), Some(2), 4),
        ]
    );
    let kinds: Vec<_> = plan.changeset.changes.iter().map(|change| change.id().map(ResourceId::get)).collect();
    assert_eq!(kinds, [None, Some(2)]);
}

#[test]
fn a_key_informed_twice_is_one_write_with_both_events() {
    let inputs = [caller_new().input, third(caller_new()).run_at(at(600)).input];
    let plan = inform(vec![synced()], &inputs, NOW);
    let [Change::Update(write)] = &plan.changeset.changes[..] else { panic!("expected one update") };
    assert_eq!((write.version, write.row.version, write.row.generation), (40, 41, 5));
    assert_eq!((write.row.hash, write.row.run_at), (object(3).hash(), Some(NOW)));
    assert_eq!(write.events, [event_scheduled(Reason::Changed, 4), event_scheduled(Reason::Changed, 5)]);
    assert_eq!(plan.answers.iter().map(|answer| answer.generation).collect::<Vec<_>>(), [4, 5]);
}

#[test]
fn a_new_key_informed_twice_is_one_insert_of_the_last_object() {
    let inputs = [informer_new().input, third(informer_new()).tags(&["vip"]).input, third(informer_same()).input];
    let plan = inform(Vec::new(), &inputs, NOW);
    let [Change::Insert(insert)] = &plan.changeset.changes[..] else { panic!("expected one insert") };
    assert_eq!((insert.row.version, insert.row.generation, insert.row.hash), (1, 2, object(3).hash()));
    let detail = insert.row.detail.as_ref().unwrap();
    assert_eq!((&detail.object, &detail.tags), (object(3).text(), &tags(&["vip"])));
    assert_eq!(insert.events, [event_scheduled(Reason::Created, 1), event_scheduled(Reason::Changed, 2)]);
    let outcomes: Vec<_> = plan.answers.iter().map(|answer| answer.outcome.clone().unwrap()).collect();
    assert_eq!(outcomes, [Outcome::Created, Outcome::Changed, Outcome::Unchanged]);
    assert!(plan.answers.iter().all(|answer| answer.change == Some(0) && answer.id.is_none()));
}

#[test]
fn back_and_forth_within_a_batch_is_two_changes() {
    let plan = inform(vec![synced()], &[caller_new().input, caller_same().input], NOW);
    let outcomes: Vec<_> = plan.answers.iter().map(|answer| answer.outcome.clone().unwrap()).collect();
    assert_eq!(outcomes, [Outcome::Changed, Outcome::Changed]);
    let [Change::Update(write)] = &plan.changeset.changes[..] else { panic!("expected one update") };
    assert_eq!((write.row.generation, write.row.hash, write.write_object), (5, object(1).hash(), true));
    assert_eq!(&write.row.detail.as_ref().unwrap().object, object(1).text());
}

#[test]
fn a_second_chance_is_given_once_per_batch() {
    let plan = inform(vec![degraded()], &[informer_same().input, informer_same().input], NOW);
    let outcomes: Vec<_> = plan.answers.iter().map(|answer| answer.outcome.clone().unwrap()).collect();
    assert_eq!(outcomes, [Outcome::Rescheduled, Outcome::Unchanged]);
}

#[test]
fn of_a_batch_during_an_attempt_the_earliest_time_counts_without_events() {
    let inputs = [
        caller_new().run_at(at(900)).input,
        third(caller_new()).run_at(at(300)).input,
        caller_new().run_at(at(600)).input,
    ];
    let plan = inform(vec![pending()], &inputs, NOW);
    let [Change::Update(write)] = &plan.changeset.changes[..] else { panic!("expected one update") };
    assert_eq!((write.row.state.clone(), write.row.generation, write.row.run_at), (State::Pending, 6, Some(at(300))));
    assert!(write.events.is_empty());
}

#[test]
fn a_caller_may_want_back_what_an_informer_skipped_before_it() {
    let inputs = [informer_new().input, caller_new().input, informer_new().input];
    let plan = inform(vec![deleted(delta_core::DeletedBy::Request)], &inputs, NOW);
    let outcomes: Vec<_> = plan.answers.iter().map(|answer| answer.outcome.clone().unwrap()).collect();
    assert_eq!(outcomes, [Outcome::SkippedDeleted, Outcome::Revived, Outcome::Unchanged]);
}

#[test]
fn a_row_of_another_version_does_not_hold_up_its_batch() {
    let rows = vec![row("a", 1, unknown()), row("b", 2, synced())];
    let plan = inform(rows, &[about("a", caller_new()), about("b", caller_new())], NOW);
    assert_eq!(plan.answers[0].outcome, Err(Rejection::UnknownState(archived())));
    assert_eq!((plan.answers[0].change, plan.answers[0].id), (None, Some(ResourceId::new(1))));
    assert_eq!((plan.answers[1].outcome.clone(), plan.answers[1].change), (Ok(Outcome::Changed), Some(0)));
    assert_eq!(plan.changeset.changes.len(), 1);
}

#[test]
fn no_row_is_named_twice_in_a_changeset() {
    let rows = vec![row("a", 1, synced()), row("b", 2, with(scheduled(), |row| row.run_at = Some(at(900))))];
    let inputs = [
        about("a", caller_new()),
        about("b", caller_new()),
        about("a", third(caller_new())),
        about("c", caller_new()),
        about("c", third(caller_new())),
        about("b", third(caller_new())),
    ];
    let plan = inform(rows, &inputs, NOW);
    let changes: Vec<_> = plan.answers.iter().map(|answer| answer.change).collect();
    assert_eq!(changes, [Some(0), Some(1), Some(0), Some(2), Some(2), Some(1)]);
    assert_eq!(plan.changeset.changes.len(), 3);
}
