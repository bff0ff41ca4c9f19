//! L2: trimming Delta's own log, and what its readers see of it.

use delta_core::{
    ErrorKind, Event, EventFilter, EventQuery, LogName, LogStore, Position, Result, Store, TRIM_PREFIX, Trimmed,
};
use tokio::task::JoinSet;

use super::fixture::{Fixture, Keep};
use super::kit::{Kit, applied, before_another_look, skipped, soon};
use super::rows::{at, insert, row};

/// A log of so many events.
async fn log<F: Fixture>(kit: &Kit<F>, events: usize) -> Vec<Position> {
    kit.insert_all((0..events).map(|n| row(&format!("{n}")))).await;
    positions(&kit.events().await)
}

fn positions(events: &[Event]) -> Vec<Position> {
    events.iter().map(|event| event.position).collect()
}

async fn try_trim<F: Fixture<Store: LogStore>>(kit: &Kit<F>, up_to: Position, limit: u32) -> Result<Trimmed> {
    let mut conn = kit.writer().await;
    kit.store().trim(&mut conn, up_to, limit).await
}

async fn trim<F: Fixture<Store: LogStore>>(kit: &Kit<F>, up_to: Position, limit: u32) -> Trimmed {
    try_trim(kit, up_to, limit).await.expect("a trim")
}

async fn mark<F: Fixture<Store: LogStore>>(kit: &Kit<F>) -> Position {
    let mut conn = kit.reader().await;
    kit.store().trimmed(&mut conn).await.expect("the mark")
}

async fn read<F: Fixture>(kit: &Kit<F>, after: Position) -> Result<Vec<Position>> {
    let query = EventQuery { after, limit: 1_000, filter: EventFilter::default() };
    let mut conn = kit.reader().await;
    kit.store().events(&mut conn, &query).await.map(|page| positions(&page.events))
}

/// So many at a time, and the mark is a cursor that says how far.
pub async fn l2_the_oldest_events_go_first_and_the_mark_says_so<F: Fixture<Store: LogStore>>(kit: Kit<F>) {
    let all = log(&kit, 9).await;
    assert_eq!(mark(&kit).await, Position::START);
    let name = format!("{TRIM_PREFIX}{}", LogName::own());
    assert_eq!(kit.cursor(&name).await, None);
    for (limit, gone) in [(3, 3), (2, 5), (10, 7)] {
        let before = all.len() - positions(&kit.events().await).len();
        let expected = Trimmed { events: (gone - before) as u64, up_to: all[gone - 1] };
        assert_eq!(trim(&kit, all[6], limit).await, expected);
        assert_eq!(positions(&kit.events().await), all[gone..]);
        assert_eq!(mark(&kit).await, all[gone - 1]);
        let cursor = kit.cursor(&name).await.expect("the mark's cursor");
        assert_eq!(cursor.position, Some(all[gone - 1].to_string()));
        assert_eq!((cursor.holder, cursor.lease_until, cursor.next_at), (None, None, None));
    }
    assert_eq!(kit.cursor(&name).await.map(|cursor| cursor.version), Some(3), "written once by each");
}

/// Trimming up to where it was trimmed already removes nothing.
pub async fn l2_the_mark_only_moves_forwards<F: Fixture<Store: LogStore>>(kit: Kit<F>) {
    let all = log(&kit, 5).await;
    assert_eq!(trim(&kit, Position::START, 10).await, Trimmed::default());
    assert_eq!(mark(&kit).await, Position::START);
    trim(&kit, all[2], 10).await;
    for up_to in [all[2], all[0], Position::START] {
        assert_eq!(trim(&kit, up_to, 10).await, Trimmed { events: 0, up_to: all[2] });
        assert_eq!(mark(&kit).await, all[2]);
    }
    assert_eq!(trim(&kit, all[4], 0).await, Trimmed { events: 0, up_to: all[2] }, "none of them asked for");
    assert_eq!(positions(&kit.events().await), all[3..]);
}

/// What was never given out is no place in the log.
pub async fn l2_a_position_above_the_head_is_invalid<F: Fixture<Store: LogStore>>(kit: Kit<F>) {
    let error = try_trim(&kit, Position::new(1), 10).await.expect_err("an empty log");
    assert_eq!(error.kind(), ErrorKind::Invalid, "{error}");
    let all = log(&kit, 3).await;
    for beyond in [all[2].get() + 1, i64::MAX] {
        let error = try_trim(&kit, Position::new(beyond), 10).await.expect_err("a position above the head");
        assert_eq!(error.kind(), ErrorKind::Invalid, "{error}");
    }
    assert_eq!(positions(&kit.events().await), all);
    assert_eq!(mark(&kit).await, Position::START);
    assert_eq!(trim(&kit, all[2], 10).await.events, 3, "the head itself is in it");
}

/// A cursor that has missed something hears of it, whatever it asks for; one that has not goes on.
pub async fn l2_readers_behind_the_mark_are_too_old<F: Fixture<Store: LogStore>>(kit: Kit<F>) {
    let all = log(&kit, 6).await;
    trim(&kit, all[3], 10).await;
    let nothing = EventFilter { object_id_prefix: Some("none of them".to_owned()), ..EventFilter::default() };
    for (filter, limit) in [(EventFilter::default(), 10), (nothing, 10), (EventFilter::default(), 0)] {
        for after in [all[0], all[2]] {
            let query = EventQuery { after, limit, filter: filter.clone() };
            let mut conn = kit.reader().await;
            let error = kit.store().events(&mut conn, &query).await.expect_err("a position that was trimmed");
            assert_eq!(error.kind(), ErrorKind::CursorTooOld, "{error}");
        }
    }
    assert_eq!(read(&kit, all[3]).await.expect("the rest"), all[4..]);
    assert_eq!(read(&kit, all[4]).await.expect("the rest"), all[5..]);
    trim(&kit, all[5], 10).await;
    let error = read(&kit, all[4]).await.expect_err("all is gone");
    assert_eq!(error.kind(), ErrorKind::CursorTooOld, "{error}");
    let mut tx = kit.begin().await;
    let query = EventQuery { after: all[4], limit: 1, filter: EventFilter::default() };
    let error = kit.store().events(&mut tx, &query).await.expect_err("in a transaction too");
    assert_eq!(error.kind(), ErrorKind::CursorTooOld, "{error}");
    kit.end(tx, Keep::Rollback).await;
}

/// Who has no cursor yet has missed nothing.
pub async fn l2_the_start_is_read_from_the_mark_on<F: Fixture<Store: LogStore>>(kit: Kit<F>) {
    let all = log(&kit, 4).await;
    trim(&kit, all[1], 10).await;
    assert_eq!(read(&kit, Position::START).await.expect("what is left"), all[2..]);
    trim(&kit, all[3], 10).await;
    assert_eq!(read(&kit, Position::START).await.expect("what is left"), []);
}

/// The head is the last position that may be read, whether it is still there or not.
pub async fn l2_the_head_stays_where_it_is<F: Fixture<Store: LogStore>>(kit: Kit<F>) {
    let all = log(&kit, 4).await;
    trim(&kit, all[3], 10).await;
    for after in [Position::START, all[3]] {
        let page = kit.page(after, 10, EventFilter::default()).await;
        assert_eq!((page.events.len(), page.head, page.held_back), (0, all[3], 0));
        assert_eq!(page.next, all[3], "a cursor at the start gets past what is gone");
    }
}

/// Not even when nothing is left of those that had them.
pub async fn l2_positions_are_not_given_out_again<F: Fixture<Store: LogStore>>(kit: Kit<F>) {
    let all = log(&kit, 3).await;
    trim(&kit, all[2], 10).await;
    applied(&kit.apply(at(1), insert(row("later"))).await);
    let later = read(&kit, all[2]).await.expect("what is new");
    assert_eq!(later.len(), 1);
    assert!(later[0] > all[2], "{later:?} after {all:?}");
}

/// Rolled back, it has not happened; until it ends, others see the log as it was.
pub async fn l2_a_trim_falls_with_its_transaction<F: Fixture<Store: LogStore>>(kit: Kit<F>) {
    let all = log(&kit, 4).await;
    let mut tx = kit.begin().await;
    assert_eq!(kit.store().trim(&mut tx, all[1], 10).await.expect("a trim"), Trimmed { events: 2, up_to: all[1] });
    assert_eq!(kit.store().trimmed(&mut tx).await.expect("the mark"), all[1], "it sees it itself");
    assert_eq!(read(&kit, all[0]).await.expect("others see all"), all[1..]);
    assert_eq!(mark(&kit).await, Position::START);
    kit.end(tx, Keep::Rollback).await;
    assert_eq!(positions(&kit.events().await), all);
    assert_eq!(mark(&kit).await, Position::START);
    let mut tx = kit.begin().await;
    kit.store().trim(&mut tx, all[1], 10).await.expect("a trim");
    kit.end(tx, Keep::Commit).await;
    assert_eq!(positions(&kit.events().await), all[2..]);
    assert_eq!(mark(&kit).await, all[1]);
}

/// Either all of what follows a position is read, or that it is too old.
pub async fn l2_no_reader_sees_events_missing_without_the_mark<F: Fixture<Store: LogStore>>(kit: Kit<F>) {
    let all = log(&kit, 200).await;
    let mut readers = JoinSet::new();
    for _ in 0..2 {
        let (kit, all) = (kit.clone(), all.clone());
        readers.spawn(async move {
            loop {
                match read(&kit, all[0]).await {
                    Ok(found) => assert_eq!(found, all[1..], "events are missing, and nothing says so"),
                    Err(error) if error.kind() == ErrorKind::CursorTooOld => break,
                    Err(error) => panic!("{error}"),
                }
                tokio::task::yield_now().await;
            }
            loop {
                let found = read(&kit, Position::START).await.expect("what is left");
                assert_eq!(found, all[all.len() - found.len()..], "what is left is the end of the log");
                if found.is_empty() {
                    break;
                }
                tokio::task::yield_now().await;
            }
        });
    }
    for _ in 0..50 {
        trim(&kit, all[199], 4).await;
        tokio::task::yield_now().await;
    }
    let read = async {
        while let Some(reader) = readers.join_next().await {
            reader.expect("a reader");
        }
    };
    soon("readers of a log that is trimmed", read).await;
}

/// Each waits for the other, or takes up where it ends.
pub async fn l2_trims_at_once_remove_each_event_once<F: Fixture<Store: LogStore>>(kit: Kit<F>) {
    let all = log(&kit, 40).await;
    let mut trims = JoinSet::new();
    for _ in 0..4 {
        let (kit, up_to) = (kit.clone(), all[29]);
        trims.spawn(async move {
            let mut events = 0;
            loop {
                match try_trim(&kit, up_to, 3).await {
                    Ok(Trimmed { events: 0, .. }) => return events,
                    Ok(trimmed) => events += trimmed.events,
                    Err(error) => assert!(error.is_transient(), "{error}"),
                }
            }
        });
    }
    let mut events = 0;
    while let Some(trimmed) = soon("a trim", trims.join_next()).await {
        events += trimmed.expect("a trim");
    }
    assert_eq!(events, 30);
    assert_eq!(positions(&kit.events().await), all[30..]);
    assert_eq!(mark(&kit).await, all[29]);
}

/// What readers may not see yet is above the head.
pub async fn l2_what_is_held_back_is_not_trimmed<F: Fixture<Store: LogStore>>(kit: Kit<F>) {
    if !kit.has_many_writers() {
        return skipped("the store has one writer: nothing is held back");
    }
    let all = log(&kit, 2).await;
    let mut tx = kit.begin().await;
    applied(&kit.apply_in(&mut tx, at(1), insert(row("held"))).await);
    applied(&kit.apply(at(1), insert(row("behind"))).await);
    let behind = Position::new(all[1].get() + 1);
    let trimmed = soon("a trim beside an open transaction", try_trim(&kit, behind, 10)).await;
    let error = trimmed.expect_err("a position that is held back");
    assert_eq!(error.kind(), ErrorKind::Invalid, "{error}");
    assert_eq!(soon("a trim beside an open transaction", trim(&kit, all[0], 10)).await.events, 1);
    kit.end(tx, Keep::Commit).await;
    // What is read by several at once need not be visible to all in the same moment.
    let read = async {
        while positions(&kit.events().await).len() < 3 {
            before_another_look().await;
        }
    };
    soon("both to be read", read).await;
}
