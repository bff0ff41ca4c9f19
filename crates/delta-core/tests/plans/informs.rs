//! Informs, for every state.

use delta_core::plan::InformOutcome as Outcome;
use delta_core::transition::Effect;
use delta_core::{
    DeletedBy, Desired, Detail, Metadata, Missing, Priority, Reason, Rejection, Resource, ResourceId, Retention, State,
    Update,
};

use crate::case::{Case, check, given, given_none};
use crate::rows::{
    DAY, HOUR, NOW, archived, at, degraded, deleted, event_scheduled, expired, failed, key, moved, object, paused,
    pending, scheduled, synced, tags, trace, unknown, unwanted, vanished, with,
};
use crate::said::{caller_new, caller_older, caller_same, informer_new, informer_older, informer_same};

#[test]
fn informs_give_what_is_written_by_hand() {
    check(&cases());
}

pub(crate) fn cases() -> Vec<Case> {
    let mut cases = created();
    cases.extend(changed());
    cases.extend(unchanged());
    cases.extend(requested());
    cases.extend(second_chance());
    cases.extend(stale());
    cases.extend(absent());
    cases.extend(skipped());
    cases.extend(revived());
    cases.push(
        given("another version's row is left alone", unknown())
            .informs(caller_new(), Effect::Reject)
            .refused(Rejection::UnknownState(archived())),
    );
    cases
}

fn created() -> Vec<Case> {
    let new = Resource {
        id: ResourceId::new(0),
        key: key(),
        state: State::Scheduled,
        state_since: NOW,
        desired: Desired::Present,
        priority: Priority::DEFAULT,
        generation: 1,
        synced_generation: 0,
        attempt: 0,
        max_attempts: Some(10),
        run_at: Some(NOW),
        lease: None,
        version: 1,
        hash: object(2).hash(),
        metadata: Metadata::EMPTY,
        trace: Some(trace('2')),
        error_count: 0,
        external_created_at: Some(at(-6000)),
        created_at: NOW,
        updated_at: NOW,
        attempted_at: None,
        synced_at: None,
        deleted_at: None,
        deleted_by: None,
        paused: false,
        detail: Some(Detail { object: object(2).text().clone(), tags: tags(&[]), errors: Vec::new() }),
    };
    let event = || vec![event_scheduled(Reason::Created, 1)];
    vec![
        given_none("a caller's new object is generation 1")
            .informs(caller_new(), Effect::Create)
            .inserts(new.clone(), event()),
        given_none("an informer's new object joins the bulk")
            .informs(informer_new(), Effect::Create)
            .inserts(Resource { priority: Priority::BULK, ..new.clone() }, event()),
        given_none("a new object takes every option")
            .informs(
                caller_new()
                    .run_at(at(500))
                    .priority(Priority::FIRST)
                    .tags(&["vip"])
                    .metadata(r#"{"given":true}"#)
                    .max_attempts(Some(3)),
                Effect::Create,
            )
            .inserts(
                Resource {
                    run_at: Some(at(500)),
                    priority: Priority::FIRST,
                    max_attempts: Some(3),
                    metadata: crate::rows::metadata(r#"{"given":true}"#),
                    detail: Some(Detail { object: object(2).text().clone(), tags: tags(&["vip"]), errors: Vec::new() }),
                    ..new.clone()
                },
                event(),
            ),
        given_none("an informer's own priority is kept, and attempts may be unlimited")
            .informs(informer_new().priority(Priority::LAST).max_attempts(None), Effect::Create)
            .inserts(Resource { priority: Priority::LAST, max_attempts: None, ..new.clone() }, event()),
        given_none("what a caller skips as deleted is created where there is nothing")
            .informs(caller_new().skip_deleted(), Effect::Create)
            .inserts(new.clone(), event()),
        given_none("nothing stored is newer than an object that would be older")
            .informs(caller_older(), Effect::Create)
            .inserts(new, event()),
    ]
}

/// What every change of the object does: object 2 with its hash, its trace and its generation.
fn object_2(write: &mut Update, generation: i64) {
    write.write_object = true;
    write.row.hash = object(2).hash();
    write.row.detail.as_mut().unwrap().object = object(2).text().clone();
    write.row.external_created_at = Some(at(-6000));
    write.row.trace = Some(trace('2'));
    write.row.generation = generation;
    write.row.attempt = 0;
}

/// As [`object_2`], and scheduled for now with its event.
fn scheduled_2(write: &mut Update, reason: Reason) {
    object_2(write, 4);
    write.row.state = State::Scheduled;
    write.row.state_since = NOW;
    write.row.run_at = Some(NOW);
    write.events = vec![event_scheduled(reason, 4)];
}

fn changed() -> Vec<Case> {
    vec![
        given("scheduled keeps its place and its time", scheduled())
            .informs(caller_new(), Effect::Change)
            .answers_and_writes(Outcome::Changed, |write| {
                object_2(write, 4);
                write.row.run_at = Some(at(-10));
                write.row.state_since = at(-100);
                write.events = vec![event_scheduled(Reason::Changed, 4)];
            }),
        given("scheduled for later comes forward to now", with(scheduled(), |row| row.run_at = Some(at(900))))
            .informs(caller_new(), Effect::Change)
            .answers_and_writes(Outcome::Changed, |write| {
                object_2(write, 4);
                write.row.run_at = Some(NOW);
                write.events = vec![event_scheduled(Reason::Changed, 4)];
            }),
        given("scheduled does not become later than it was", with(scheduled(), |row| row.run_at = Some(at(300))))
            .informs(caller_new().run_at(at(900)), Effect::Change)
            .answers_and_writes(Outcome::Changed, |write| {
                object_2(write, 4);
                write.row.run_at = Some(at(300));
                write.events = vec![event_scheduled(Reason::Changed, 4)];
            }),
        given("paused is changed all the same, and stays paused", paused(scheduled()))
            .informs(caller_new(), Effect::Change)
            .answers_and_writes(Outcome::Changed, |write| {
                object_2(write, 4);
                write.events = vec![event_scheduled(Reason::Changed, 4)];
            }),
        given("pending stays so without an event, and runs once more at once", pending())
            .informs(caller_new(), Effect::Change)
            .answers_and_writes(Outcome::Changed, |write| {
                object_2(write, 4);
                write.row.run_at = Some(NOW);
            }),
        given("pending runs once more when it is asked to", pending())
            .informs(caller_new().run_at(at(600)), Effect::Change)
            .answers_and_writes(Outcome::Changed, |write| {
                object_2(write, 4);
                write.row.run_at = Some(at(600));
            }),
        given("of several times asked for during an attempt the earliest counts, the old one", moved())
            .informs(caller_new().run_at(at(600)), Effect::Change)
            .answers_and_writes(Outcome::Changed, |write| {
                object_2(write, 6);
                write.row.run_at = Some(at(60));
            }),
        given("of several times asked for during an attempt the earliest counts, the new one", moved())
            .informs(caller_new(), Effect::Change)
            .answers_and_writes(Outcome::Changed, |write| {
                object_2(write, 6);
                write.row.run_at = Some(NOW);
            }),
        given("synced is scheduled", synced())
            .informs(caller_new(), Effect::Change)
            .answers_and_writes(Outcome::Changed, |write| scheduled_2(write, Reason::Changed)),
        given("synced is scheduled for when it is asked to", synced())
            .informs(caller_new().run_at(at(600)), Effect::Change)
            .answers_and_writes(Outcome::Changed, |write| {
                scheduled_2(write, Reason::Changed);
                write.row.run_at = Some(at(600));
            }),
        given("synced is changed by an informer", synced())
            .informs(informer_new(), Effect::Change)
            .answers_and_writes(Outcome::Changed, |write| scheduled_2(write, Reason::Changed)),
        given("expired is scheduled", expired())
            .informs(caller_new(), Effect::Change)
            .answers_and_writes(Outcome::Changed, |write| scheduled_2(write, Reason::Changed)),
        given("failed does not wait for its back-off", with(failed(), |row| row.run_at = Some(at(900))))
            .informs(caller_new(), Effect::Change)
            .answers_and_writes(Outcome::Changed, |write| scheduled_2(write, Reason::Changed)),
        given("degraded is scheduled", degraded())
            .informs(caller_new(), Effect::Change)
            .answers_and_writes(Outcome::Changed, |write| scheduled_2(write, Reason::Changed)),
        given("degraded is scheduled by a change, also without second chances", degraded())
            .informs(informer_new().withhold_second_chance(), Effect::Change)
            .answers_and_writes(Outcome::Changed, |write| scheduled_2(write, Reason::Changed)),
    ]
}

fn unchanged() -> Vec<Case> {
    let kept = Retention { deleted: Some(DAY), degraded: Some(DAY), synced: Some(DAY) };
    vec![
        given("scheduled is only read", scheduled())
            .informs(caller_same(), Effect::Unchanged)
            .answers(Outcome::Unchanged),
        given("scheduled is not moved by a time to run", with(scheduled(), |row| row.run_at = Some(at(900))))
            .informs(caller_same().run_at(NOW), Effect::Unchanged)
            .answers(Outcome::Unchanged),
        given("pending is only read", pending()).informs(caller_same(), Effect::Unchanged).answers(Outcome::Unchanged),
        given("synced is only read", synced()).informs(caller_same(), Effect::Unchanged).answers(Outcome::Unchanged),
        given("synced is only read for an informer", synced())
            .informs(informer_same(), Effect::Unchanged)
            .answers(Outcome::Unchanged),
        given("synced forever is never touched", with(synced(), |row| row.state_since = at(-1_000_000_000)))
            .informs(informer_same(), Effect::Unchanged)
            .answers(Outcome::Unchanged),
        given("expired is only read", expired()).informs(caller_same(), Effect::Unchanged).answers(Outcome::Unchanged),
        given("failed is only read", failed()).informs(caller_same(), Effect::Unchanged).answers(Outcome::Unchanged),
        given("degraded is only read, where second chances are off", degraded())
            .informs(caller_same().withhold_second_chance(), Effect::Unchanged)
            .answers(Outcome::Unchanged),
        given("synced past half its retention is touched", with(synced(), |row| row.state_since = at(-12 * 3600 - 1)))
            .informs(informer_same().retention(kept), Effect::Unchanged)
            .answers_and_writes(Outcome::Unchanged, |write| write.row.state_since = NOW),
        given(
            "synced at half its retention is not touched yet",
            with(synced(), |row| row.state_since = at(-12 * 3600)),
        )
        .informs(informer_same().retention(kept), Effect::Unchanged)
        .answers(Outcome::Unchanged),
        given("degraded past half its retention is touched", with(degraded(), |row| row.state_since = at(-13 * 3600)))
            .informs(informer_same().withhold_second_chance(), Effect::Unchanged)
            .answers_and_writes(Outcome::Unchanged, |write| write.row.state_since = NOW),
        given("failed has no retention to be touched for", with(failed(), |row| row.state_since = at(-90_000)))
            .informs(informer_same().retention(kept), Effect::Unchanged)
            .answers(Outcome::Unchanged),
        given("a caller keeps synced from being missing, for deletion", synced())
            .informs(caller_same().missing(Missing::Delete), Effect::Unchanged)
            .answers_and_writes(Outcome::Unchanged, |write| write.row.state_since = NOW),
        given("a caller keeps synced from being missing, for work", synced())
            .informs(caller_same().missing(Missing::Work), Effect::Unchanged)
            .answers_and_writes(Outcome::Unchanged, |write| write.row.state_since = NOW),
        given("an informer's run need not keep synced from being missing", synced())
            .informs(informer_same().missing(Missing::Delete), Effect::Unchanged)
            .answers(Outcome::Unchanged),
        given("given labels that differ are written without an event", synced())
            .informs(caller_same().tags(&["new"]).metadata(r#"{"new":1}"#).priority(Priority::FIRST), Effect::Unchanged)
            .answers_and_writes(Outcome::Unchanged, |write| {
                write.write_tags = true;
                write.row.detail.as_mut().unwrap().tags = tags(&["new"]);
                write.row.metadata = crate::rows::metadata(r#"{"new":1}"#);
                write.row.priority = Priority::FIRST;
            }),
        given("given labels are written while an attempt runs", pending())
            .informs(caller_same().metadata(r#"{"new":1}"#), Effect::Unchanged)
            .answers_and_writes(Outcome::Unchanged, |write| {
                write.row.metadata = crate::rows::metadata(r#"{"new":1}"#);
            }),
        given("given labels that do not differ are not written", scheduled())
            .informs(
                caller_same().tags(&["stored"]).metadata(r#"{"stored":true}"#).priority(Priority::DEFAULT),
                Effect::Unchanged,
            )
            .answers(Outcome::Unchanged),
        given("what compares as equal is unchanged, though its hash differs", synced())
            .informs(caller_new().compared(delta_core::transition::Relation::Unchanged), Effect::Unchanged)
            .answers(Outcome::Unchanged),
    ]
}

/// What "existing: process" makes of an unchanged object at rest.
fn again(write: &mut Update) {
    write.row.external_created_at = Some(at(-6000));
    write.row.trace = Some(trace('2'));
    write.row.generation = 4;
    write.row.attempt = 0;
    write.row.state = State::Scheduled;
    write.row.state_since = NOW;
    write.row.run_at = Some(NOW);
    write.events = vec![event_scheduled(Reason::Requested, 4)];
}

fn requested() -> Vec<Case> {
    let process = || caller_same().process();
    vec![
        given("scheduled is a generation further, at its time", scheduled())
            .informs(process(), Effect::Request)
            .answers_and_writes(Outcome::Rescheduled, |write| {
                again(write);
                write.row.state_since = at(-100);
                write.row.run_at = Some(at(-10));
            }),
        given("pending runs once more", pending()).informs(process(), Effect::Request).answers_and_writes(
            Outcome::Rescheduled,
            |write| {
                again(write);
                write.row.state = State::Pending;
                write.row.state_since = at(-100);
                write.events = Vec::new();
            },
        ),
        given("synced is worked again", synced())
            .informs(process(), Effect::Request)
            .answers_and_writes(Outcome::Rescheduled, again),
        given("synced is worked again by an informer told to", synced())
            .informs(informer_same().process(), Effect::Request)
            .answers_and_writes(Outcome::Rescheduled, again),
        given("expired is worked again", expired())
            .informs(process(), Effect::Request)
            .answers_and_writes(Outcome::Rescheduled, again),
        given("failed is worked again", failed())
            .informs(process(), Effect::Request)
            .answers_and_writes(Outcome::Rescheduled, again),
        given("degraded is worked again as a new generation", degraded())
            .informs(process(), Effect::Request)
            .answers_and_writes(Outcome::Rescheduled, again),
        given("a changed object that is to be processed is just changed", synced())
            .informs(caller_new().process(), Effect::Change)
            .answers_and_writes(Outcome::Changed, |write| scheduled_2(write, Reason::Changed)),
        given("an older object is not processed", synced())
            .informs(caller_older().process(), Effect::Stale)
            .answers(Outcome::Stale),
    ]
}

fn second_chance() -> Vec<Case> {
    let tried_again = |write: &mut Update| {
        write.row.attempt = 0;
        write.row.state = State::Scheduled;
        write.row.state_since = NOW;
        write.row.run_at = Some(NOW);
        write.row.trace = Some(trace('2'));
        write.events = vec![event_scheduled(Reason::SecondChance, 3)];
    };
    vec![
        given("degraded is tried again by an informer's pass", degraded())
            .informs(informer_same(), Effect::SecondChance)
            .answers_and_writes(Outcome::Rescheduled, tried_again),
        given("degraded is tried again by a caller, at the time given", degraded())
            .informs(caller_same().run_at(at(600)), Effect::SecondChance)
            .answers_and_writes(Outcome::Rescheduled, |write| {
                tried_again(write);
                write.row.run_at = Some(at(600));
            }),
        given("degraded takes given labels along", degraded())
            .informs(caller_same().priority(Priority::FIRST).metadata(r#"{"new":1}"#), Effect::SecondChance)
            .answers_and_writes(Outcome::Rescheduled, |write| {
                tried_again(write);
                write.row.priority = Priority::FIRST;
                write.row.metadata = crate::rows::metadata(r#"{"new":1}"#);
            }),
    ]
}

fn stale() -> Vec<Case> {
    let stale = |name, row| given(name, row).informs(caller_older(), Effect::Stale).answers(Outcome::Stale);
    vec![
        stale("scheduled is newer", scheduled()),
        stale("pending is newer", pending()),
        stale("synced is newer", synced()),
        stale("expired is newer", expired()),
        stale("failed is newer", failed()),
        stale("degraded is newer, and gets no second chance", degraded()),
        stale("deleted by the worker is newer", deleted(DeletedBy::Worker)),
        stale("deleted by request is newer", deleted(DeletedBy::Request)),
        stale("deleted by missing is newer for a caller", deleted(DeletedBy::Missing)),
        stale("unwanted is newer", unwanted(scheduled())),
        stale("vanished is newer for a caller", vanished(scheduled())),
        given("synced is newer than an informer's object", synced())
            .informs(informer_older(), Effect::Stale)
            .answers(Outcome::Stale),
        given("unwanted is newer than an informer's object", unwanted(scheduled()))
            .informs(informer_older(), Effect::Stale)
            .answers(Outcome::Stale),
        given("deleted by request is newer than an informer's object", deleted(DeletedBy::Request))
            .informs(informer_older(), Effect::Stale)
            .answers(Outcome::Stale),
        given("stale labels are not written", synced())
            .informs(caller_older().tags(&["new"]).metadata("{}").priority(Priority::FIRST), Effect::Stale)
            .answers(Outcome::Stale),
        given("a row that only stale informs speak of ages", with(degraded(), |row| row.state_since = at(-80_000)))
            .informs(caller_older(), Effect::Stale)
            .answers(Outcome::Stale),
    ]
}

/// Wanted again, by whom it may be.
fn absent() -> Vec<Case> {
    let present = |write: &mut Update| {
        scheduled_2(write, Reason::Changed);
        write.row.desired = Desired::Present;
    };
    vec![
        given("an unwanted one that is scheduled is wanted again by a caller", unwanted(scheduled()))
            .informs(caller_new(), Effect::Change)
            .answers_and_writes(Outcome::Changed, |write| {
                present(write);
                write.row.state_since = at(-100);
                write.row.run_at = Some(at(-10));
            }),
        given("an unwanted one is wanted again though it is unchanged", unwanted(failed()))
            .informs(caller_same(), Effect::Change)
            .answers_and_writes(Outcome::Changed, |write| {
                again(write);
                write.row.desired = Desired::Present;
                write.events = vec![event_scheduled(Reason::Changed, 4)];
            }),
        given("the deletion that runs is followed by a run", unwanted(pending()))
            .informs(caller_new(), Effect::Change)
            .answers_and_writes(Outcome::Changed, |write| {
                object_2(write, 4);
                write.row.desired = Desired::Present;
                write.row.run_at = Some(NOW);
            }),
        given("an unwanted one that is expired is wanted again", unwanted(expired()))
            .informs(caller_new(), Effect::Change)
            .answers_and_writes(Outcome::Changed, present),
        given("an unwanted one that is synced is wanted again", unwanted(synced()))
            .informs(caller_new(), Effect::Change)
            .answers_and_writes(Outcome::Changed, present),
        given("an unwanted one that failed is wanted again", unwanted(failed()))
            .informs(caller_new(), Effect::Change)
            .answers_and_writes(Outcome::Changed, present),
        given("an unwanted one that gave up is wanted again", unwanted(degraded()))
            .informs(caller_new(), Effect::Change)
            .answers_and_writes(Outcome::Changed, present),
        given("a vanished one is wanted again by a caller", vanished(failed()))
            .informs(caller_new(), Effect::Change)
            .answers_and_writes(Outcome::Changed, present),
        given("a vanished one is wanted again by an informer", vanished(failed()))
            .informs(informer_new(), Effect::Change)
            .answers_and_writes(Outcome::Changed, present),
        given("a vanished one that gave up is wanted again by an informer, unchanged", vanished(degraded()))
            .informs(informer_same(), Effect::Change)
            .answers_and_writes(Outcome::Changed, |write| {
                again(write);
                write.row.desired = Desired::Present;
                write.events = vec![event_scheduled(Reason::Changed, 4)];
            }),
        given("a vanished one is wanted again by an informer, though its object is older", vanished(failed()))
            .informs(informer_older(), Effect::Change)
            .answers_and_writes(Outcome::Changed, present),
        given("a vanished one whose deletion runs is wanted again by an informer", vanished(pending()))
            .informs(informer_new(), Effect::Change)
            .answers_and_writes(Outcome::Changed, |write| {
                object_2(write, 4);
                write.row.desired = Desired::Present;
                write.row.run_at = Some(NOW);
            }),
        given("an informer's word on a vanished one stands, whatever it skips", vanished(failed()))
            .informs(informer_new().skip_deleted(), Effect::Change)
            .answers_and_writes(Outcome::Changed, present),
    ]
}

fn skipped() -> Vec<Case> {
    let by_informer =
        |name, row| given(name, row).informs(informer_new(), Effect::SkipDeleted).answers(Outcome::SkippedDeleted);
    let by_caller = |name, row| {
        given(name, row).informs(caller_new().skip_deleted(), Effect::SkipDeleted).answers(Outcome::SkippedDeleted)
    };
    let old = |row| with(row, |row| row.state_since = at(-12 * 3600 - 1));
    vec![
        by_informer("an informer does not want an unwanted one that is scheduled", unwanted(scheduled())),
        by_informer("an informer does not want an unwanted one whose deletion runs", unwanted(pending())),
        by_informer("an informer does not want an unwanted one that is synced", unwanted(synced())),
        by_informer("an informer does not want an unwanted one that is expired", unwanted(expired())),
        by_informer("an informer does not want an unwanted one that failed", unwanted(failed())),
        by_informer("an informer does not want an unwanted one that gave up", unwanted(degraded())),
        by_informer("an informer does not revive what the worker deleted", deleted(DeletedBy::Worker)),
        by_informer("an informer does not revive what was deleted by request", deleted(DeletedBy::Request)),
        by_caller("a caller skips an unwanted one", unwanted(scheduled())),
        by_caller("a caller skips an unwanted one whose deletion runs", unwanted(pending())),
        by_caller("a caller skips a vanished one", vanished(failed())),
        by_caller("a caller skips what the worker deleted", deleted(DeletedBy::Worker)),
        by_caller("a caller skips what was deleted by request", deleted(DeletedBy::Request)),
        by_caller("a caller skips what was deleted by missing", deleted(DeletedBy::Missing)),
        given("an informer told to process does not want an unwanted one either", unwanted(failed()))
            .informs(informer_same().process(), Effect::SkipDeleted)
            .answers(Outcome::SkippedDeleted),
        given("labels of what is skipped are not written", deleted(DeletedBy::Worker))
            .informs(informer_new().tags(&["new"]).metadata("{}").priority(Priority::LAST), Effect::SkipDeleted)
            .answers(Outcome::SkippedDeleted),
        given("what is deleted and still spoken of is remembered", old(deleted(DeletedBy::Request)))
            .informs(informer_new(), Effect::SkipDeleted)
            .answers_and_writes(Outcome::SkippedDeleted, |write| write.row.state_since = NOW),
        given("what a caller skips and still speaks of is remembered", old(deleted(DeletedBy::Missing)))
            .informs(caller_new().skip_deleted(), Effect::SkipDeleted)
            .answers_and_writes(Outcome::SkippedDeleted, |write| write.row.state_since = NOW),
        given("a deletion that gave up is never purged, so it needs no remembering", old(unwanted(degraded())))
            .informs(informer_new(), Effect::SkipDeleted)
            .answers(Outcome::SkippedDeleted),
        given("what is kept forever needs no remembering", old(deleted(DeletedBy::Request)))
            .informs(
                informer_new().retention(Retention { deleted: None, degraded: Some(HOUR), synced: Some(HOUR) }),
                Effect::SkipDeleted,
            )
            .answers(Outcome::SkippedDeleted),
    ]
}

fn revived() -> Vec<Case> {
    let back = |write: &mut Update| {
        scheduled_2(write, Reason::Revived);
        write.row.desired = Desired::Present;
        write.row.deleted_at = None;
        write.row.deleted_by = None;
    };
    vec![
        given("a caller wants back what the worker deleted", deleted(DeletedBy::Worker))
            .informs(caller_new(), Effect::Revive)
            .answers_and_writes(Outcome::Revived, back),
        given("a caller wants back what was deleted by request", deleted(DeletedBy::Request))
            .informs(caller_new(), Effect::Revive)
            .answers_and_writes(Outcome::Revived, back),
        given("a caller wants back what was deleted by missing", deleted(DeletedBy::Missing))
            .informs(caller_new(), Effect::Revive)
            .answers_and_writes(Outcome::Revived, back),
        given("an informer wants back what was deleted by missing", deleted(DeletedBy::Missing))
            .informs(informer_new(), Effect::Revive)
            .answers_and_writes(Outcome::Revived, back),
        given(
            "who deleted it decides, also where absence is no longer wanted",
            with(deleted(DeletedBy::Missing), |row| row.desired = Desired::Present),
        )
        .informs(informer_new(), Effect::Revive)
        .answers_and_writes(Outcome::Revived, back),
        given(
            "an informer wants back what was deleted by missing, though its object is older",
            deleted(DeletedBy::Missing),
        )
        .informs(informer_older(), Effect::Revive)
        .answers_and_writes(Outcome::Revived, back),
        given("a deleted one comes back unchanged, at the time given", deleted(DeletedBy::Request))
            .informs(caller_same().run_at(at(600)), Effect::Revive)
            .answers_and_writes(Outcome::Revived, |write| {
                again(write);
                write.row.run_at = Some(at(600));
                write.row.desired = Desired::Present;
                write.row.deleted_at = None;
                write.row.deleted_by = None;
                write.events = vec![event_scheduled(Reason::Revived, 4)];
            }),
    ]
}
