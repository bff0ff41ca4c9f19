//! T1: making applications' tables.

use delta_core::{
    CursorTable, CursorType, ErrorKind, ErrorTable, EventTable, EventTables, ForeignIdType, Gaps, LogStore, Position,
};

use super::fixture::{Fixture, Keep};
use super::kit::{Kit, skipped, soon};
use super::tables::{about, full, new, news, plain, positions, refused};

/// Event tables of every sort.
fn event_tables() -> Vec<EventTable> {
    vec![
        EventTable::new("user_events"),
        EventTable::new("number_events").foreign_ids(ForeignIdType::Int),
        EventTable::new("waited_events").gaps(Gaps::Waited),
        EventTable::new("full_events").metadata_column("metadata").trace_column("trace"),
        full("_renamed_EVENTS_2").id_column("number"),
        // Words that mean something to a database.
        EventTable::new("select")
            .id_column("order")
            .foreign_id_column("from")
            .type_column("where")
            .time_column("table")
            .metadata_column("group")
            .trace_column("values"),
        EventTable::new(format!("long_{}", "x".repeat(58))),
    ]
}

fn cursor_tables() -> Vec<CursorTable> {
    vec![
        CursorTable::new("int_cursors"),
        CursorTable::new("text_cursors").positions(CursorType::Text),
        CursorTable::new("order").id_column("select").position_column("from").time_column("where"),
    ]
}

fn error_tables() -> Vec<ErrorTable> {
    let renamed = ErrorTable::new("group").with_columns(|columns| {
        "select".clone_into(&mut columns.id);
        "from".clone_into(&mut columns.consumer);
        "where".clone_into(&mut columns.position);
        columns.log = Some("table".to_owned());
    });
    vec![ErrorTable::new("my_errors"), ErrorTable::own("my_dead_letters"), renamed]
}

/// Whatever its columns are called and hold.
pub async fn t1_what_was_created_passes_inspection<F: Fixture<Store: EventTables>>(kit: Kit<F>) {
    for table in event_tables() {
        kit.create(&table).await;
        kit.inspect(&table).await.unwrap_or_else(|error| panic!("{table:?}: {error}"));
        let id = if table.foreign_id_type() == ForeignIdType::Int { new(7) } else { new("seven") };
        let at = kit.append(&table, std::slice::from_ref(&id)).await;
        let found = kit.read_all(&table).await;
        assert_eq!((positions(&found), &found[0].foreign_id), (at, &id.foreign_id), "{table:?}");
    }
    for table in cursor_tables() {
        kit.create_cursors(&table).await;
        kit.inspect_cursors(&table).await.unwrap_or_else(|error| panic!("{table:?}: {error}"));
    }
    for table in error_tables() {
        kit.create_errors(&table).await;
        kit.inspect_errors(&table).await.unwrap_or_else(|error| panic!("{table:?}: {error}"));
    }
    let own = kit.store().dead_letter_table();
    kit.inspect_errors(&own).await.expect("the table that comes with the schema");
}

/// A table that is there is left as it is, with what is in it.
pub async fn t1_creating_again_changes_nothing<F: Fixture<Store: EventTables>>(kit: Kit<F>) {
    let table = plain("events");
    kit.create(&table).await;
    kit.append(&table, &news(["a", "b"])).await;
    kit.create(&table).await;
    assert_eq!(about(&kit.read_all(&table).await), ["a", "b"]);
    kit.append(&table, &news(["c"])).await;
    assert_eq!(about(&kit.read_all(&table).await), ["a", "b", "c"]);
    for _ in 0..2 {
        kit.create_cursors(&CursorTable::new("cursors")).await;
        kit.create_errors(&ErrorTable::new("errors")).await;
    }
}

/// An application that migrates by itself runs them as they are.
pub async fn t1_the_statements_make_the_tables<F: Fixture<Store: EventTables>>(kit: Kit<F>) {
    for table in event_tables() {
        let statements = kit.store().event_table_sql(&table).expect("statements");
        if !kit.sql(&statements).await {
            return;
        }
        kit.inspect(&table).await.unwrap_or_else(|error| panic!("{statements}: {error}"));
    }
    for table in cursor_tables() {
        let statements = kit.store().cursor_table_sql(&table).expect("statements");
        kit.sql(&statements).await;
        kit.inspect_cursors(&table).await.unwrap_or_else(|error| panic!("{statements}: {error}"));
    }
    for table in error_tables() {
        let statements = kit.store().error_table_sql(&table).expect("statements");
        kit.sql(&statements).await;
        kit.inspect_errors(&table).await.unwrap_or_else(|error| panic!("{statements}: {error}"));
    }
}

/// Not those of what was trimmed either.
pub async fn t1_ids_ascend_and_are_not_given_out_again<F: Fixture<Store: EventTables>>(kit: Kit<F>) {
    let table = plain("events");
    kit.create(&table).await;
    let mut ids = kit.append(&table, &news(["a", "b", "c"])).await;
    assert!(ids[0] > Position::START);
    kit.trim_table(&table, ids[2], 10).await;
    ids.extend(kit.append(&table, &news(["d"])).await);
    kit.trim_table(&table, ids[3], 10).await;
    ids.extend(kit.append(&table, &news(["e"])).await);
    assert!(ids.is_sorted_by(|one, other| one < other), "{ids:?}");
    assert_eq!(positions(&kit.read_all(&table).await), ids[4..]);
}

/// The table is the application's: it may insert as it likes.
pub async fn t1_rows_of_plain_sql_are_read_in_order<F: Fixture<Store: EventTables>>(kit: Kit<F>) {
    let table = plain("events");
    kit.create(&table).await;
    let first = kit.append(&table, &news(["a"])).await[0];
    if !kit.sql(&Kit::<F>::copy_of(&table, first)).await {
        return;
    }
    kit.append(&table, &news(["b"])).await;
    assert_eq!(about(&kit.read_until(&table, 3).await), ["a", "a", "b"]);
}

/// They are no different from those that the store appends.
pub async fn t1_rows_of_plain_sql_hold_readers_back<F: Fixture<Store: EventTables>>(kit: Kit<F>) {
    if !kit.has_many_writers() {
        return skipped("the store has one writer: nothing is held back");
    }
    let table = plain("events");
    kit.create(&table).await;
    let first = kit.append(&table, &news(["a"])).await[0];
    let copy = Kit::<F>::copy_of(&table, first);
    let mut tx = kit.begin().await;
    if !kit.sql_on(&mut tx, &copy).await {
        kit.end(tx, Keep::Rollback).await;
        return skipped("the store has no SQL");
    }
    assert!(soon("plain SQL beside an open transaction", kit.sql(&copy)).await);
    assert_eq!(kit.read_all(&table).await.len(), 1, "one before is not committed yet");
    kit.end(tx, Keep::Commit).await;
    assert_eq!(kit.read_until(&table, 3).await.len(), 3);
}

/// Before anything else is looked at, in whatever is done with the table.
pub async fn t1_names_that_are_none_are_invalid<F: Fixture<Store: EventTables>>(kit: Kit<F>) {
    let table = EventTable::new("events; DROP TABLE events");
    let cursors = CursorTable::new("cursors").id_column("a\"b");
    let errors = ErrorTable::new("errors").with_columns(|columns| "a`b".clone_into(&mut columns.status));
    let store = kit.store();
    refused(store.event_table_sql(&table), ErrorKind::Invalid);
    refused(store.cursor_table_sql(&cursors), ErrorKind::Invalid);
    refused(store.error_table_sql(&errors), ErrorKind::Invalid);
    let mut conn = kit.writer().await;
    refused(store.create_event_table(&mut conn, &table).await, ErrorKind::Invalid);
    refused(store.create_cursor_table(&mut conn, &cursors).await, ErrorKind::Invalid);
    refused(store.create_error_table(&mut conn, &errors).await, ErrorKind::Invalid);
    refused(store.inspect_event_table(&mut conn, &table).await, ErrorKind::Invalid);
    refused(store.inspect_cursor_table(&mut conn, &cursors).await, ErrorKind::Invalid);
    refused(store.inspect_error_table(&mut conn, &errors).await, ErrorKind::Invalid);
    refused(store.append_events(&mut conn, &table, &news(["a"])).await, ErrorKind::Invalid);
    refused(store.table_trimmed(&mut conn, &table).await, ErrorKind::Invalid);
    refused(store.trim_table(&mut conn, &table, Position::START, 1).await, ErrorKind::Invalid);
    refused(store.table_cursor(&mut conn, &cursors, "a").await, ErrorKind::Invalid);
    drop(conn);
    refused(kit.try_read(&table, Position::START, 1).await, ErrorKind::Invalid);
}
