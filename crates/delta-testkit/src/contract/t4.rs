//! T4: reading applications' logs.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use delta_core::{EventTables, ForeignIdType, Gap, Gaps, LogPage, NewEvent, Position, TableEvent, TableFilter};
use tokio::task::JoinSet;

use super::fixture::{Fixture, Keep};
use super::kit::{Kit, before_another_look, skipped, soon};
use super::tables::{about, new, news, plain, position, positions};

/// It begins and ends at the start.
pub async fn t4_an_empty_table_has_an_empty_page<F: Fixture<Store: EventTables>>(kit: Kit<F>) {
    for table in [plain("passed"), plain("waited").gaps(Gaps::Waited)] {
        kit.create(&table).await;
        assert_eq!(kit.read_after(&table, Position::START, 10).await, LogPage::default());
    }
}

/// Up to the limit each, and the next begins where one ends.
pub async fn t4_pages_follow_one_another<F: Fixture<Store: EventTables>>(kit: Kit<F>) {
    for table in [plain("passed"), plain("waited").gaps(Gaps::Waited)] {
        kit.create(&table).await;
        let all = kit.append(&table, &news(["a", "b", "c", "d", "e"])).await;
        let first = kit.read_after(&table, Position::START, 2).await;
        assert_eq!((about(&first.events), first.next), (vec!["a".to_owned(), "b".to_owned()], all[1]));
        let second = kit.read_after(&table, first.next, 2).await;
        assert_eq!((positions(&second.events), second.next), (all[2..4].to_vec(), all[3]));
        let last = kit.read_after(&table, second.next, 2).await;
        assert_eq!((positions(&last.events), last.next, last.head), (vec![all[4]], all[4], all[4]));
        assert_eq!((last.held_back, last.gap), (0, None));
        let end = kit.read_after(&table, last.next, 2).await;
        assert_eq!((end.events.len(), end.next, end.head), (0, all[4], all[4]));
    }
}

/// An event that comes first and is committed last is not missed.
pub async fn t4_readers_stay_behind_open_transactions<F: Fixture<Store: EventTables>>(kit: Kit<F>) {
    if !kit.has_many_writers() {
        return skipped("the store has one writer: nothing is held back");
    }
    let table = plain("events");
    kit.create(&table).await;
    let mut slow = kit.begin().await;
    let first = kit.append_in(&mut slow, &table, &news(["first of all"])).await[0];
    let second = soon("an append beside an open transaction", kit.append(&table, &news(["second"]))).await[0];
    let page = kit.read_after(&table, Position::START, 10).await;
    assert_eq!((page.events.len(), page.next), (0, Position::START), "the very first is held back");
    assert!(page.head < first, "{page:?}");
    assert!(page.held_back >= 1, "{page:?}");
    let mut other = kit.begin().await;
    kit.append_in(&mut other, &table, &news(["third"])).await;
    kit.append_in(&mut slow, &table, &news(["fourth"])).await;
    kit.end(slow, Keep::Commit).await;
    let found = kit.read_until(&table, 2).await;
    assert_eq!((about(&found), found[1].position), (vec!["first of all".to_owned(), "second".to_owned()], second));
    kit.end(other, Keep::Rollback).await;
    assert_eq!(about(&kit.read_until(&table, 3).await), ["first of all", "second", "fourth"]);
}

/// Its ids are nothing, and nobody waits for them.
pub async fn t4_what_was_rolled_back_is_passed<F: Fixture<Store: EventTables>>(kit: Kit<F>) {
    let table = plain("events");
    kit.create(&table).await;
    for round in 0..3 {
        let mut tx = kit.begin().await;
        kit.append_in(&mut tx, &table, &news(["-", "-"])).await;
        kit.end(tx, Keep::Rollback).await;
        kit.append(&table, &[new(format!("{round}"))]).await;
    }
    let found = kit.read_until(&table, 3).await;
    assert_eq!(about(&found), ["0", "1", "2"]);
    let page = kit.read_after(&table, found[0].position, 10).await;
    assert_eq!((about(&page.events), page.gap), (vec!["1".to_owned(), "2".to_owned()], None));
    assert_eq!(page.next, page.head);
}

/// Whoever reads on and on sees the same as who reads it all at the end.
pub async fn t4_every_event_of_many_writers_is_read_once_in_one_order<F: Fixture<Store: EventTables>>(kit: Kit<F>) {
    const WRITERS: usize = 4;
    const ROUNDS: usize = 30;
    let table = plain("events");
    kit.create(&table).await;
    let done = Arc::new(AtomicUsize::new(0));
    let mut writers = JoinSet::new();
    for writer in 0..WRITERS {
        let (kit, table, done) = (kit.clone(), table.clone(), done.clone());
        writers.spawn(async move {
            let mut kept = BTreeSet::new();
            for round in 0..ROUNDS {
                let event = |n| new(format!("{writer}/{round}/{n}"));
                let mut tx = kit.begin().await;
                kit.append_in(&mut tx, &table, &[event(0), event(1)]).await;
                for _ in 0..(writer * round) % 7 {
                    tokio::task::yield_now().await;
                }
                kit.append_in(&mut tx, &table, &[event(2)]).await;
                let keep = if (writer + round).is_multiple_of(3) { Keep::Rollback } else { Keep::Commit };
                kit.end(tx, keep).await;
                if keep == Keep::Commit {
                    kept.extend((0..3).map(|n| format!("{writer}/{round}/{n}")));
                }
            }
            done.fetch_add(1, Ordering::SeqCst);
            kept
        });
    }
    let mut readers = JoinSet::new();
    for limit in [3, 100] {
        let (kit, table, done) = (kit.clone(), table.clone(), done.clone());
        readers.spawn(async move {
            let (mut after, mut found): (_, Vec<TableEvent>) = (Position::START, Vec::new());
            loop {
                let all_done = done.load(Ordering::SeqCst) == WRITERS;
                let page = kit.read_after(&table, after, limit).await;
                assert!(page.next >= after, "{} after {after}", page.next);
                let caught_up = page.next >= page.head && page.held_back == 0;
                after = page.next;
                found.extend(page.events);
                if all_done && caught_up {
                    return found;
                }
                if caught_up {
                    before_another_look().await;
                }
                tokio::task::yield_now().await;
            }
        });
    }
    let mut kept = BTreeSet::new();
    while let Some(writer) = soon("a writer", writers.join_next()).await {
        kept.extend(writer.expect("a writer"));
    }
    let all = kit.read_until(&table, kept.len()).await;
    assert_eq!(about(&all).into_iter().collect::<BTreeSet<_>>(), kept);
    assert_eq!(all.len(), kept.len(), "each once");
    assert!(positions(&all).is_sorted_by(|one, other| one < other));
    while let Some(found) = soon("a reader", readers.join_next()).await {
        let found = found.expect("a reader");
        assert_eq!(about(&found), about(&all));
    }
}

/// Until somebody fills it; the page says which it is.
pub async fn t4_readers_wait_for_the_first_missing_id<F: Fixture<Store: EventTables>>(kit: Kit<F>) {
    let table = plain("events").gaps(Gaps::Waited);
    kit.create(&table).await;
    let all = kit.append_with_gaps(&table, &["a", "b", "-", "-", "c", "-", "d"]).await;
    let gap = Gap { after: all[1], before: all[4] };
    for limit in [3, 10] {
        let page = kit.read_after(&table, Position::START, limit).await;
        assert_eq!((about(&page.events), page.next), (vec!["a".to_owned(), "b".to_owned()], all[1]));
        assert_eq!((page.head, page.gap), (all[1], Some(gap)));
        assert!(page.held_back >= 1, "{page:?}");
    }
    let stuck = kit.read_after(&table, all[1], 10).await;
    assert_eq!((stuck.events.len(), stuck.next, stuck.gap), (0, all[1], Some(gap)));
    let passed = plain("events");
    if !kit.has_many_writers() {
        assert_eq!(about(&kit.read_all(&passed).await), ["a", "b", "c", "d"], "a gap is nothing by itself");
    }
    assert_eq!(kit.fill(&table, gap, super::rows::at(9)).await, 2);
    let page = kit.read_after(&table, all[1], 10).await;
    assert_eq!((about(&page.events), page.next), (vec!["c".to_owned()], all[4]));
    assert_eq!(page.gap, Some(Gap { after: all[4], before: all[6] }));
}

/// The first event of a table may be the one that is committed last.
pub async fn t4_readers_wait_for_the_very_first_id<F: Fixture<Store: EventTables>>(kit: Kit<F>) {
    let table = plain("events").gaps(Gaps::Waited);
    kit.create(&table).await;
    let all = kit.append_with_gaps(&table, &["-", "a"]).await;
    let page = kit.read_after(&table, Position::START, 10).await;
    assert_eq!((page.events.len(), page.next, page.head), (0, Position::START, Position::START));
    assert_eq!(page.gap, Some(Gap { after: Position::START, before: all[1] }));
}

/// They are there for the order alone; a page of nothing else still moves on.
pub async fn t4_noop_events_are_left_out_unless_shown<F: Fixture<Store: EventTables>>(kit: Kit<F>) {
    let table = plain("events").gaps(Gaps::Waited);
    kit.create(&table).await;
    let all = kit.append_with_gaps(&table, &["a", "-", "-", "-", "b", "-", "c"]).await;
    for (after, before) in [(0, 4), (4, 6)] {
        kit.fill(&table, Gap { after: all[after], before: all[before] }, super::rows::at(9)).await;
    }
    assert_eq!(about(&kit.read_all(&table).await), ["a", "b", "c"]);
    let (mut after, mut found) = (Position::START, Vec::new());
    while after < all[6] {
        let page = kit.read_after(&table, after, 1).await;
        assert!(page.next > after, "a page of noop events moves on from {after}");
        found.extend(page.events);
        after = page.next;
    }
    assert_eq!(about(&found), ["a", "b", "c"]);
    let shown = kit.read_all(&Kit::<F>::showing(&table)).await;
    assert_eq!(about(&shown), ["a", "0", "0", "0", "b", "0", "c"]);
    assert_eq!(positions(&shown), all);
    assert!(shown.iter().all(|event| event.is_noop() == (event.kind == 0)));
    // Not what only looks like one.
    let table = plain("likes");
    kit.create(&table).await;
    kit.append(&table, &[new("0"), NewEvent { kind: 0, ..new("00") }, NewEvent { kind: 0, ..new("") }]).await;
    assert_eq!(about(&kit.read_all(&table).await), ["0", "00", ""]);
}

/// Kinds by number, foreign ids by how they begin as text, byte for byte.
pub async fn t4_filters_choose_kinds_and_foreign_ids<F: Fixture<Store: EventTables>>(kit: Kit<F>) {
    let table = plain("texts");
    kit.create(&table).await;
    let ids = ["a%1", "a_1", "A%1", "aX1", "a", "ä1", "a\u{308}", "a\\1", "[a]", "*", ""];
    let events: Vec<NewEvent> = (1..).zip(ids).map(|(n, id)| NewEvent { kind: n % 3, ..new(id) }).collect();
    kit.append(&table, &events).await;
    let prefix = |text: &str| TableFilter { foreign_id_prefix: Some(text.to_owned()), ..TableFilter::default() };
    let filters = [
        TableFilter::default(),
        TableFilter::of_kinds([1]),
        TableFilter::of_kinds([0, 2]),
        TableFilter::of_kinds([7]),
        TableFilter::of_kinds([]),
        prefix(""),
        prefix("a"),
        prefix("a%"),
        prefix("a_"),
        prefix("A"),
        prefix("ä"),
        prefix("a\u{308}"),
        prefix("a\\"),
        prefix("["),
        prefix("*"),
        prefix("\u{10ffff}"),
        TableFilter { foreign_id_prefix: Some("a".to_owned()), ..TableFilter::of_kinds([1]) },
    ];
    for filter in filters {
        let expected: Vec<String> = (kit.read_all(&table).await.iter())
            .filter(|event| delta_core::LogEvent::passes(*event, &filter))
            .map(|event| event.foreign_id.to_string())
            .collect();
        assert_eq!(about(&kit.read_that(&table, filter.clone()).await), expected, "{filter:?}");
    }
    assert_eq!(about(&kit.read_that(&table, prefix("a%")).await), ["a%1"], "what the reference itself is to say");

    let table = plain("numbers").foreign_ids(ForeignIdType::Int);
    kit.create(&table).await;
    let events: Vec<NewEvent> = [1, 12, 21, -1, -12, 0, 123].map(new).into_iter().collect();
    kit.append(&table, &events).await;
    for (text, expected) in [("1", vec!["1", "12", "123"]), ("-1", vec!["-1", "-12"]), ("0", vec!["0"]), ("x", vec![])]
    {
        assert_eq!(about(&kit.read_that(&table, prefix(text)).await), expected, "{text:?}");
    }
}

/// With its session and its age, as long as it is open.
pub async fn t4_whoever_holds_readers_back_is_named<F: Fixture<Store: EventTables>>(kit: Kit<F>) {
    if !kit.has_many_writers() {
        return skipped("the store has one writer: nobody holds its readers back");
    }
    let (table, other) = (plain("events"), plain("others"));
    kit.create(&table).await;
    kit.create(&other).await;
    let holders = async |table| {
        let mut conn = kit.reader().await;
        kit.store().table_holders(&mut conn, table).await.expect("holders")
    };
    assert_eq!(holders(&table).await, []);
    let mut tx = kit.begin().await;
    kit.append_in(&mut tx, &table, &news(["a"])).await;
    let named = kit.eventually("a holder", async || holders(&table).await.pop()).await;
    assert!(!named.session.is_empty() && named.age < Duration::from_mins(2), "{named:?}");
    assert_eq!(holders(&other).await, [], "another table's readers wait for nobody");
    kit.end(tx, Keep::Commit).await;
    kit.eventually("none", async || holders(&table).await.is_empty().then_some(())).await;
}

/// Neither events nor positions nor open transactions of one are those of another, or of Delta's own log.
pub async fn t4_tables_are_apart<F: Fixture<Store: EventTables>>(kit: Kit<F>) {
    let (one, other) = (plain("one"), plain("other"));
    kit.create(&one).await;
    kit.create(&other).await;
    kit.insert(super::rows::row("own")).await;
    kit.append(&one, &news(["a", "b"])).await;
    kit.append(&other, &news(["c"])).await;
    assert_eq!(about(&kit.read_all(&one).await), ["a", "b"]);
    assert_eq!(about(&kit.read_all(&other).await), ["c"]);
    assert_eq!(kit.events().await.len(), 1);
    if kit.has_many_writers() {
        let mut tx = kit.begin().await;
        kit.append_in(&mut tx, &one, &news(["held"])).await;
        kit.append(&other, &news(["d"])).await;
        assert_eq!(about(&kit.read_until(&other, 2).await), ["c", "d"]);
        kit.insert(super::rows::row("more")).await;
        kit.eventually("Delta's own", async || (kit.events().await.len() == 2).then_some(())).await;
        kit.end(tx, Keep::Rollback).await;
    }
    assert_eq!(kit.read_after(&one, position(0), 1).await.next, kit.read_all(&one).await[0].position);
}
