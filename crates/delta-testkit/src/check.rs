//! Checks of live tables, by what they are and by what they do.

use std::fmt::Debug;

use delta_core::{
    Access, CursorMove, CursorTable, DeadLetter, DeadLetterQuery, DeadLetterStatus, Error, ErrorKind, ErrorTable,
    EventTable, EventTables, ForeignId, ForeignIdType, Gaps, LogName, NewEvent, Position, Result, TableFilter,
    TableQuery, Timestamp,
};

/// What the rows are about that a check writes and takes back.
const PROBE: &str = "delta-check";

/// Checks that a live event table can be used as it was named: its columns and keys, and that it takes events, gives them ids
/// in their order, is read in that order, and keeps nothing of what is rolled back.
///
/// # Guarantees
///
/// What it writes is rolled back: nobody ever reads it. Ids are used up, as any rollback does. A table with
/// [`Gaps::Waited`] is only looked at and read, for its readers would wait at the ids of what was rolled back.
///
/// # Errors
///
/// `Unsupported` if the table is not as it was named or does not do what it is to do: says what was expected and what was
/// found. Others as the store has them: what a trigger or a constraint of the application's refuses is one.
///
/// # Cancel safety
///
/// A dropped future leaves nothing.
///
/// # Examples
///
/// ```
/// use delta_core::{Access, EventTable, EventTables, Store};
/// use delta_store_memory::MemoryStore;
/// use delta_testkit::check_event_table;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> delta_core::Result<()> {
/// let store = MemoryStore::new();
/// let table = EventTable::new("user_events").metadata_column("metadata");
/// assert!(check_event_table(&store, &table).await.is_err(), "there is none yet");
///
/// let mut conn = store.acquire(Access::Write).await?;
/// store.create_event_table(&mut conn, &table).await?;
/// drop(conn);
/// check_event_table(&store, &table).await?;
/// # Ok(())
/// # }
/// ```
pub async fn check_event_table<S: EventTables>(store: &S, table: &EventTable) -> Result<()> {
    let mut conn = store.acquire(Access::Write).await?;
    store.inspect_event_table(&mut conn, table).await?;
    let page = |after, limit| TableQuery { after, limit, filter: TableFilter::default() };
    let first = store.table_events(&mut conn, table, &page(Position::START, 100)).await?;
    let read: Vec<Position> = first.events.iter().map(|event| event.position).collect();
    ascending("events in the order of their ids", &read)?;
    if table.gap_rule() == Gaps::Waited {
        return Ok(());
    }
    store.begin_tx(&mut conn).await?;
    let appended = append(store, &mut conn, table).await;
    store.rollback_tx(&mut conn).await?;
    let appended = appended?;
    let Some(before) = appended.first().map(|first| Position::new(first.get() - 1)) else { return Ok(()) };
    let left = store.table_events(&mut conn, table, &page(before, 100)).await?;
    let left =
        left.events.into_iter().find(|event| event.foreign_id == probe(table) && appended.contains(&event.position));
    equal("nothing of what was rolled back", &left.map(|event| event.position), &None)
}

fn probe(table: &EventTable) -> ForeignId {
    match table.foreign_id_type() {
        ForeignIdType::Text => PROBE.into(),
        ForeignIdType::Int => i64::MAX.into(),
    }
}

async fn append<S: EventTables>(store: &S, conn: &mut S::Conn, table: &EventTable) -> Result<Vec<Position>> {
    let now = store.now(conn).await?;
    let metadata = table.columns().metadata.as_ref().map(|_| PROBE.as_bytes().to_vec());
    let event = NewEvent { metadata, ..NewEvent::new(probe(table), 1, now) };
    let mut ids = store.append_events(conn, table, &[event.clone(), event.clone()]).await?;
    ids.extend(store.append_events(conn, table, &[event]).await?);
    equal("an id for each event", &ids.len(), &3)?;
    ascending("ids in the order of events", &ids)?;
    Ok(ids)
}

/// Checks that a live cursor table can be used as it was named: its columns and keys, and that cursors in it move forwards only.
///
/// # Guarantees
///
/// What it writes is rolled back: the table is left as it was.
///
/// # Errors
///
/// As [`check_event_table`] has them.
///
/// # Cancel safety
///
/// A dropped future leaves nothing.
///
/// # Examples
///
/// ```
/// # use delta_core::{Access, CursorTable, EventTables, Store};
/// # use delta_store_memory::MemoryStore;
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> delta_core::Result<()> {
/// # let store = MemoryStore::new();
/// # let mut conn = store.acquire(Access::Write).await?;
/// let table = CursorTable::new("cursors");
/// store.create_cursor_table(&mut conn, &table).await?;
/// drop(conn);
/// delta_testkit::check_cursor_table(&store, &table).await?;
/// # Ok(())
/// # }
/// ```
pub async fn check_cursor_table<S: EventTables>(store: &S, table: &CursorTable) -> Result<()> {
    let mut conn = store.acquire(Access::Write).await?;
    store.inspect_cursor_table(&mut conn, table).await?;
    let before = store.table_cursor(&mut conn, table, PROBE).await?;
    store.begin_tx(&mut conn).await?;
    let moved = move_cursor(store, &mut conn, table, before.unwrap_or_default().get()).await;
    store.rollback_tx(&mut conn).await?;
    moved?;
    equal("the cursor as it was before", &store.table_cursor(&mut conn, table, PROBE).await?, &before)
}

async fn move_cursor<S: EventTables>(store: &S, conn: &mut S::Conn, table: &CursorTable, from: i64) -> Result<()> {
    let now = store.now(conn).await?;
    // Nine and ten: as text, one comes after the other.
    let [nine, ten] = [9, 10].map(|step| Position::new(from.saturating_add(step)));
    let steps =
        [(nine, CursorMove::Done), (nine, CursorMove::Done), (ten, CursorMove::Done), (nine, CursorMove::Behind(ten))];
    for (to, expected) in steps {
        let moved = store.move_table_cursor(conn, table, PROBE, to, now).await?;
        equal(&format!("a move to {to} to be {expected:?}"), &moved, &expected)?;
    }
    equal("the cursor where it was moved to", &store.table_cursor(conn, table, PROBE).await?, &Some(ten))
}

/// Checks that a live table of dead letters can be used as it was named: its columns and keys, and that there is one of each
/// consumer and position, which is listed and marked.
///
/// # Guarantees
///
/// What it writes is rolled back: the table is left as it was. An id or two are used up.
///
/// # Errors
///
/// As [`check_event_table`] has them.
///
/// # Cancel safety
///
/// A dropped future leaves nothing.
///
/// # Examples
///
/// ```
/// # use delta_core::LogStore;
/// # use delta_store_memory::MemoryStore;
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> delta_core::Result<()> {
/// let store = MemoryStore::new();
/// delta_testkit::check_error_table(&store, &store.dead_letter_table()).await?;
/// # Ok(())
/// # }
/// ```
pub async fn check_error_table<S: EventTables>(store: &S, table: &ErrorTable) -> Result<()> {
    let mut conn = store.acquire(Access::Write).await?;
    store.inspect_error_table(&mut conn, table).await?;
    let of_probe = DeadLetterQuery { consumer: Some(PROBE.to_owned()), limit: 1, ..DeadLetterQuery::default() };
    let before = store.dead_letters(&mut conn, table, &of_probe).await?;
    store.begin_tx(&mut conn).await?;
    let put = put_dead_letter(store, &mut conn, table).await;
    store.rollback_tx(&mut conn).await?;
    put?;
    equal("nothing of what was rolled back", &store.dead_letters(&mut conn, table, &of_probe).await?, &before)
}

async fn put_dead_letter<S: EventTables>(store: &S, conn: &mut S::Conn, table: &ErrorTable) -> Result<()> {
    let now = store.now(conn).await?;
    let letter = letter(now);
    let id = store.put_dead_letter(conn, table, &letter).await?;
    let again = DeadLetter { message: format!("{} again", letter.message), ..letter };
    equal("one of each consumer and position", &store.put_dead_letter(conn, table, &again).await?, &id)?;
    let (dead, resolved) = (DeadLetterStatus::Dead, DeadLetterStatus::Resolved);
    equal("one to be marked", &store.mark_dead_letters(conn, table, &[id], &[dead], resolved, now).await?, &1)?;
    let query = DeadLetterQuery { after: id - 1, limit: 1, ..DeadLetterQuery::default() };
    let found = store.dead_letters(conn, table, &query).await?;
    let found = found.into_iter().next().map(|found| (found.id, found.message, found.status));
    equal("it to be listed as it was put and marked", &found, &Some((id, again.message, resolved)))
}

fn letter(now: Timestamp) -> DeadLetter {
    DeadLetter {
        id: 0,
        consumer: PROBE.to_owned(),
        log: Some(LogName::of_table(PROBE)),
        position: Position::new(i64::MAX),
        message: "a check of the table".to_owned(),
        attempts: Some(1),
        status: DeadLetterStatus::Dead,
        event: Some("{}".to_owned()),
        created_at: now,
        updated_at: now,
    }
}

fn ascending(what: &str, positions: &[Position]) -> Result<()> {
    if positions.is_sorted_by(|one, other| one < other) { Ok(()) } else { Err(unlike(what, positions)) }
}

fn equal<T: PartialEq + Debug>(what: &str, found: &T, expected: &T) -> Result<()> {
    if found == expected { Ok(()) } else { Err(unlike(what, found)) }
}

fn unlike<T: Debug + ?Sized>(what: &str, found: &T) -> Error {
    Error::new(ErrorKind::Unsupported, "check a table", format!("expected {what}, found {found:?}"))
}
