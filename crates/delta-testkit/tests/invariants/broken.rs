//! For each invariant, histories that it must not let pass.

use std::time::Duration;

use delta_core::plan::{self, Report};
use delta_core::{
    AbsentBy, Cursor, Event, EventKind, EventObjects, Key, LeaseToken, Owner, Position, Reason, Resource, ResourceId,
    Scope, ScopeRecord, State, Subject, Timestamp,
};
use delta_testkit::history::{Answer, Ask, Attempt, What};
use delta_testkit::invariants::{
    AcknowledgedKept, AttemptsWithinLimits, ConsumedOnce, Converges, GenerationsGrow, LegalTransitions,
    LogExplainsRows, MarksMoveForward, NamesOnce, NothingEarly, OneLeader, OneLease, OrderedLog, OutsideHoldsLast,
    RowsPossible, SettledTruthfully, from_tables,
};

use crate::book::{Book, DAY, LEASE, key};

const OBJECTS: EventObjects = EventObjects::Omit;
const SECOND: Duration = Duration::from_secs(1);

/// One resource that was informed, and nothing else.
fn informed() -> Book {
    let mut book = Book::new();
    book.inform("a", 1);
    book
}

/// A write that no plan makes.
fn written(mut book: Book, change: impl FnOnce(&mut Resource)) -> Book {
    let before = book.row("a");
    let mut after = before.clone();
    after.version += 1;
    change(&mut after);
    book.put("p1", Some(before), Some(after));
    book
}

fn event(position: i64, kind: EventKind, state: State, generation: i64, attempt: i64) -> Event {
    let subject = Subject::Resource { id: ResourceId::new(1), key: key("a"), state, generation, attempt };
    let (position, at) = (Position::new(position), Timestamp::EPOCH);
    Event { position, kind, subject, at, metadata: delta_core::Metadata::EMPTY, trace: None, object: None }
}

#[test]
fn two_attempts_at_once_are_caught() {
    let mut book = informed();
    let first = book.begin("p1", "a");
    book.note("p2", What::Began(Attempt { token: LeaseToken::new(9), ..first.clone() }));
    assert!(book.breaks(OneLease::default()).contains("still running"));
    let tables = book.checked_by(from_tables()).unwrap_err();
    assert_eq!(tables.invariant, "never do two attempts of one resource run at once");
}

#[test]
fn an_attempt_that_goes_on_after_its_rescue_is_caught() {
    let mut book = informed();
    let first = book.begin("p1", "a");
    book.later(LEASE);
    // The rescuer is the same process: it does not settle for its own worker.
    assert!(book.rescue("p1", "a"));
    book.begin("p1", "a");
    assert!(book.breaks(OneLease::default()).contains(&first.to_string()));
}

#[test]
fn a_rescue_before_the_lease_is_over_is_caught() {
    let mut book = informed();
    book.begin("p1", "a");
    book.later(LEASE);
    assert!(book.rescue("p2", "a"));
    for entry in book.entries.iter_mut().rev().take(2) {
        entry.at = entry.at - LEASE / 7;
    }
    assert!(book.breaks(OneLease::default()).contains("to be kept until"));
}

#[test]
fn a_settlement_by_another_process_is_caught() {
    let mut book = informed();
    let attempt = book.begin("p1", "a");
    assert!(book.settle("p2", &attempt, &Report::Synced));
    assert!(book.breaks(OneLease::default()).contains("of p1"));
}

#[test]
fn a_claim_under_another_lease_is_caught() {
    let mut book = informed();
    book.claim("p1", "a");
    let book = written(book, |row| row.lease.as_mut().unwrap().token = LeaseToken::new(7));
    assert!(book.breaks(OneLease::default()).contains("not settled"));
    assert!(book.breaks(LegalTransitions::default()).contains("an edge of the transition table"));
}

#[test]
fn an_inform_that_was_acknowledged_and_not_written_is_caught() {
    let mut book = informed();
    let (id, hash) = (book.row("a").id, book.row("a").hash);
    let ask = |generation, hash| Ask::Inform { id, generation, hash, outcome: "changed".to_owned() };
    let lost = What::Acknowledged { key: key("a"), ask: ask(2, hash) };
    book.note("caller", lost);
    assert!(book.breaks(AcknowledgedKept::default()).contains("at generation 2"));
    let mut book = informed();
    let other = delta_core::CanonicalObject::new(&2).unwrap().hash();
    book.note("caller", What::Acknowledged { key: key("a"), ask: ask(1, other) });
    assert!(book.breaks(AcknowledgedKept::default()).contains("expected the object"));
}

#[test]
fn a_commit_that_is_undone_is_caught() {
    let mut book = informed();
    let old = book.row("a");
    book.inform("a", 2);
    let new = book.row("a");
    book.put("database", Some(new), Some(old));
    assert!(book.breaks(AcknowledgedKept::default()).contains("keep generation 2"));
    assert!(book.breaks(GenerationsGrow::default()).contains("to grow from (2, 0)"));
}

#[test]
fn a_row_that_is_gone_without_a_purge_is_caught_by_its_tables() {
    let mut book = informed();
    book.entries.retain(|entry| !matches!(entry.what, What::Row { .. } | What::Appended(_)));
    book.checked_by(from_tables()).unwrap();
    book.rows.clear();
    assert!(book.breaks(AcknowledgedKept::default()).contains("no row and no purge"));
    assert!(book.breaks(LogExplainsRows::default()).contains("found neither"));
}

#[test]
fn a_request_that_was_acknowledged_and_not_written_is_caught() {
    for ask in [Ask::Delete, Ask::Invalidate, Ask::Retry, Ask::Cancel, Ask::Pause] {
        let mut book = informed();
        // What was so before it was asked for does not count.
        assert!(book.delete("caller", "a", AbsentBy::Request));
        book.inform("a", 2);
        book.note("caller", What::Asked { key: key("a"), ask: ask.name().to_owned() });
        book.note("caller", What::Acknowledged { key: key("a"), ask });
        assert!(book.breaks(AcknowledgedKept::default()).contains("since caller asked"));
    }
    let mut book = written(informed(), |row| row.paused = true);
    book.note("caller", What::Asked { key: key("a"), ask: "resume".to_owned() });
    book.note("caller", What::Acknowledged { key: key("a"), ask: Ask::Resume });
    assert!(book.breaks(AcknowledgedKept::default()).contains("not paused"));
}

fn consumer() -> Book {
    let mut book = Book::new();
    for id in ["a", "b", "c"] {
        book.inform(id, 1);
    }
    book.stands("p1", "mailer", 0);
    book
}

#[test]
fn an_event_that_is_skipped_is_caught() {
    let mut book = consumer();
    book.consumed("p1", "mailer", [1, 3]);
    assert!(book.breaks(ConsumedOnce::default()).contains("found 3"));
    let mut book = consumer();
    book.consumed("p1", "mailer", [1]);
    book.stands("p1", "mailer", 3);
    assert!(book.breaks(ConsumedOnce::default()).contains("stay before 2"));
    let mut book = consumer();
    book.consumed("p1", "mailer", [1, 2]);
    book.note("world", What::Calm);
    assert!(book.breaks(ConsumedOnce::default()).contains("not handled 3"));
}

#[test]
fn an_event_that_is_handled_again_without_a_restart_is_caught() {
    let mut book = consumer();
    book.consumed("p1", "mailer", [1, 2]);
    book.stands("p1", "mailer", 2);
    book.consumed("p1", "mailer", [3, 2]);
    assert!(book.breaks(ConsumedOnce::default()).contains("found 2"));
}

#[test]
fn an_event_of_nothing_is_caught() {
    let mut book = consumer();
    book.consumed("p1", "mailer", [1, 2, 3, 4]);
    assert!(book.breaks(ConsumedOnce::default()).contains("which is none"));
}

#[test]
fn a_run_that_does_not_begin_at_its_cursor_is_caught() {
    let mut book = consumer();
    book.note("p1", What::ConsumeFrom { consumer: "mailer".to_owned(), after: Position::new(1) });
    assert!(book.breaks(ConsumedOnce::default()).contains("begin after 1"));
}

#[test]
fn a_slice_is_held_against_its_own_events_only() {
    let mut book = Book::new();
    for number in 0..40 {
        book.inform(&format!("t{number}"), 1);
    }
    let log = book.last().log;
    let slice = |event: &Event| delta_core::plan::consume::slice_of(&delta_core::LogEvent::key(event));
    let name = format!("mailer/{:04}", slice(&log[5]));
    let mine: Vec<i64> =
        log.iter().filter(|event| slice(event) == slice(&log[5])).map(|event| event.position.get()).collect();
    book.stands("p1", &name, 0);
    let begun = book.entries.len();
    book.consumed("p1", &name, mine);
    book.stands("p1", &name, 40);
    book.holds();
    book.entries.remove(begun);
    assert!(book.breaks(ConsumedOnce::default()).contains(&name));
}

#[test]
fn more_attempts_than_allowed_are_caught() {
    let mut book = informed();
    book.claim("p1", "a");
    let most = |row: &mut Resource| row.max_attempts = Some(0);
    assert!(written(book, most).breaks(AttemptsWithinLimits::default()).contains("found 1"));
    let mut book = informed();
    let attempt = book.claim("p1", "a").unwrap();
    book.note("p1", What::Began(Attempt { attempt: 2, ..attempt }));
    assert!(book.breaks(AttemptsWithinLimits::default()).contains("what was claimed"));
}

#[test]
fn an_attempt_that_does_not_count_is_caught() {
    let mut book = informed();
    let before = book.row("a");
    book.claim("p1", "a");
    let mut after = book.row("a");
    (after.attempt, after.lease.as_mut().unwrap().attempt) = (0, 0);
    book.entries.pop();
    book.put("p1", Some(before), Some(after));
    assert!(book.breaks(LegalTransitions::default()).contains("transition table"));
}

/// What a write changes that it must not.
type Wrong = fn(&mut Resource);

#[test]
fn what_a_write_must_not_change_is_caught() {
    let wrong: [(Wrong, &str); 8] = [
        (|row| row.state = State::Synced, "an edge"),
        (|row| row.key = key("b"), "the same id"),
        (|row| row.created_at = Timestamp::EPOCH, "the same id"),
        (|row| row.hash = delta_core::CanonicalObject::new("other").unwrap().hash(), "the same object"),
        (|row| row.error_count += 1, "an error counted"),
        (|row| row.attempted_at = Some(Timestamp::EPOCH), "the last claim"),
        (|row| row.synced_at = Some(Timestamp::EPOCH), "synchronisation"),
        (|row| row.generation -= 1, "an edge"),
    ];
    for (change, expected) in wrong {
        let found = written(informed(), change).breaks(LegalTransitions::default());
        assert!(found.contains(expected), "{found}");
    }
    let mut book = informed();
    let (before, mut after) = (book.row("a"), book.row("a"));
    after.metadata = delta_core::Metadata::new(&serde_json::json!({"a": 1})).unwrap();
    book.put("p1", Some(before), Some(after));
    assert!(book.breaks(LegalTransitions::default()).contains("an edge"), "no version was counted");
}

#[test]
fn an_event_that_is_missing_or_too_many_is_caught() {
    let mut book = informed();
    book.entries.retain(|entry| !matches!(entry.what, What::Appended(_)));
    assert!(book.breaks(LogExplainsRows::default()).contains("expected one of"));
    let mut book = informed();
    book.append("p1", event(2, EventKind::Scheduled(Reason::Changed), State::Scheduled, 1, 0));
    assert!(book.breaks(LogExplainsRows::default()).contains("found none for"));
    let mut book = informed();
    book.inform("a", 2);
    for entry in &mut book.entries {
        if let What::Appended(event) = &mut entry.what
            && event.position == Position::new(2)
        {
            event.kind = EventKind::Scheduled(Reason::Requested);
        }
    }
    book.note("p1", What::Calm);
    // The table knows a request, too; but that it is of the generation before it does not.
    book.breaks_not(LogExplainsRows::default());
    for entry in &mut book.entries {
        if let What::Appended(event) = &mut entry.what
            && let Subject::Resource { generation, .. } = &mut event.subject
            && *generation == 2
        {
            *generation = 1;
        }
    }
    assert!(book.breaks(LogExplainsRows::default()).contains("expected one of"));
}

#[test]
fn a_log_that_does_not_tell_the_rows_is_caught() {
    let mut book = informed();
    book.entries.clear();
    let id = book.row("a").id;
    book.rows.get_mut(&id).unwrap().generation = 2;
    assert!(book.breaks(LogExplainsRows::default()).contains("the row's generation"));
    let mut book = informed();
    book.entries.clear();
    book.rows.get_mut(&id).unwrap().state = State::Synced;
    assert!(book.breaks(LogExplainsRows::default()).contains("the row's state"));
}

#[test]
fn what_does_not_come_to_rest_is_caught() {
    let mut book = informed();
    book.note("world", What::Calm);
    assert!(book.breaks(Converges::default()).contains("at rest"));
    let mut book = informed();
    book.claim("p1", "a");
    book.note("world", What::Calm);
    assert!(book.breaks(Converges::default()).contains("at rest"));
    let mut book = informed();
    let scope = Scope::Kind(key("a").kind);
    let after = Box::new(ScopeRecord { paused: true, ..ScopeRecord::new(scope) });
    book.note("caller", What::Scope { before: None, after });
    book.note("world", What::Calm);
    book.holds();
}

#[test]
fn a_position_that_comes_again_is_caught() {
    let mut book = informed();
    book.append("p1", event(1, EventKind::Paused, State::Scheduled, 1, 0));
    assert!(book.breaks(OrderedLog::default()).contains("after position 1"));
}

#[test]
fn what_happens_early_is_caught() {
    let mut book = informed();
    book.later(DAY);
    book.claim("p1", "a");
    let claim = book.entries.len() - 1;
    book.entries[claim].at = book.now - 2 * DAY;
    assert!(book.breaks(NothingEarly::default()).contains("no claim before"));
    let mut book = informed();
    let after = Box::new(ScopeRecord { paused: true, ..ScopeRecord::new(Scope::Namespace(key("a").namespace)) });
    book.note("caller", What::Scope { before: None, after });
    book.claim("p1", "a");
    assert!(book.breaks(NothingEarly::default()).contains("is paused"));
}

#[test]
fn a_purge_or_expiry_before_its_period_is_over_is_caught() {
    let day = Some(DAY);
    for (expiry, deleted) in [(None, day), (day, None), (Some(2 * DAY), Some(2 * DAY))] {
        let mut book = Book::new();
        book.note("p1", What::Periods { expiry, deleted, degraded: None, synced: None });
        book.inform("a", 1);
        book.synced("p1", "a");
        book.later(DAY);
        let expired = plan::expire(book.row("a"), DAY, OBJECTS, book.now).map(Some);
        assert!(book.decided("p1", expired));
        if expiry != day {
            book.breaks(NothingEarly::default());
            book.entries.retain(|entry| !matches!(entry.what, What::Appended(_)));
        }
        book.delete("p1", "a", AbsentBy::Request);
        book.synced("p1", "a");
        book.later(DAY);
        let purged = plan::purge(&book.row("a"), delta_core::Retention::default(), OBJECTS, book.now).map(Some);
        assert!(book.decided("p1", purged));
        if deleted == day {
            book.breaks_not(NothingEarly::default());
        } else {
            book.breaks(NothingEarly::default());
        }
    }
}

#[test]
fn a_generation_that_is_announced_or_finished_twice_is_caught() {
    let mut book = informed();
    book.append("p1", event(2, EventKind::Scheduled(Reason::Changed), State::Scheduled, 1, 0));
    assert!(book.breaks(GenerationsGrow::default()).contains("announced before"));
    let mut book = informed();
    book.append("p1", event(2, EventKind::Synced, State::Synced, 1, 1));
    book.append("p1", event(3, EventKind::Deleted, State::Deleted, 1, 1));
    assert!(book.breaks(GenerationsGrow::default()).contains("finished before"));
    let mut book = informed();
    book.append("p1", event(2, EventKind::Failed, State::Failed, 2, 1));
    assert!(book.breaks(GenerationsGrow::default()).contains("up to 1"));
}

#[test]
fn two_leaders_are_caught() {
    let leads = |owner, term: u64, until| Cursor {
        holder: Some(Owner::new(owner)),
        lease_until: Some(until),
        position: Some(term.to_string()),
        ..Cursor::new("leader")
    };
    let begun = || {
        let mut book = Book::new();
        let until = book.now + LEASE;
        book.cursor("p1", leads(1, 1, until));
        book
    };
    let mut book = begun();
    book.cursor("p2", leads(2, 2, book.now + LEASE));
    assert!(book.breaks(OneLeader::default()).contains("whose lease is not over"));
    for term in [1, 3] {
        let mut book = begun();
        book.later(LEASE);
        book.cursor("p2", leads(2, term, book.now + LEASE));
        assert!(book.breaks(OneLeader::default()).contains("count up by one"));
    }
    let mut book = begun();
    book.cursor("p1", leads(1, 1, book.now + LEASE));
    if let What::Cursor { after: Some(after), .. } = &mut book.entries.last_mut().unwrap().what {
        after.version = 3;
    }
    assert!(book.breaks(OneLeader::default()).contains("a version more"));
}

#[test]
fn a_slice_that_is_taken_from_a_living_member_is_caught() {
    let held = |name: &str, owner: i64, until| Cursor {
        holder: Some(Owner::new(owner)),
        lease_until: Some(until),
        ..Cursor::new(name)
    };
    let mut book = Book::new();
    let (slice, member) = ("consumer/delta/mailer/0001", "consumer-member/delta/mailer/0000000000000001");
    book.cursor("p1", held(member, 1, book.now + 3 * LEASE));
    book.cursor("p1", held(slice, 1, book.now + LEASE));
    book.later(2 * LEASE);
    let early = book.entries.len();
    book.cursor("p2", held(slice, 2, book.now + LEASE));
    assert!(book.breaks(OneLeader::default()).contains("not over"));
    book.entries.truncate(early);
    let gone = book.cursors.get(member).cloned().map(Box::new);
    book.note("p1", What::Cursor { before: gone, after: None });
    let before = book.cursors.get(slice).cloned().map(|cursor| Cursor { version: 1, ..cursor });
    let after = before.clone().map(|cursor| Cursor { version: 2, holder: Some(Owner::new(2)), ..cursor });
    book.note("p2", What::Cursor { before: before.map(Box::new), after: after.map(Box::new) });
    book.holds();
}

#[test]
fn a_success_that_nobody_had_is_caught() {
    let mut book = informed();
    let attempt = book.claim("p1", "a").unwrap();
    assert!(book.settle("p1", &attempt, &Report::Synced));
    assert!(book.breaks(SettledTruthfully::default()).contains("has begun"));
    let answers = [Answer::Snoozed, Answer::Dropped, Answer::Panicked, Answer::Error("no".to_owned())];
    for answer in answers {
        let mut book = informed();
        let attempt = book.begin("p1", "a");
        book.ended("p1", &attempt, answer);
        assert!(book.settle("p1", &attempt, &Report::Synced));
        assert!(book.breaks(SettledTruthfully::default()).contains("what the attempt has said"));
    }
}

#[test]
fn a_success_that_is_recorded_as_something_else_is_caught() {
    let failed = Report::Failed { message: "no".to_owned(), backtrace: None, retry_in: SECOND };
    for report in [failed, Report::Snooze(SECOND), Report::Released(SECOND)] {
        let mut book = informed();
        let attempt = book.begin("p1", "a");
        book.ended("p1", &attempt, Answer::Synced);
        assert!(book.settle("p1", &attempt, &report));
        assert!(book.breaks(SettledTruthfully::default()).contains("what the attempt has said"));
    }
}

#[test]
fn a_success_in_the_log_without_a_call_is_caught() {
    let mut book = informed();
    let attempt = book.begin("p1", "a");
    book.ended("p1", &attempt, Answer::Dropped);
    assert!(book.settle("p1", &attempt, &Report::Synced));
    book.entries.retain(|entry| !matches!(entry.what, What::Row { .. } | What::Appended(_)));
    assert!(book.breaks(SettledTruthfully::default()).contains("an attempt that succeeded"));
}

#[test]
fn a_mark_that_goes_back_is_caught() {
    for name in ["trimmed/delta", "inform/mark/thing/eu", "consumer/delta/mailer"] {
        let stands = |position: i64| Cursor { position: Some(position.to_string()), ..Cursor::new(name) };
        let mut book = Book::new();
        book.cursor("p1", stands(7));
        book.cursor("p1", stands(7));
        book.breaks_not(MarksMoveForward::default());
        book.cursor("p1", stands(6));
        assert!(book.breaks(MarksMoveForward::default()).contains("stay at 7"));
    }
}

#[test]
fn an_id_a_token_or_a_key_that_is_given_out_twice_is_caught() {
    let mut book = informed();
    let row = book.row("a");
    book.put("p1", Some(row.clone()), None);
    book.put("p1", None, Some(row));
    assert!(book.breaks(NamesOnce::default()).contains("a new id"));
    let mut book = informed();
    let other = Resource { id: ResourceId::new(7), ..book.row("a") };
    book.put("p1", None, Some(other));
    assert!(book.breaks(NamesOnce::default()).contains("one row of"));
    let mut book = informed();
    let attempt = book.begin("p1", "a");
    book.ended("p1", &attempt, Answer::Snoozed);
    assert!(book.settle("p1", &attempt, &Report::Snooze(Duration::ZERO)));
    book.claim("p1", "a").unwrap();
    let claim = book.entries.last_mut().unwrap();
    if let What::Row { after: Some(row), .. } = &mut claim.what {
        row.lease.as_mut().unwrap().token = attempt.token;
    }
    assert!(book.breaks(NamesOnce::default()).contains("a new token"));
}

#[test]
fn a_row_that_cannot_be_is_caught() {
    let wrong: [(Wrong, &str); 5] = [
        (|row| row.state = State::Pending, "a lease"),
        (|row| row.run_at = None, "a time to run"),
        (|row| row.state = State::Deleted, "a time to run"),
        (|row| row.synced_generation = 2, "a generation from 1"),
        (|row| row.synced_generation = 1, "a time of synchronisation"),
    ];
    for (change, expected) in wrong {
        let found = written(informed(), change).breaks(RowsPossible);
        assert!(found.contains(expected), "{found}");
    }
}

fn acted(book: &mut Book, id: &str, idempotency_key: &str) {
    let (key, idempotency_key): (Key, String) = (key(id), idempotency_key.to_owned());
    book.note("outside", What::Effect { key, idempotency_key, what: "put".to_owned() });
}

#[test]
fn an_outside_that_is_behind_or_under_a_strange_key_is_caught() {
    let worked = |book: &mut Book, keys: &[&str]| {
        let attempt = book.begin("p1", "a");
        for key in keys {
            acted(book, "a", key);
        }
        book.ended("p1", &attempt, Answer::Synced);
        assert!(book.settle("p1", &attempt, &Report::Synced));
    };
    let mut book = informed();
    worked(&mut book, &["one", "one"]);
    book.inform("a", 2);
    worked(&mut book, &["two"]);
    book.breaks_not(OutsideHoldsLast::default());
    for keys in [&["one"][..], &["two", "three"], &[]] {
        let mut book = informed();
        worked(&mut book, &["one"]);
        book.inform("a", 2);
        worked(&mut book, keys);
        book.breaks(OutsideHoldsLast::default());
    }
    let mut book = informed();
    acted(&mut book, "a", "one");
    assert!(book.breaks(OutsideHoldsLast::default()).contains("an attempt of"));
}

#[test]
fn an_attempt_that_answers_after_its_lease_is_caught() {
    let mut book = informed();
    let attempt = book.begin("p1", "a");
    book.later(2 * LEASE);
    book.ended("p1", &attempt, Answer::Synced);
    assert!(book.breaks(OneLease::default()).contains("dropped with its lease"));
    let mut book = informed();
    let attempt = book.begin("p1", "a");
    book.note("p1", What::Frozen);
    book.later(LEASE);
    assert!(book.rescue("p2", "a"));
    book.synced("p2", "a");
    let thawed = book.entries.len();
    book.ended("p1", &attempt, Answer::Dropped);
    book.holds();
    book.entries.truncate(thawed);
    book.ended("p1", &attempt, Answer::Synced);
    assert!(book.breaks(OneLease::default()).contains("dropped with its lease"));
}

#[test]
fn a_heartbeat_that_cuts_a_lease_short_is_caught() {
    let mut book = informed();
    book.claim("p1", "a");
    let (before, mut after) = (book.row("a"), book.row("a"));
    after.lease.as_mut().unwrap().until = book.now + SECOND;
    book.put("p1", Some(before), Some(after));
    assert!(book.breaks(OneLease::default()).contains("to stay until"));
}
