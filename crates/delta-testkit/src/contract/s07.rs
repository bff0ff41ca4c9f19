//! S7: the log never skips and never reorders, and a rolled-back event is never returned.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use delta_core::{
    Browse, Changeset, Event, EventFilter, EventKind, EventPage, Names, Position, Reason, Returning, Scope,
    ScopeChange, ScopeWrite, Subject,
};
use tokio::task::JoinSet;

use super::fixture::{Fixture, Keep};
use super::kit::{Kit, applied, soon};
use super::rows::{IntoChange, at, changeset, draft, insert, key_in, name, remove, row, row_of, settle, update};

fn positions(events: &[Event]) -> Vec<Position> {
    events.iter().map(|event| event.position).collect()
}

fn about(events: &[Event]) -> Vec<&str> {
    events
        .iter()
        .map(|event| match &event.subject {
            Subject::Resource { key, .. } => key.object_id.as_str(),
            Subject::Scope(Scope::Kind(name) | Scope::Namespace(name)) => name.as_str(),
        })
        .collect()
}

/// A log with nothing in it begins and ends at the start.
pub async fn s07_an_empty_log_has_an_empty_page<F: Fixture>(kit: Kit<F>) {
    assert_eq!(kit.page(Position::START, 10, EventFilter::default()).await, EventPage::default());
}

/// An event says what its draft says, and takes the rest from the row as the change leaves it.
pub async fn s07_an_event_takes_what_its_draft_lacks_from_the_row<F: Fixture>(kit: Kit<F>) {
    let mut new = row("a");
    new.generation = 3;
    new.attempt = 2;
    new.metadata = delta_core::Metadata::from_text(r#"{"tenant": "acme"}"#).expect("metadata");
    let traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    new.trace = Some(delta_core::Trace::new(traceparent).expect("a trace"));
    let stored = kit.insert(new.clone()).await;
    let mut changed = update(&stored, at(7));
    changed.row.state = delta_core::State::Degraded;
    changed.row.run_at = None;
    changed.row.generation = 9;
    changed.row.attempt = 5;
    changed.row.metadata = delta_core::Metadata::EMPTY;
    changed.row.trace = None;
    let mut full = draft(EventKind::Failed);
    full.generation = Some(4);
    full.attempt = Some(1);
    full.with_object = true;
    changed.events = vec![draft(EventKind::Expired), full];
    applied(&kit.apply(at(7), changed).await);
    let events = kit.events_of(stored.id).await;
    let event = |kind, generation, attempt, state| Event {
        position: Position::START,
        kind,
        subject: Subject::Resource { id: stored.id, key: stored.key.clone(), state, generation, attempt },
        at: at(7),
        metadata: delta_core::Metadata::EMPTY,
        trace: None,
        object: None,
    };
    let created = Event {
        at: at(0),
        metadata: new.metadata.clone(),
        trace: new.trace.clone(),
        ..event(EventKind::Scheduled(Reason::Created), 3, 2, delta_core::State::Scheduled)
    };
    let failed = Event {
        object: Some(stored.detail.clone().expect("a detail").object),
        ..event(EventKind::Failed, 4, 1, delta_core::State::Degraded)
    };
    let expected = [created, event(EventKind::Expired, 9, 5, delta_core::State::Degraded), failed];
    let found: Vec<Event> = events.iter().map(|event| Event { position: Position::START, ..event.clone() }).collect();
    assert_eq!(found, expected);
    assert!(positions(&events).is_sorted_by(|one, other| one < other), "{:?}", positions(&events));
}

/// A purge's event shows the row as it was.
pub async fn s07_a_purge_is_logged_with_the_row_as_it_was<F: Fixture>(kit: Kit<F>) {
    let mut new = row("a");
    new.metadata = delta_core::Metadata::from_text(r#"{"tenant":"acme"}"#).expect("metadata");
    new.generation = 6;
    let stored = kit.insert(new).await;
    let mut purge = remove(&stored);
    purge.events[0].with_object = true;
    applied(&kit.apply(at(9), purge).await);
    let event = kit.events_of(stored.id).await.pop().expect("an event");
    let Subject::Resource { key, state, generation, attempt, .. } = &event.subject else { panic!("{event:?}") };
    assert_eq!((event.kind, key, state), (EventKind::Purged, &stored.key, &stored.state));
    assert_eq!((*generation, *attempt, event.at), (6, 0, at(9)));
    assert_eq!(event.metadata, stored.metadata);
    assert_eq!(event.object, stored.detail.map(|detail| detail.object));
}

/// The events in a receipt are those of the log.
pub async fn s07_a_receipt_returns_the_events_as_the_log_holds_them<F: Fixture>(kit: Kit<F>) {
    let claimed = kit.claimed(row("claimed"), at(0)).await;
    let read = kit.insert(row("read")).await;
    let moved_on = kit.insert(row("moved on")).await;
    let before = kit.events().await.len();
    let mut stale = update(&delta_core::Resource { version: 8, ..moved_on }, at(1));
    stale.events = vec![draft(EventKind::Expired)];
    let changes =
        [insert(row("new")), stale.into_change(), remove(&read).into_change(), settle(&claimed).into_change()];
    let changes = Changeset {
        returning: Returning::Events,
        scopes: vec![ScopeChange { scope: Scope::Kind(name("thing")), write: ScopeWrite::Pause }],
        ..changeset(at(1), changes)
    };
    let receipt = kit.commit(&changes).await;
    assert_eq!(receipt.events.len(), 4);
    assert_eq!(receipt.events, kit.events().await[before..]);

    let more =
        Changeset { returning: Returning::Events, ..changeset(at(2), [insert(row("more")), insert(row("and"))]) };
    let mut tx = kit.begin().await;
    let receipt = kit.commit_in(&mut tx, &more).await;
    kit.end(tx, Keep::Commit).await;
    assert_eq!(receipt.events, kit.events().await[before + 4..], "in a caller's transaction too");

    let silent = Changeset { returning: Returning::Outcomes, ..changeset(at(3), [insert(row("silent"))]) };
    assert_eq!(kit.commit(&silent).await.events, []);
    let finished = Changeset { returning: Returning::Events, ..changeset(at(4), [insert(row("last"))]) };
    let request = kit.request(at(4), []);
    let receipt = kit.try_claim(&finished, &request).await.expect("a claim").receipt;
    assert_eq!(receipt.events, kit.events().await[before + 7..], "with a claim too");
}

/// Pages join to the whole log, whatever their size, and each says where the next begins.
pub async fn s07_pages_join_without_gap_or_overlap<F: Fixture>(kit: Kit<F>) {
    kit.insert_all((0..10).map(|n| row(&format!("{n}")))).await;
    let all = kit.events().await;
    assert_eq!(all.len(), 10);
    assert!(positions(&all).is_sorted_by(|one, other| one < other), "{:?}", positions(&all));
    assert!(all[0].position > Position::START);
    for limit in [1, 3, 5, 10, 11] {
        let (mut after, mut read) = (Position::START, Vec::new());
        for _ in 0..20 {
            let page = kit.page(after, limit, EventFilter::default()).await;
            assert!(page.events.len() <= limit as usize, "{} events of {limit}", page.events.len());
            assert!(page.next >= after && page.next <= page.head, "{page:?}");
            assert!(page.head >= all[9].position && page.held_back == 0, "{page:?}");
            assert!(page.events.iter().all(|event| event.position > after && event.position <= page.next), "{page:?}");
            after = page.next;
            read.extend(page.events);
            if page.next == page.head {
                break;
            }
        }
        assert_eq!(read, all, "in pages of {limit}");
        let end = kit.page(after, limit, EventFilter::default()).await;
        assert_eq!((end.events.len(), end.next, end.head), (0, after, after), "the end is the end");
    }
    let rest = kit.page(all[6].position, 100, EventFilter::default()).await;
    assert_eq!(rest.events, all[7..]);
}

/// Each filter alone, and all of them joined.
pub async fn s07_filters_choose_events<F: Fixture>(kit: Kit<F>) {
    let key = |namespace: &str, kind: &str| key_in(namespace, kind, &format!("{namespace}.{kind}"));
    let keys = [key("one", "cat"), key("one", "dog"), key("two", "cat"), key("two", "dog")];
    let rows = kit.insert_all(keys.map(row_of)).await;
    applied(&kit.apply(at(1), remove(&rows[3])).await);
    let pause = |scope| ScopeChange { scope, write: ScopeWrite::Pause };
    let scopes = vec![pause(Scope::Kind(name("cat"))), pause(Scope::Namespace(name("two")))];
    kit.commit(&Changeset { scopes, ..Changeset::new(at(2)) }).await;

    let one = |text: &str| Names::one(name(text));
    let except = |text: &str| Names::Except(BTreeSet::from([name(text)]));
    let all = EventFilter::default;
    let resources = ["one.cat", "one.dog", "two.cat", "two.dog", "two.dog"];
    let cases: Vec<(EventFilter, Vec<&str>)> = vec![
        (all(), [&resources[..], &["cat", "two"]].concat()),
        (EventFilter::of_kinds([EventKind::Scheduled(Reason::Changed)]), resources[..4].to_vec()),
        (EventFilter::of_kinds([EventKind::Purged, EventKind::Paused]), vec!["two.dog", "cat", "two"]),
        (EventFilter::of_kinds([EventKind::Synced]), vec![]),
        (EventFilter::of_kinds([]), vec![]),
        (EventFilter { namespaces: one("two"), ..all() }, vec!["two.cat", "two.dog", "two.dog", "two"]),
        (EventFilter { namespaces: except("two"), ..all() }, vec!["one.cat", "one.dog"]),
        (EventFilter { kinds: one("cat"), ..all() }, vec!["one.cat", "two.cat", "cat"]),
        (EventFilter { kinds: except("cat"), ..all() }, vec!["one.dog", "two.dog", "two.dog"]),
        (EventFilter { kinds: Names::Only(BTreeSet::new()), ..all() }, vec![]),
        (
            EventFilter { kinds: Names::Only([name("cat"), name("cow"), name("dog")].into()), ..all() },
            [&resources[..], &["cat"]].concat(),
        ),
        (EventFilter { kinds: one("never-stored"), ..all() }, vec![]),
        (EventFilter { namespaces: except("never-stored"), ..all() }, [&resources[..], &["two"]].concat()),
        (EventFilter { resource: Some(rows[3].id), ..all() }, vec!["two.dog", "two.dog"]),
        (EventFilter { resource: Some(rows[3].id), namespaces: one("one"), ..all() }, vec![]),
        (
            EventFilter { kinds: one("dog"), namespaces: one("two"), ..EventFilter::of_kinds([EventKind::Purged]) },
            vec!["two.dog"],
        ),
    ];
    for (filter, expected) in cases {
        assert_eq!(about(&kit.events_that(filter.clone()).await), expected, "{filter:?}");
        let (mut after, mut small) = (Position::START, Vec::new());
        soon("pages of two get to the head", async {
            loop {
                let page = kit.page(after, 2, filter.clone()).await;
                assert!(page.events.len() <= 2);
                small.extend(page.events);
                if page.next == page.head {
                    break;
                }
                after = page.next;
                tokio::task::yield_now().await;
            }
        })
        .await;
        assert_eq!(about(&small), expected, "{filter:?} in pages of two");
    }
}

/// What was rolled back is never returned, not while it is there and not afterwards.
pub async fn s07_a_rolled_back_event_is_never_returned<F: Fixture>(kit: Kit<F>) {
    kit.insert(row("before")).await;
    let mut tx = kit.begin().await;
    applied(&kit.apply_in(&mut tx, at(1), insert(row("never"))).await);
    assert_eq!(about(&kit.events().await), ["before"]);
    kit.end(tx, Keep::Rollback).await;
    kit.insert(row("after")).await;
    soon("the log is free again", async {
        while kit.events().await.len() < 2 {
            tokio::task::yield_now().await;
        }
    })
    .await;
    assert_eq!(about(&kit.events().await), ["before", "after"]);
}

/// A slow appender is waited for: what others commit meanwhile comes after it, or before it for every reader.
pub async fn s07_an_open_appender_is_not_skipped<F: Fixture>(kit: Kit<F>) {
    kit.insert(row("before")).await;
    let mut tx = kit.begin().await;
    applied(&kit.apply_in(&mut tx, at(1), insert(row("slow"))).await);
    if kit.has_many_writers() {
        soon("a commit beside an open appender", kit.insert(row("quick"))).await;
    }
    let first = kit.page(Position::START, 100, EventFilter::default()).await;
    assert!(!about(&first.events).contains(&"slow"), "{first:?}");
    assert!(first.events.iter().all(|event| event.position <= first.head), "{first:?}");
    if kit.has_many_writers() && first.events.len() == 1 {
        assert!(first.held_back > 0, "what is given out beyond the head is counted: {first:?}");
        let mut conn = kit.reader().await;
        let holders = kit.store().log_holders(&mut conn).await.expect("the holders of the log");
        assert_eq!(holders.len(), 1, "{holders:?}");
    }
    kit.end(tx, Keep::Commit).await;
    if !kit.has_many_writers() {
        kit.insert(row("quick")).await;
    }
    let mut read = first.events;
    let mut after = first.next;
    soon("the slow one is read", async {
        while read.len() < 3 {
            let page = kit.page(after, 100, EventFilter::default()).await;
            read.extend(page.events);
            after = page.next;
            tokio::task::yield_now().await;
        }
    })
    .await;
    assert_eq!(read, kit.events().await, "read in pieces and at once, the log is the same");
    assert_eq!(about(&read).into_iter().collect::<BTreeSet<_>>(), BTreeSet::from(["before", "quick", "slow"]));
    let mut conn = kit.reader().await;
    let holders = kit.store().log_holders(&mut conn).await.expect("the holders of the log");
    assert_eq!(holders, []);
}

/// Writers of which some take their time and some roll back, and a reader that follows them: it gets each committed event
/// once, in the order that everybody gets.
pub async fn s07_a_reader_that_follows_concurrent_writers_misses_nothing<F: Fixture>(kit: Kit<F>) {
    const WRITERS: usize = 4;
    const ROUNDS: usize = 30;
    let writing = Arc::new(AtomicUsize::new(WRITERS));
    let mut writers = JoinSet::new();
    for writer in 0..WRITERS {
        let (kit, writing) = (kit.clone(), writing.clone());
        writers.spawn(async move {
            for round in 0..ROUNDS {
                let rows = |part: &str| insert(row(&format!("{writer}-{round}-{part}")));
                if (round + writer) % 3 == 0 {
                    kit.commit(&changeset(at(1), [rows("alone")])).await;
                    continue;
                }
                let mut tx = kit.begin().await;
                kit.commit_in(&mut tx, &changeset(at(1), [rows("first"), rows("second")])).await;
                tokio::task::yield_now().await;
                kit.commit_in(&mut tx, &changeset(at(1), [rows("third")])).await;
                kit.end(tx, if round % 5 == 0 { Keep::Rollback } else { Keep::Commit }).await;
            }
            writing.fetch_sub(1, Ordering::SeqCst);
        });
    }
    let mut read = Vec::new();
    let mut after = Position::START;
    soon("a reader catches up with the writers", async {
        loop {
            let done = writing.load(Ordering::SeqCst) == 0;
            let page = kit.page(after, 7, EventFilter::default()).await;
            read.extend(page.events);
            if done && page.next == page.head && page.held_back == 0 {
                break;
            }
            after = page.next;
            tokio::task::yield_now().await;
        }
    })
    .await;
    soon("the writers", writers.join_all()).await;
    assert!(positions(&read).is_sorted_by(|one, other| one < other));
    let all = kit.events().await;
    assert_eq!(positions(&read), positions(&all));
    assert_eq!(read, all);
    let expected = (0..WRITERS)
        .flat_map(|writer| (0..ROUNDS).map(move |round| (writer, round)))
        .map(|(writer, round)| match ((round + writer) % 3, round % 5) {
            (0, _) => 1,
            (_, 0) => 0,
            _ => 3,
        })
        .sum::<usize>();
    assert_eq!(all.len(), expected, "what was committed is there, and nothing else");
}
