//! T7: cursors in applications' tables; and their tables of dead letters.

use delta_core::{
    CursorMove, CursorTable, CursorType, DeadLetter, DeadLetterQuery, DeadLetterStatus, ErrorKind, ErrorTable,
    EventTables, LogName, LogStore, Position, Result,
};
use tokio::task::JoinSet;

use super::fixture::{Fixture, Keep};
use super::kit::{Kit, soon};
use super::rows::{T0, at};
use super::tables::{position, refused};

fn tables() -> [CursorTable; 2] {
    [CursorTable::new("int_cursors"), CursorTable::new("text_cursors").positions(CursorType::Text)]
}

async fn try_cursor<F: Fixture<Store: EventTables>>(
    kit: &Kit<F>,
    table: &CursorTable,
    consumer: &str,
) -> Result<Option<Position>> {
    let mut conn = kit.reader().await;
    kit.store().table_cursor(&mut conn, table, consumer).await
}

async fn cursor<F: Fixture<Store: EventTables>>(kit: &Kit<F>, table: &CursorTable, consumer: &str) -> Option<i64> {
    try_cursor(kit, table, consumer).await.expect("a cursor").map(Position::get)
}

async fn try_move<F: Fixture<Store: EventTables>>(
    kit: &Kit<F>,
    table: &CursorTable,
    consumer: &str,
    to: i64,
) -> Result<CursorMove> {
    let mut conn = kit.writer().await;
    kit.store().move_table_cursor(&mut conn, table, consumer, position(to), at(1)).await
}

async fn go<F: Fixture<Store: EventTables>>(kit: &Kit<F>, table: &CursorTable, consumer: &str, to: i64) -> CursorMove {
    try_move(kit, table, consumer, to).await.expect("a move")
}

/// To where it is, is nothing; back is not done, and where it stands is told.
pub async fn t7_a_cursor_moves_forwards_only<F: Fixture<Store: EventTables>>(kit: Kit<F>) {
    for table in tables() {
        kit.create_cursors(&table).await;
        assert_eq!(cursor(&kit, &table, "mailer").await, None);
        for to in [3, 3, 5, i64::MAX - 1, i64::MAX - 1] {
            assert_eq!(go(&kit, &table, "mailer", to).await, CursorMove::Done);
            assert_eq!(cursor(&kit, &table, "mailer").await, Some(to));
        }
        for back in [i64::MAX - 2, 5, 0] {
            assert_eq!(go(&kit, &table, "mailer", back).await, CursorMove::Behind(position(i64::MAX - 1)));
            assert_eq!(cursor(&kit, &table, "mailer").await, Some(i64::MAX - 1));
        }
        assert_eq!(go(&kit, &table, "at the start", 0).await, CursorMove::Done);
        assert_eq!(cursor(&kit, &table, "at the start").await, Some(0), "the start is a place too");
    }
}

/// Names compare byte by byte.
pub async fn t7_each_consumer_has_its_own<F: Fixture<Store: EventTables>>(kit: Kit<F>) {
    for table in tables() {
        kit.create_cursors(&table).await;
        let names =
            ["mailer", "Mailer", "máiler", "mailer ", "", "%", "'", "\\", "x".repeat(255).as_str()].map(str::to_owned);
        for (to, name) in (1..).zip(&names) {
            assert_eq!(go(&kit, &table, name, to).await, CursorMove::Done);
        }
        for (to, name) in (1..).zip(&names) {
            assert_eq!(cursor(&kit, &table, name).await, Some(to), "{name:?}");
        }
    }
}

/// Ten comes after nine, also in text.
pub async fn t7_positions_compare_as_numbers<F: Fixture<Store: EventTables>>(kit: Kit<F>) {
    for table in tables() {
        kit.create_cursors(&table).await;
        for to in [9, 10, 99, 100] {
            assert_eq!(go(&kit, &table, "mailer", to).await, CursorMove::Done, "to {to}");
        }
        for back in [9, 99] {
            assert_eq!(go(&kit, &table, "mailer", back).await, CursorMove::Behind(position(100)));
        }
    }
}

/// They are seen within, and fall with it.
pub async fn t7_moves_join_the_callers_transaction<F: Fixture<Store: EventTables>>(kit: Kit<F>) {
    for table in tables() {
        kit.create_cursors(&table).await;
        go(&kit, &table, "old", 1).await;
        for keep in [Keep::Rollback, Keep::Commit] {
            let mut tx = kit.begin().await;
            for name in ["old", "new"] {
                let moved = kit.store().move_table_cursor(&mut tx, &table, name, position(7), at(1)).await;
                assert_eq!(moved.expect("a move"), CursorMove::Done);
                let within = kit.store().table_cursor(&mut tx, &table, name).await.expect("a cursor");
                assert_eq!(within, Some(position(7)));
            }
            assert_eq!((cursor(&kit, &table, "old").await, cursor(&kit, &table, "new").await), (Some(1), None));
            kit.end(tx, keep).await;
        }
        assert_eq!((cursor(&kit, &table, "old").await, cursor(&kit, &table, "new").await), (Some(7), Some(7)));
    }
}

/// Whichever comes last.
pub async fn t7_of_several_at_once_the_furthest_stays<F: Fixture<Store: EventTables>>(kit: Kit<F>) {
    for table in tables() {
        kit.create_cursors(&table).await;
        let mut movers = JoinSet::new();
        for to in 1..=12 {
            let (kit, table) = (kit.clone(), table.clone());
            movers.spawn(async move {
                loop {
                    match try_move(&kit, &table, "mailer", to).await {
                        Ok(moved) => return (to, moved),
                        Err(error) => assert!(error.is_transient(), "{error}"),
                    }
                }
            });
        }
        while let Some(moved) = soon("a move", movers.join_next()).await {
            match moved.expect("a move") {
                (_, CursorMove::Done) => {}
                (to, CursorMove::Behind(stored)) => assert!(stored > position(to), "{to} behind {stored}"),
            }
        }
        assert_eq!(cursor(&kit, &table, "mailer").await, Some(12));
    }
}

/// Whoever wrote it: it is not taken for the start.
pub async fn t7_what_is_no_position_is_corrupt<F: Fixture<Store: EventTables>>(kit: Kit<F>) {
    let [ints, texts] = tables();
    kit.create_cursors(&texts).await;
    kit.create_cursors(&ints).await;
    go(&kit, &texts, "mailer", 5).await;
    go(&kit, &ints, "mailer", 5).await;
    for bad in ["", "x", "-1", "1.5", "9223372036854775808", "5 x"] {
        if !kit.sql(&format!("UPDATE text_cursors SET last_event_id = '{bad}'")).await {
            return;
        }
        refused(try_cursor(&kit, &texts, "mailer").await, ErrorKind::Corrupt);
        refused(try_move(&kit, &texts, "mailer", 7).await, ErrorKind::Corrupt);
        refused(try_cursor(&kit, &texts, "mailer").await, ErrorKind::Corrupt);
    }
    kit.sql("UPDATE int_cursors SET last_event_id = -1").await;
    refused(try_cursor(&kit, &ints, "mailer").await, ErrorKind::Corrupt);
}

/// What a table has no column for is not kept, and is no part of what is unique.
pub async fn t7_dead_letters_go_to_tables_of_any_columns<F: Fixture<Store: EventTables>>(kit: Kit<F>) {
    let letter = DeadLetter {
        id: 0,
        consumer: "mailer".to_owned(),
        log: Some(LogName::of_table("user_events")),
        position: position(7),
        message: "it failed".to_owned(),
        attempts: Some(3),
        status: DeadLetterStatus::Dead,
        event: Some("{}".to_owned()),
        created_at: T0,
        updated_at: T0,
    };
    let bare = ErrorTable::new("bare_errors");
    let with_log = ErrorTable::new("log_errors").with_columns(|columns| columns.log = Some("log".to_owned()));
    for table in [bare, with_log, ErrorTable::own("all_errors")] {
        kit.create_errors(&table).await;
        let columns = table.columns().clone();
        let put = async |letter: &DeadLetter| {
            let mut conn = kit.writer().await;
            kit.store().put_dead_letter(&mut conn, &table, letter).await.expect("a dead letter")
        };
        let list = async |query: &DeadLetterQuery| {
            let mut conn = kit.reader().await;
            kit.store().dead_letters(&mut conn, &table, query).await.expect("dead letters")
        };
        let id = put(&letter).await;
        let again = DeadLetter { message: "again".to_owned(), updated_at: at(5), ..letter.clone() };
        assert_eq!(put(&again).await, id);
        let other = DeadLetter { log: Some(LogName::of_table("other_events")), ..letter.clone() };
        assert_eq!(put(&other).await == id, columns.log.is_none(), "{table:?}");
        let of_log = DeadLetterQuery { log: Some(LogName::of_table("user_events")), limit: 10, ..Default::default() };
        let found = list(&of_log).await;
        let stored = if columns.log.is_none() { &other } else { &again };
        let expected = DeadLetter {
            id,
            log: columns.log.as_ref().and(stored.log.clone()),
            attempts: columns.attempts.as_ref().and(stored.attempts),
            event: columns.event.as_ref().and(letter.event.clone()),
            ..stored.clone()
        };
        assert_eq!(found, [expected], "{table:?}");
        let mut conn = kit.writer().await;
        let (dead, replay) = (DeadLetterStatus::Dead, DeadLetterStatus::Replay);
        let marked = kit.store().mark_dead_letters(&mut conn, &table, &[id], &[dead], replay, at(6)).await;
        assert_eq!(marked.expect("marked"), 1);
        drop(conn);
        let replayed = DeadLetterQuery { status: Some(replay), limit: 10, ..Default::default() };
        assert_eq!(list(&replayed).await.len(), 1);
    }
}
