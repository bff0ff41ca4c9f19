//! What every plan's events and errors have in common.

use std::time::Duration;

use delta_core::plan::{self, IdempotencyKey, InformPolicy, Report};
use delta_core::{AbsentBy, AttemptError, Change, EventDraft, EventObjects, InformOptions, Retention, Timestamp};

use crate::rows::{NOW, POLICY, at, deleted, event, failed, object, paused, pending, scheduled, synced, with};
use crate::said::caller_new;

const MICRO: Duration = Duration::from_micros(1);

/// One change of each kind of plan that writes events.
fn changes(objects: EventObjects) -> Vec<Change> {
    let policy = InformPolicy { event_objects: objects, ..POLICY };
    let mut over = pending();
    over.lease.as_mut().unwrap().until = at(-1);
    let settle = |report: Report| plan::settle(&pending(), &report, objects, NOW).unwrap();
    let day = Duration::from_hours(24);
    let retention = Retention { deleted: Some(Duration::ZERO), degraded: Some(day), synced: None };
    let mut changes = plan::inform(Vec::new(), &[caller_new().policy(policy).input], NOW).changeset.changes;
    changes.extend(plan::inform(vec![synced()], &[caller_new().policy(policy).input], NOW).changeset.changes);
    changes.extend([
        settle(Report::Synced),
        settle(Report::Failed { message: "why".to_owned(), backtrace: None, retry_in: Duration::ZERO }),
        settle(Report::Permanent { message: "why".to_owned() }),
        settle(Report::Delete { reason: None }),
        settle(Report::Snooze(Duration::ZERO)),
        settle(Report::Released(Duration::ZERO)),
        plan::rescue(&over, objects, NOW).unwrap(),
        plan::expire(synced(), Duration::ZERO, objects, NOW).unwrap(),
        plan::missing_work(synced(), &policy, NOW).unwrap(),
        plan::purge(&deleted(delta_core::DeletedBy::Worker), retention, objects, NOW).unwrap(),
        plan::invalidate(synced(), objects, NOW).unwrap().unwrap(),
        plan::retry(failed(), IdempotencyKey::Keep, objects, NOW).unwrap().unwrap(),
        plan::cancel(failed(), objects, NOW).unwrap().unwrap(),
        plan::request_deletion(synced(), AbsentBy::Request, objects, NOW).unwrap().unwrap(),
        plan::pause(synced(), objects, NOW).unwrap().unwrap(),
        plan::resume(paused(synced()), objects, NOW).unwrap().unwrap(),
    ]);
    changes
}

fn events(change: &Change) -> Vec<&EventDraft> {
    match change {
        Change::Insert(insert) => insert.events.iter().collect(),
        Change::Update(update) => update.events.iter().collect(),
        Change::Remove(remove) => remove.events.iter().collect(),
        Change::Settle(settle) => settle.unmoved.events.iter().chain(&settle.moved.events).collect(),
        Change::Renew(_) => Vec::new(),
    }
}

#[test]
fn every_event_holds_the_object_exactly_where_the_kind_asks_for_it() {
    for (objects, kept) in [(EventObjects::Keep, true), (EventObjects::Omit, false)] {
        for change in changes(objects) {
            let events = events(&change);
            assert!(!events.is_empty(), "no event in {change:?}");
            assert!(events.iter().all(|event| event.with_object == kept), "{objects:?} in {change:?}");
        }
    }
}

#[test]
fn a_long_message_and_a_long_backtrace_are_cut() {
    let (message, backtrace) = ("m\0".repeat(4096), Some("b".repeat(5000)));
    let report = Report::Failed { message, backtrace, retry_in: Duration::ZERO };
    let Change::Settle(settle) = plan::settle(&pending(), &report, EventObjects::Omit, NOW).unwrap() else {
        panic!("expected a settlement")
    };
    let error = settle.error.unwrap();
    assert!((4090..=AttemptError::MAX_MESSAGE).contains(&error.message.len()) && !error.message.contains('\0'));
    assert_eq!(error.backtrace.unwrap().len(), AttemptError::MAX_MESSAGE);
}

#[test]
fn a_delay_beyond_all_time_is_a_hundred_years() {
    let report = Report::Snooze(Duration::MAX);
    let Change::Settle(settle) = plan::settle(&pending(), &report, EventObjects::Omit, NOW).unwrap() else {
        panic!("expected a settlement")
    };
    assert_eq!(settle.unmoved.run_at, delta_core::RunAt::At(NOW + Duration::from_hours(24 * 365 * 100)));
}

#[test]
fn an_event_names_the_generation_it_is_about_though_the_batch_moves_on() {
    let third = caller_new();
    let mut later = caller_new().input;
    later.object = object(3);
    let row = with(scheduled(), |row| row.attempt = 1);
    let plan = plan::inform(vec![row], &[third.input, later], NOW);
    let reason = delta_core::EventKind::Scheduled(delta_core::Reason::Changed);
    assert_eq!(events(&plan.changeset.changes[0]), [&event(reason, 4, 0), &event(reason, 5, 0)]);
}

#[test]
fn a_time_that_some_database_cannot_store_is_refused() {
    for (time, fits) in [(Timestamp::EARLIEST, true), (Timestamp::LATEST, true), (Timestamp::LATEST + MICRO, false)] {
        assert_eq!(InformOptions::new().run_at(time).resolve().is_ok(), fits, "{time}");
    }
    let error = InformOptions::new().run_at(Timestamp::EARLIEST - MICRO).resolve().unwrap_err();
    assert_eq!(error.field(), "run at");
}
