use std::time::Duration;

use delta_core::plan::{self, IdempotencyKey, Report, Source};
use delta_core::{
    AbsentBy, Cursor, Deleted, EventObjects, Existing, InformOptions, MaxAttempts, Owner, Retention, State,
};
use delta_testkit::history::{Answer, Ask, What};

use crate::book::{Book, DAY, LEASE, policy};

const OBJECTS: EventObjects = EventObjects::Omit;
const SECOND: Duration = Duration::from_secs(1);

fn failed() -> Report {
    Report::Failed { message: "no".to_owned(), backtrace: None, retry_in: SECOND }
}

#[test]
fn an_empty_history_holds() {
    Book::new().holds();
}

#[test]
fn what_changes_while_an_attempt_runs_runs_again() {
    let mut book = Book::new();
    book.inform("a", 1);
    let attempt = book.begin("p1", "a");
    book.inform("a", 2);
    book.inform("a", 3);
    assert!(book.delete("caller", "a", AbsentBy::Request));
    book.ended("p1", &attempt, Answer::Synced);
    assert!(book.settle("p1", &attempt, &Report::Synced));
    book.synced("p1", "a");
    assert_eq!(book.row("a").state, State::Deleted);
    book.inform("a", 3);
    book.synced("p2", "a");
    book.note("world", What::Calm);
    book.holds();
}

#[test]
fn informs_of_one_batch_fold_into_one_write() {
    let mut book = Book::new();
    book.inform_as(Source::Caller, &[("a", 1), ("b", 1), ("a", 2), ("a", 2), ("a", 3)], &InformOptions::new());
    assert_eq!((book.row("a").generation, book.row("a").version), (3, 1));
    book.inform_as(Source::Caller, &[("a", 4), ("a", 5), ("b", 2)], &InformOptions::new());
    book.synced("p1", "a");
    book.synced("p1", "b");
    book.inform_as(Source::Informer, &[("a", 6), ("a", 7)], &InformOptions::new().existing(Existing::Process));
    book.holds();
}

#[test]
fn a_settlement_and_the_claim_that_travels_with_it_are_one_write_to_see() {
    let mut book = Book::new();
    book.inform("a", 1);
    let attempt = book.begin("p1", "a");
    book.inform("a", 2);
    book.ended("p1", &attempt, Answer::Snoozed);
    let before = book.row("a");
    let row = book.entries.len();
    assert!(book.settle("p1", &attempt, &Report::Snooze(SECOND)));
    let next = book.claim("p1", "a").unwrap();
    // Of both, a look sees one row, and the events after it.
    let after = book.row("a");
    book.entries.remove(book.entries.len() - 1);
    book.entries[row].what = What::Row { before: Some(Box::new(before)), after: Some(Box::new(after)) };
    book.note("p1", What::Began(next.clone()));
    book.ended("p1", &next, Answer::Synced);
    assert!(book.settle("p1", &next, &Report::Synced));
    book.holds();
}

#[test]
fn a_crash_ends_an_attempt_and_a_rescue_may_come_a_little_early() {
    let mut book = Book::new();
    book.inform("a", 1);
    let lost = book.begin("p1", "a");
    book.note("p1", What::Crashed);
    // Of the drop of what the process ran, its store may still tell.
    book.ended("p1", &lost, Answer::Dropped);
    book.later(LEASE);
    assert!(book.rescue("p2", "a"));
    // The rescuer's clock is ahead by less than an eighth of a lease.
    for entry in book.entries.iter_mut().rev().take(2) {
        entry.at = entry.at - LEASE / 9;
    }
    book.synced("p2", "a");
    assert_eq!(book.row("a").attempt, 2);
    book.holds();
}

#[test]
fn a_claim_whose_answer_was_lost_never_begins() {
    let mut book = Book::new();
    book.inform("a", 1);
    book.claim("p1", "a").unwrap();
    book.later(2 * LEASE);
    assert!(book.rescue("p1", "a"));
    let late = book.claim("p1", "a").unwrap();
    assert!(book.settle("p1", &late, &Report::Released(Duration::ZERO)));
    book.synced("p1", "a");
    book.holds();
}

#[test]
fn an_attempt_that_settles_itself_is_over_before_it_returns() {
    let mut book = Book::new();
    book.inform("a", 1);
    let first = book.begin("p1", "a");
    book.note("p1", What::Settles(first.clone(), Answer::Synced));
    assert!(book.settle("p1", &first, &Report::Synced));
    book.inform("a", 2);
    book.synced("p2", "a");
    book.ended("p1", &first, Answer::Settled);
    // What says so and was not committed has failed.
    book.inform("a", 3);
    let second = book.begin("p1", "a");
    book.note("p1", What::Settles(second.clone(), Answer::Synced));
    book.ended("p1", &second, Answer::Settled);
    assert!(book.settle("p1", &second, &failed()));
    book.holds();
}

#[test]
fn what_fails_snoozes_and_gives_up_stays_within_its_attempts() {
    let mut book = Book::new();
    book.inform_as(Source::Caller, &[("a", 1)], &InformOptions::new().max_attempts(MaxAttempts::Limited(2)));
    for report in [failed(), Report::Snooze(SECOND), Report::Released(SECOND), failed()] {
        let attempt = book.begin("p1", "a");
        let answer = match report {
            Report::Failed { .. } => Answer::Error("no".to_owned()),
            Report::Snooze(_) => Answer::Snoozed,
            _ => Answer::Dropped,
        };
        book.ended("p1", &attempt, answer);
        assert!(book.settle("p1", &attempt, &report));
        book.later(2 * SECOND);
    }
    assert_eq!(book.row("a").state, State::Degraded);
    book.inform("a", 1);
    let attempt = book.begin("p1", "a");
    book.ended("p1", &attempt, Answer::Error("never".to_owned()));
    assert!(book.settle("p1", &attempt, &Report::Permanent { message: "never".to_owned() }));
    let now = book.now;
    book.ask("caller", "a", Ask::Retry, |row| plan::retry(row, IdempotencyKey::Keep, OBJECTS, now));
    book.ask("caller", "a", Ask::Cancel, |row| plan::cancel(row, OBJECTS, now));
    book.ask("caller", "a", Ask::Retry, |row| plan::retry(row, IdempotencyKey::Fresh, OBJECTS, now));
    let attempt = book.begin("p1", "a");
    book.ask("caller", "a", Ask::Cancel, |row| plan::cancel(row, OBJECTS, now));
    book.ended("p1", &attempt, Answer::Dropped);
    assert!(book.settle("p1", &attempt, &Report::Permanent { message: "cancelled".to_owned() }));
    book.ask("caller", "a", Ask::Invalidate, |row| plan::invalidate(row, OBJECTS, now));
    book.holds();
}

#[test]
fn what_is_purged_and_comes_back_is_another() {
    let mut book = Book::new();
    let day = Some(DAY);
    book.note("p1", What::Periods { expiry: Some(DAY), deleted: day, degraded: day, synced: None });
    book.inform("a", 1);
    book.synced("p1", "a");
    book.later(DAY);
    let planned = plan::expire(book.row("a"), DAY, OBJECTS, book.now).map(Some);
    assert!(book.decided("p1", planned));
    book.synced("p1", "a");
    let planned = plan::missing_work(book.row("a"), &policy(), book.now).map(Some);
    assert!(book.decided("p1", planned));
    book.synced("p1", "a");
    assert!(book.delete("p1", "a", AbsentBy::Missing));
    assert!(book.delete("caller", "a", AbsentBy::Request), "taken over");
    let attempt = book.begin("p1", "a");
    book.ended("p1", &attempt, Answer::Deleted);
    assert!(book.settle("p1", &attempt, &Report::Delete { reason: Some("gone".to_owned()) }));
    book.inform_as(Source::Informer, &[("a", 9)], &InformOptions::new());
    assert_eq!(book.row("a").state, State::Deleted, "an informer does not end what a caller began");
    book.later(DAY);
    book.inform_as(Source::Caller, &[("a", 9)], &InformOptions::new().deleted(Deleted::Skip));
    book.later(DAY);
    let planned = plan::purge(&book.row("a"), Retention::default(), OBJECTS, book.now).map(Some);
    assert!(book.decided("p1", planned));
    let old = attempt;
    book.inform("a", 1);
    assert!(book.row("a").id > old.id);
    assert!(!book.settle("p1", &old, &Report::Synced));
    book.synced("p1", "a");
    book.note("world", What::Calm);
    book.holds();
}

#[test]
fn pauses_and_unknown_states_are_left_alone() {
    let mut book = Book::new();
    book.inform("a", 1);
    let now = book.now;
    for _ in 0..2 {
        book.ask("caller", "a", Ask::Pause, |row| plan::pause(row, OBJECTS, now));
    }
    assert!(book.claim("p1", "a").is_none());
    book.inform("b", 1);
    let strange = delta_core::Resource { state: State::from("resting"), version: 2, ..book.row("b") };
    let known = book.row("b");
    book.put("newer", Some(known), Some(strange));
    assert!(book.claim("p1", "b").is_none());
    book.note("world", What::Calm);
    book.holds();
    book.ask("caller", "a", Ask::Resume, |row| plan::resume(row, OBJECTS, now));
    book.synced("p1", "a");
    book.holds();
}

#[test]
fn a_heartbeat_counts_no_version() {
    let mut book = Book::new();
    book.inform("a", 1);
    let attempt = book.begin("p1", "a");
    book.later(LEASE / 3);
    let until = book.now + LEASE;
    let renew = delta_core::Change::Renew(delta_core::Renew { id: attempt.id, token: attempt.token, until });
    book.write("p1", &renew).unwrap();
    book.ended("p1", &attempt, Answer::Synced);
    assert!(book.settle("p1", &attempt, &Report::Synced));
    book.holds();
}

#[test]
fn events_that_an_open_transaction_holds_back_come_later() {
    let mut book = Book::new();
    book.inform("a", 1);
    let appended = book.entries.iter().position(|entry| matches!(entry.what, What::Appended(_))).unwrap();
    let held = book.entries.remove(appended);
    book.note("p1", What::Note("something else".to_owned()));
    book.entries.push(held);
    book.synced("p1", "a");
    book.holds();
}

#[test]
fn a_consumer_may_repeat_what_its_cursor_has_not_passed() {
    let mut book = Book::new();
    for id in ["a", "b", "c", "d", "e"] {
        book.inform(id, 1);
    }
    book.stands("p1", "mailer", 0);
    book.consumed("p1", "mailer", [1, 2, 3]);
    book.stands("p1", "mailer", 2);
    book.note("p1", What::Crashed);
    book.consumed("p2", "mailer", [3, 4]);
    book.stands("p2", "mailer", 4);
    // Lost its lease and took it again: nobody sees that but by what follows the cursor.
    book.consumed("p2", "mailer", [5]);
    book.consumed("p2", "mailer", [5]);
    book.inform("f", 1);
    book.note("p2", What::PassedOver { consumer: "mailer".to_owned(), position: delta_core::Position::new(6) });
    book.stands("p2", "mailer", 6);
    book.inform("g", 1);
    book.consumed("p2", "mailer", [7]);
    book.note("cli", What::Reset { consumer: "mailer".to_owned(), after: delta_core::Position::new(3) });
    book.stands("cli", "mailer", 3);
    book.consumed("p2", "mailer", [4, 5, 7]);
    for id in ["a", "b", "c", "d", "e", "f", "g"] {
        book.synced("p1", id);
    }
    let events = book.last().log.last().unwrap().position.get();
    book.consumed("p2", "mailer", 8..=events);
    book.stands("p2", "mailer", events);
    book.note("world", What::Calm);
    book.holds();
}

#[test]
fn a_place_passes_on_when_it_is_given_back_or_its_lease_is_over() {
    let mut book = Book::new();
    let (one, two) = (Owner::new(1), Owner::new(2));
    let leads = |owner, term: u64, until| Cursor {
        holder: Some(owner),
        lease_until: Some(until),
        position: Some(term.to_string()),
        ..Cursor::new("leader")
    };
    book.cursor("p1", leads(one, 1, book.now + LEASE));
    book.cursor("p1", Cursor { holder: None, lease_until: None, ..leads(one, 1, book.now) });
    book.cursor("p2", leads(two, 2, book.now + LEASE));
    book.later(LEASE);
    book.cursor("p2", leads(two, 2, book.now + LEASE));
    book.later(LEASE / 10 * 9);
    book.cursor("p1", leads(one, 3, book.now + LEASE));
    book.holds();
}

/// Long histories by chance: whatever the plans write is legal.
#[test]
fn whatever_the_plans_write_is_legal() {
    for seed in 0..25 {
        random(seed).holds();
    }
}

fn random(seed: u64) -> Book {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut draw = move |below: u64| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 11) % below
    };
    let mut book = Book::new();
    let mut open: Vec<delta_testkit::history::Attempt> = Vec::new();
    book.note("p", What::Periods { expiry: Some(DAY), deleted: Some(DAY), degraded: Some(DAY), synced: Some(DAY) });
    let retention = Retention { deleted: Some(DAY), degraded: Some(DAY), synced: Some(DAY) };
    for _ in 0..300 {
        let id = ["a", "b", "c"][usize::try_from(draw(3)).unwrap()];
        let now = book.now;
        let known = book.find(id);
        match (draw(20), known) {
            (0..=4, _) | (_, None) => {
                let mut options = InformOptions::new();
                if draw(4) == 0 {
                    options = options.existing(Existing::Process);
                }
                if draw(4) == 0 {
                    options = options.priority(u8::try_from(1 + draw(4)).unwrap()).tags([format!("tag{}", draw(3))]);
                }
                if draw(4) == 0 {
                    options = options.max_attempts(MaxAttempts::Limited(u32::try_from(1 + draw(3)).unwrap()));
                }
                let objects: Vec<_> = (0..=draw(4)).map(|_| (id, draw(3))).collect();
                let source = if draw(2) == 0 { Source::Caller } else { Source::Informer };
                book.inform_as(source, &objects, &options);
            }
            (5..=8, Some(_)) => {
                if let Some(attempt) = book.claim("p", id) {
                    book.note("p", What::Began(attempt.clone()));
                    open.push(attempt);
                }
            }
            (9..=12, Some(row)) => {
                let Some(lease) = row.lease else { continue };
                let Some(index) = open.iter().position(|attempt| attempt.token == lease.token) else { continue };
                let attempt = open.remove(index);
                let (report, answer) = match draw(7) {
                    // It could not be renewed.
                    _ if lease.until <= now => (failed(), Answer::Dropped),
                    0 | 1 => (Report::Synced, Answer::Synced),
                    2 => (failed(), Answer::Error("no".to_owned())),
                    3 => (Report::Permanent { message: "no".to_owned() }, Answer::Error("no".to_owned())),
                    4 => (Report::Delete { reason: Some("gone".to_owned()) }, Answer::Deleted),
                    5 => (Report::Snooze(SECOND), Answer::Snoozed),
                    _ => (Report::Released(SECOND), Answer::Dropped),
                };
                book.ended("p", &attempt, answer);
                if draw(4) > 0 {
                    assert!(book.settle("p", &attempt, &report));
                }
            }
            (13, Some(row)) => {
                open.retain(|attempt| {
                    let mine = row.lease.is_some_and(|lease| lease.token == attempt.token);
                    if mine && row.lease.is_some_and(|lease| lease.until <= now) {
                        book.ended("p", attempt, Answer::Dropped);
                    }
                    !mine || row.lease.is_some_and(|lease| lease.until > now)
                });
                if row.lease.is_some() {
                    book.rescue("p", id);
                }
            }
            (14, Some(_)) => {
                let by = if draw(2) == 0 { AbsentBy::Request } else { AbsentBy::Missing };
                book.ask("c", id, Ask::Delete, |row| plan::request_deletion(row, by, OBJECTS, now));
            }
            (15, Some(_)) => match draw(3) {
                0 => book.ask("c", id, Ask::Invalidate, |row| plan::invalidate(row, OBJECTS, now)),
                1 => book.ask("c", id, Ask::Retry, |row| plan::retry(row, IdempotencyKey::Keep, OBJECTS, now)),
                _ => book.ask("c", id, Ask::Retry, |row| plan::retry(row, IdempotencyKey::Fresh, OBJECTS, now)),
            },
            (16, Some(_)) => book.ask("c", id, Ask::Cancel, |row| plan::cancel(row, OBJECTS, now)),
            (17, Some(row)) => {
                if row.paused {
                    book.ask("c", id, Ask::Resume, |row| plan::resume(row, OBJECTS, now));
                } else if draw(3) == 0 {
                    book.ask("c", id, Ask::Pause, |row| plan::pause(row, OBJECTS, now));
                }
            }
            (18, Some(row)) => {
                let planned = match draw(3) {
                    0 => plan::expire(row, DAY, OBJECTS, now),
                    1 => plan::missing_work(row, &policy(), now),
                    _ => plan::purge(&row, retention, OBJECTS, now),
                };
                book.decided("p", planned.map(Some));
            }
            (_, Some(_)) => book.later([SECOND, LEASE, DAY / 2 + SECOND, DAY][usize::try_from(draw(4)).unwrap()]),
        }
    }
    book
}
