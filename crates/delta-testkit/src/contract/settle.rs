//! How a settlement applies: two outcomes, and the one that fits the row under its lock.

use delta_core::{
    AbsentBy, DeletedBy, Desired, EventKind, LeaseWrite, Reason, Resource, RunAt, Settlement, State, Subject,
};

use super::fixture::Fixture;
use super::kit::{Kit, applied};
use super::rows::{at, draft, inform, rescue, row, scheduled, settle, update};

/// A settlement that leaves as much as it can.
fn plain(state: State, run_at: RunAt) -> Settlement {
    Settlement { state, attempt: None, run_at, synced_generation: None, deleted_by: None, events: Vec::new() }
}

/// What the row keeps, and what it loses, at the end of an attempt.
fn ended(claimed: &Resource, state: State, seconds: u64) -> Resource {
    Resource {
        state,
        state_since: at(seconds),
        updated_at: at(seconds),
        version: claimed.version + 1,
        lease: None,
        ..claimed.clone()
    }
}

/// Every outcome that leaves the row alone but for its state, its times and its lease.
pub async fn settle_writes_the_state_and_leaves_what_it_does_not_name<F: Fixture>(kit: Kit<F>) {
    let cases = [
        (State::Failed, RunAt::At(at(50)), Some(at(50))),
        (State::Scheduled, RunAt::At(at(1)), Some(at(1))),
        (State::Scheduled, RunAt::AskedOr(at(60)), Some(at(60))),
        (State::Degraded, RunAt::Never, None),
    ];
    for (number, (state, run_at, expected)) in cases.into_iter().enumerate() {
        let new = Resource { attempted_at: Some(at(0)), trace: None, ..row(&format!("{number}")) };
        let claimed = kit.claimed(new, at(1)).await;
        let mut end = settle(&claimed);
        end.unmoved = plain(state.clone(), run_at);
        let done = applied(&kit.apply(at(9), end).await);
        assert_eq!((done.id, done.moved, done.cancel_requested), (claimed.id, false, false));
        let stored = kit.row(claimed.id).await;
        assert_eq!(stored, Resource { run_at: expected, ..ended(&claimed, state, 9) });
        assert_eq!(kit.events_of(claimed.id).await.len(), 1, "no draft, no event");
        let parked = Resource { paused: true, ..stored.clone() };
        applied(&kit.apply(at(10), update(&parked, at(10))).await);
    }
}

/// Each field that a settlement may name.
pub async fn settle_writes_what_it_names<F: Fixture>(kit: Kit<F>) {
    let claimed = kit.claimed(row("synced"), at(1)).await;
    let mut end = settle(&claimed);
    end.unmoved.attempt = Some(7);
    applied(&kit.apply(at(9), end).await);
    let expected = Resource {
        attempt: 7,
        synced_generation: 1,
        synced_at: Some(at(9)),
        run_at: None,
        ..ended(&claimed, State::Synced, 9)
    };
    assert_eq!(kit.row(claimed.id).await, expected);

    for by in [DeletedBy::Worker, DeletedBy::Request, DeletedBy::Missing] {
        let claimed = kit.claimed(row(by.as_str()), at(1)).await;
        let mut end = settle(&claimed);
        end.unmoved = Settlement { deleted_by: Some(by), ..plain(State::Deleted, RunAt::Never) };
        applied(&kit.apply(at(9), end).await);
        let expected = Resource {
            deleted_by: Some(by),
            deleted_at: Some(at(9)),
            run_at: None,
            ..ended(&claimed, State::Deleted, 9)
        };
        assert_eq!(kit.row(claimed.id).await, expected);
    }
}

/// The generation moved while the attempt ran: the other outcome is written, with its own events.
pub async fn settle_takes_the_other_outcome_if_the_generation_moved<F: Fixture>(kit: Kit<F>) {
    let claimed = kit.claimed(row("a"), at(1)).await;
    applied(&kit.apply(at(2), inform(&claimed, at(2))).await);
    let informed = kit.row(claimed.id).await;
    let done = applied(&kit.apply(at(9), settle(&claimed)).await);
    assert!(done.moved);
    let expected = Resource {
        attempt: 0,
        synced_generation: 1,
        synced_at: Some(at(9)),
        run_at: Some(at(2)),
        ..ended(&informed, State::Scheduled, 9)
    };
    assert_eq!(kit.row(claimed.id).await, expected);
    let found: Vec<_> = kit.events_of(claimed.id).await[1..]
        .iter()
        .map(|event| match &event.subject {
            Subject::Resource { state, generation, attempt, .. } => (event.kind, state.clone(), *generation, *attempt),
            Subject::Scope(scope) => panic!("an event about {scope}"),
        })
        .collect();
    let expected =
        [(EventKind::Synced, State::Scheduled, 1, 1), (EventKind::Scheduled(Reason::Rerun), State::Scheduled, 2, 0)];
    assert_eq!(found, expected);
}

/// What was written meanwhile without a new generation does not move the outcome.
pub async fn settle_is_unmoved_by_writes_that_keep_the_generation<F: Fixture>(kit: Kit<F>) {
    let claimed = kit.claimed(row("a"), at(1)).await;
    let mut touched = update(&claimed, at(2));
    touched.row.paused = true;
    touched.row.metadata = delta_core::Metadata::from_text(r#"{"k":1}"#).expect("metadata");
    applied(&kit.apply(at(2), touched).await);
    let touched = kit.row(claimed.id).await;
    let done = applied(&kit.apply(at(9), settle(&claimed)).await);
    assert!(!done.moved);
    let expected =
        Resource { synced_generation: 1, synced_at: Some(at(9)), run_at: None, ..ended(&touched, State::Synced, 9) };
    assert_eq!(kit.row(claimed.id).await, expected);
}

/// The moment that was asked for while the attempt ran is in the row; a fallback is not.
pub async fn settle_runs_again_when_it_was_asked_to<F: Fixture>(kit: Kit<F>) {
    let cases = [
        (Some(at(40)), RunAt::AskedOr(at(60)), Some(at(40))),
        (Some(at(80)), RunAt::AskedOr(at(60)), Some(at(80))),
        (None, RunAt::AskedOr(at(60)), Some(at(60))),
        (Some(at(40)), RunAt::At(at(60)), Some(at(60))),
    ];
    for (number, (asked, run_at, expected)) in cases.into_iter().enumerate() {
        for moved in [false, true] {
            let claimed = kit.claimed(row(&format!("{number} {moved}")), at(1)).await;
            let mut meanwhile = update(&claimed, at(2));
            meanwhile.row.run_at = asked;
            meanwhile.row.generation += i64::from(moved);
            applied(&kit.apply(at(2), meanwhile).await);
            let mut end = settle(&claimed);
            let taken = if moved { &mut end.moved } else { &mut end.unmoved };
            *taken = plain(State::Scheduled, run_at);
            assert_eq!(applied(&kit.apply(at(9), end).await).moved, moved);
            assert_eq!(kit.row(claimed.id).await.run_at, expected, "asked {asked:?}, {run_at:?}, moved {moved}");
            let mut parked = update(&kit.row(claimed.id).await, at(10));
            parked.row.paused = true;
            applied(&kit.apply(at(10), parked).await);
        }
    }
}

/// A wish to end the attempt ends with the attempt.
pub async fn settle_ends_the_lease_with_its_wish_to_be_cancelled<F: Fixture>(kit: Kit<F>) {
    let claimed = kit.claimed(row("a"), at(1)).await;
    let mut cancel = update(&claimed, at(2));
    cancel.lease = LeaseWrite::RequestCancel;
    applied(&kit.apply(at(2), cancel).await);
    let mut end = settle(&claimed);
    end.unmoved = plain(State::Failed, RunAt::At(at(3)));
    applied(&kit.apply(at(3), end).await);
    assert_eq!(kit.row(claimed.id).await.lease, None);
    let again = kit.claim(at(3), 1).await.remove(0);
    assert!(!again.lease.expect("a lease").cancel_requested, "a new attempt is not to be cancelled");
}

/// Who asked for absence, and the deletion itself, are data of the settlement.
pub async fn settle_deletes_an_absent_object<F: Fixture>(kit: Kit<F>) {
    let absent = Resource { desired: Desired::Absent(AbsentBy::Missing), ..row("a") };
    let claimed = kit.claimed(absent, at(1)).await;
    let mut end = settle(&claimed);
    end.unmoved = Settlement {
        deleted_by: Some(DeletedBy::Missing),
        events: vec![draft(EventKind::Deleted)],
        ..plain(State::Deleted, RunAt::Never)
    };
    applied(&kit.apply(at(2), end).await);
    let row = kit.row(claimed.id).await;
    assert_eq!((row.desired, row.deleted_by), (Desired::Absent(AbsentBy::Missing), Some(DeletedBy::Missing)));
    let event = kit.events_of(claimed.id).await.pop().expect("an event");
    assert!(matches!(event.subject, Subject::Resource { state: State::Deleted, .. }), "{event:?}");
}

/// A rescue is a settlement whose lease must be over.
pub async fn settle_rescues_a_lease_that_is_over<F: Fixture>(kit: Kit<F>) {
    for moved in [false, true] {
        let claimed = kit.claimed(row(&format!("{moved}")), at(1)).await;
        if moved {
            applied(&kit.apply(at(2), inform(&claimed, at(2))).await);
        }
        let mut over = rescue(&claimed, at(61));
        over.moved.state = State::Scheduled;
        over.moved.events.push(scheduled(Reason::Rerun));
        over.error = Some(delta_core::AttemptError {
            at: at(61),
            generation: 1,
            attempt: 1,
            message: "lost".to_owned(),
            backtrace: None,
        });
        assert_eq!(applied(&kit.apply(at(61), over).await).moved, moved);
        let row = kit.row(claimed.id).await;
        let expected = if moved { State::Scheduled } else { State::Failed };
        assert_eq!((row.state, row.error_count, row.lease), (expected, 1, None));
        assert_eq!(kit.events_of(claimed.id).await.len(), if moved { 3 } else { 2 });
    }
}
