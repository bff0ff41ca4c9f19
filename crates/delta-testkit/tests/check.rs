//! Checks of live tables tell what is wrong, and leave a live table as it was.

use delta_core::{
    Access, CursorTable, DeadLetterQuery, ErrorKind, ErrorTable, EventTable, EventTables, ForeignIdType, Gaps,
    LogStore, NewEvent, Position, Store, TableFilter, TableQuery, Timestamp,
};
use delta_store_memory::MemoryStore;
use delta_testkit::fault::{Calls, Fault, FaultPlan, FaultStore, Operation};
use delta_testkit::{check_cursor_table, check_error_table, check_event_table};

const NOW: Timestamp = Timestamp::from_micros(1_700_000_000_123_456);

async fn read(store: &MemoryStore, table: &EventTable) -> Vec<Position> {
    let mut conn = store.acquire(Access::Read).await.expect("a connection");
    let query = TableQuery { after: Position::START, limit: 100, filter: TableFilter::default() };
    let page = store.table_events(&mut conn, table, &query).await.expect("a page");
    assert_eq!(page.gap, None, "nobody waits for what the check has used up");
    page.events.iter().map(|event| event.position).collect()
}

#[tokio::test]
async fn a_live_event_table_is_left_as_it_was() {
    let store = MemoryStore::new();
    let tables = [
        EventTable::new("texts").metadata_column("metadata"),
        EventTable::new("numbers").foreign_ids(ForeignIdType::Int),
        EventTable::new("waited").gaps(Gaps::Waited),
    ];
    for table in tables {
        let mut conn = store.acquire(Access::Write).await.unwrap();
        store.create_event_table(&mut conn, &table).await.unwrap();
        let about = || if table.foreign_id_type() == ForeignIdType::Int { 7.into() } else { "seven".into() };
        let event = |about: delta_core::ForeignId| NewEvent::new(about, 1, NOW);
        let mut positions = store.append_events(&mut conn, &table, &[event(about()), event(about())]).await.unwrap();
        check_event_table(&store, &table).await.unwrap();
        assert_eq!(read(&store, &table).await, positions);
        positions.extend(store.append_events(&mut conn, &table, &[event(about())]).await.unwrap());
        assert_eq!(read(&store, &table).await, positions);
    }
}

#[tokio::test]
async fn live_tables_of_cursors_and_dead_letters_are_left_as_they_were() {
    let store = MemoryStore::new();
    let table = CursorTable::new("cursors");
    let mut conn = store.acquire(Access::Write).await.unwrap();
    store.create_cursor_table(&mut conn, &table).await.unwrap();
    store.move_table_cursor(&mut conn, &table, "delta-check", Position::new(7), NOW).await.unwrap();
    check_cursor_table(&store, &table).await.unwrap();
    let found = store.table_cursor(&mut conn, &table, "delta-check").await.unwrap();
    assert_eq!(found, Some(Position::new(7)));

    let own = store.dead_letter_table();
    check_error_table(&store, &own).await.unwrap();
    let all = DeadLetterQuery { limit: 10, ..DeadLetterQuery::default() };
    assert_eq!(store.dead_letters(&mut conn, &own, &all).await.unwrap(), []);
}

#[tokio::test]
async fn what_is_not_as_it_was_named_is_unsupported() {
    let store = MemoryStore::new();
    let mut conn = store.acquire(Access::Write).await.unwrap();
    store.create_event_table(&mut conn, &EventTable::new("events")).await.unwrap();
    let events = [EventTable::new("none"), EventTable::new("events").trace_column("trace")];
    for table in events {
        assert_eq!(check_event_table(&store, &table).await.unwrap_err().kind(), ErrorKind::Unsupported);
    }
    assert_eq!(check_cursor_table(&store, &CursorTable::new("none")).await.unwrap_err().kind(), ErrorKind::Unsupported);
    assert_eq!(check_error_table(&store, &ErrorTable::new("none")).await.unwrap_err().kind(), ErrorKind::Unsupported);
}

#[tokio::test]
async fn what_fails_in_the_midst_leaves_nothing() {
    let plan = FaultPlan::new();
    let inner = MemoryStore::new();
    let store = FaultStore::new(inner.clone(), plan.clone());
    let table = EventTable::new("events");
    let mut conn = inner.acquire(Access::Write).await.unwrap();
    inner.create_event_table(&mut conn, &table).await.unwrap();
    plan.inject(Operation::AppendEvents, Calls::Nth(2), Fault::Fail(ErrorKind::Unavailable));
    assert_eq!(check_event_table(&store, &table).await.unwrap_err().kind(), ErrorKind::Unavailable);
    assert_eq!(plan.hits(), 1);
    assert_eq!(read(&inner, &table).await, []);
    let query = TableQuery { after: Position::START, limit: 1, filter: TableFilter::default() };
    let page = inner.table_events(&mut conn, &table, &query).await.unwrap();
    assert_eq!(page.held_back, 0, "the transaction is over");
}
