//! T1 to T7 on a real server: open transactions, plain SQL and tables that are not as they should be.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use delta_core::{
    Access, CursorMove, CursorTable, CursorType, ErrorKind, EventTable, EventTables, ForeignIdType, Gap, Gaps, LogPage,
    NewEvent, Noops, Position, Store, TableEvent, TableFilter, TableQuery,
};
use delta_store_sqlx::PgSettings;
use delta_store_sqlx::sqlx::{AssertSqlSafe, Connection, PgConnection, query, query_scalar, raw_sql};
use tokio::task::JoinSet;

use super::log::{Numbers, pause};
use super::rows::{NOW, insert};
use crate::postgres_support::Server;

const HANG: Duration = Duration::from_mins(2);

fn table() -> EventTable {
    EventTable::new("user_events").metadata_column("metadata").trace_column("trace")
}

async fn fixture(table: &EventTable) -> Server {
    let server = Server::fixture(PgSettings::new()).await;
    let mut conn = server.store.acquire(Access::Write).await.expect("a connection");
    server.store.create_event_table(&mut conn, table).await.expect("a table");
    server.store.inspect_event_table(&mut conn, table).await.expect("a table that is as it should be");
    server
}

fn events(ids: &[&str]) -> Vec<NewEvent> {
    ids.iter().map(|id| NewEvent::new(*id, 1, NOW)).collect()
}

async fn append(server: &Server, conn: &mut PgConnection, table: &EventTable, ids: &[&str]) -> Vec<i64> {
    let positions = server.store.append_events(conn, table, &events(ids)).await.expect("appended events");
    positions.into_iter().map(Position::get).collect()
}

async fn page_after(server: &Server, table: &EventTable, after: i64, limit: u32) -> LogPage<TableEvent> {
    let mut conn = server.store.acquire(Access::Read).await.expect("a connection");
    let query = TableQuery { after: Position::new(after), limit, filter: TableFilter::default() };
    server.store.table_events(&mut conn, table, &query).await.expect("a page")
}

async fn page(server: &Server, table: &EventTable) -> LogPage<TableEvent> {
    page_after(server, table, 0, 100).await
}

fn about(page: &LogPage<TableEvent>) -> Vec<String> {
    page.events.iter().map(|event| event.foreign_id.to_string()).collect()
}

fn gap(after: i64, before: i64) -> Gap {
    Gap { after: Position::new(after), before: Position::new(before) }
}

#[tokio::test]
async fn readers_wait_for_an_open_transaction_that_has_appended_and_skip_nothing() {
    let table = table();
    let server = fixture(&table).await;
    let mut conn = server.store.acquire(Access::Write).await.expect("a connection");
    let mut slow = server.store.begin().await.expect("a transaction");
    assert_eq!(append(&server, &mut slow, &table, &["slow"]).await, [1], "the very first");
    assert_eq!(append(&server, &mut conn, &table, &["quick"]).await, [2]);
    let held = page(&server, &table).await;
    assert_eq!(about(&held), [""; 0]);
    assert_eq!((held.next.get(), held.head.get(), held.held_back, held.gap), (0, 0, 2, None));

    let pid: i32 = query_scalar("SELECT pg_backend_pid()").fetch_one(&mut *slow).await.expect("a pid");
    let holders = server.store.table_holders(&mut conn, &table).await.expect("holders");
    assert_eq!(holders.len(), 1, "{holders:?}");
    assert_eq!(holders[0].session, pid.to_string());
    assert_eq!(holders[0].statement, "SELECT pg_backend_pid()");
    assert_eq!(holders[0].activity, "idle in transaction");
    assert!(holders[0].age > Duration::ZERO && holders[0].age < HANG, "{holders:?}");

    slow.commit().await.expect("its end");
    let all = page(&server, &table).await;
    assert_eq!(about(&all), ["slow", "quick"]);
    assert_eq!((all.next.get(), all.head.get(), all.held_back), (2, 2, 0));
    assert_eq!(server.store.table_holders(&mut conn, &table).await.expect("holders"), []);
}

#[tokio::test]
async fn another_open_transaction_holds_nobody_back() {
    let table = table();
    let other = EventTable::new("other_events");
    let server = fixture(&table).await;
    let mut conn = server.store.acquire(Access::Write).await.expect("a connection");
    server.store.create_event_table(&mut conn, &other).await.expect("another table");
    server.run("CREATE TABLE mine (id integer)").await;
    let mut tx = server.store.begin().await.expect("a transaction");
    query("INSERT INTO mine VALUES (1)").execute(&mut *tx).await.expect("a row of its own");
    append(&server, &mut tx, &other, &["elsewhere"]).await;
    insert(&server.store, "a").await.expect("a commit to Delta's own log");
    query("UPDATE user_events SET type = type").execute(&mut *tx).await.expect("a write that appends nothing");
    append(&server, &mut conn, &table, &["a"]).await;
    assert_eq!(about(&page(&server, &table).await), ["a"]);
    assert_eq!(about(&page(&server, &other).await), [""; 0], "its own log it does");
}

#[tokio::test]
async fn rows_of_plain_sql_are_waited_for_as_well() {
    let table = table();
    let server = fixture(&table).await;
    let mut conn = server.store.acquire(Access::Write).await.expect("a connection");
    let plain = "INSERT INTO user_events (foreign_id, type) VALUES ($1, 7)";
    let mut slow = server.store.begin().await.expect("a transaction");
    let mut savepoint = slow.begin().await.expect("a savepoint");
    query(plain).bind("undone").execute(&mut *savepoint).await.expect("a row");
    savepoint.rollback().await.expect("a rollback to it");
    query(plain).bind("slow").execute(&mut *slow).await.expect("a row");
    append(&server, &mut conn, &table, &["quick"]).await;
    assert_eq!(about(&page(&server, &table).await), [""; 0]);
    slow.commit().await.expect("its end");
    assert_eq!(about(&page(&server, &table).await), ["slow", "quick"]);
    // From a position of its own, an id is refused: it would come to be behind the readers.
    let forged = "INSERT INTO user_events (id, foreign_id, type) VALUES (1, 'forged', 7)";
    query(forged).execute(&mut *conn).await.expect_err("a refusal");
}

#[tokio::test]
async fn who_may_insert_needs_no_right_to_the_sequence() {
    let table = table();
    let server = fixture(&table).await;
    let role = format!("{}_writer", server.database.name());
    server.run(&format!("CREATE ROLE {role}; GRANT INSERT ON user_events TO {role}")).await;
    let mut conn = server.store.acquire(Access::Write).await.expect("a connection");
    let insert = format!("SET ROLE {role}; INSERT INTO user_events (foreign_id, type) VALUES ('a', 1); RESET ROLE");
    raw_sql(AssertSqlSafe(insert)).execute(&mut *conn).await.expect("a row");
    server.run(&format!("DROP OWNED BY {role}; DROP ROLE {role}")).await;
    assert_eq!(about(&page(&server, &table).await), ["a"]);
}

#[tokio::test]
async fn a_table_in_another_schema_with_names_of_its_own_is_read_as_it_was_written() {
    let table = EventTable::new("App.UserEvents")
        .id_column("Nr")
        .foreign_id_column("user")
        .type_column("order")
        .time_column("when")
        .metadata_column("select")
        .foreign_ids(ForeignIdType::Int);
    let server = Server::fixture(PgSettings::new()).await;
    server.run("CREATE SCHEMA \"App\"").await;
    let mut conn = server.store.acquire(Access::Write).await.expect("a connection");
    server.store.create_event_table(&mut conn, &table).await.expect("a table");
    server.store.create_event_table(&mut conn, &table).await.expect("the same once more");
    server.store.inspect_event_table(&mut conn, &table).await.expect("a table that is as it should be");
    let event = NewEvent { metadata: Some(vec![0, 255, 1]), ..NewEvent::new(i64::MIN, i64::MAX, NOW) };
    let bare = NewEvent::new(7, 0, NOW);
    let positions = server.store.append_events(&mut conn, &table, &[event.clone(), bare]).await.expect("events");
    let read = page(&server, &table).await.events;
    assert_eq!(read.iter().map(|event| event.position).collect::<Vec<_>>(), positions);
    assert_eq!((&read[0].foreign_id, read[0].kind, read[0].at), (&event.foreign_id, event.kind, event.at));
    assert_eq!((&read[0].metadata, &read[1].metadata), (&event.metadata, &None));
}

#[tokio::test]
async fn a_table_whose_sequence_moved_to_another_schema_is_read_on() {
    let table = EventTable::new("user_events");
    let server = fixture(&table).await;
    let mut conn = server.store.acquire(Access::Write).await.expect("a connection");
    append(&server, &mut conn, &table, &["before"]).await;
    server.run("CREATE SCHEMA app; ALTER TABLE user_events SET SCHEMA app").await;
    let moved = EventTable::new("app.user_events");
    append(&server, &mut conn, &moved, &["after"]).await;
    assert_eq!(about(&page(&server, &moved).await), ["before", "after"]);
}

#[tokio::test]
async fn a_live_table_that_is_wrong_is_named_with_what_is_wrong() {
    let serial = "id bigserial PRIMARY KEY";
    let rest = "foreign_id text NOT NULL, type integer NOT NULL, timestamp timestamptz NOT NULL";
    let cases = [
        ("SELECT 1".to_owned(), "expected a table, found none"),
        (format!("CREATE TABLE user_events ({rest})"), "\"id\" of the type bigint or integer, found no such column"),
        (format!("CREATE TABLE user_events (id text PRIMARY KEY, {rest})"), "found text"),
        (format!("CREATE TABLE user_events (id bigserial, {rest})"), "expected a unique key of (id)"),
        (
            format!("CREATE TABLE user_events (id bigserial, {rest}, UNIQUE (id, type))"),
            "expected a unique key of (id)",
        ),
        (format!("CREATE TABLE user_events (id bigint PRIMARY KEY, {rest})"), "that the database gives out"),
        (
            format!("CREATE TABLE user_events (id bigint GENERATED ALWAYS AS IDENTITY (CACHE 10) PRIMARY KEY, {rest})"),
            "(CACHE 1)",
        ),
        (
            format!("CREATE TABLE user_events (id bigint GENERATED ALWAYS AS IDENTITY (CYCLE) PRIMARY KEY, {rest})"),
            "only go up",
        ),
        (
            format!("CREATE TABLE user_events ({serial}, foreign_id bigint, type integer, timestamp timestamptz)"),
            "\
          \"foreign_id\" of the type text or character varying, found bigint",
        ),
        (format!("CREATE TABLE user_events ({serial}, foreign_id text, type text, timestamp timestamptz)"), "\"type\""),
        (
            format!("CREATE TABLE user_events ({serial}, foreign_id text, type integer, timestamp timestamp)"),
            "\
          \"timestamp\" of the type timestamp with time zone, found timestamp without time zone",
        ),
        ("CREATE VIEW user_events AS SELECT 1 AS id".to_owned(), "found a relation of the kind"),
        (format!("CREATE TABLE user_events ({serial}, {rest})"), "expected a trigger hold_log"),
    ];
    let server = Server::fixture(PgSettings::new()).await;
    let mut conn = server.store.acquire(Access::Write).await.expect("a connection");
    let table = EventTable::new("user_events");
    for (statement, expected) in cases {
        raw_sql(AssertSqlSafe(statement.clone())).execute(&mut *conn).await.expect("a table");
        let error = server.store.inspect_event_table(&mut conn, &table).await.expect_err(&statement);
        assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
        let text = error.to_string();
        assert!(text.contains("the event table user_events") && text.contains(expected), "{statement}: {text}");
        // A view is dropped as one.
        let drop =
            if statement.contains("VIEW") { "DROP VIEW user_events" } else { "DROP TABLE IF EXISTS user_events" };
        raw_sql(AssertSqlSafe(drop)).execute(&mut *conn).await.expect("no table");
    }
}

#[tokio::test]
async fn using_a_table_that_is_missing_says_so() {
    let server = Server::fixture(PgSettings::new()).await;
    let mut conn = server.store.acquire(Access::Write).await.expect("a connection");
    for table in [table(), waited()] {
        let appended = server.store.append_events(&mut conn, &table, &events(&["a"])).await.map(drop);
        let query = TableQuery { after: Position::START, limit: 10, filter: TableFilter::default() };
        let read = server.store.table_events(&mut conn, &table, &query).await.map(drop);
        for error in [appended.expect_err("no table"), read.expect_err("no table")] {
            assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
            assert!(error.to_string().contains("_events: expected a table, found none"), "{error}");
        }
    }
}

#[tokio::test]
async fn a_gap_that_is_larger_than_one_call_takes_is_filled_in_several() {
    let table = waited();
    let server = fixture(&table).await;
    with_ids(&server, "unnest(ARRAY[1, 1000000000000])").await;
    let mut conn = server.store.acquire(Access::Write).await.expect("a connection");
    for filled in [10_001, 20_001] {
        let gap = page_after(&server, &table, filled - 10_000, 100).await.gap.expect("a gap");
        assert_eq!(server.store.fill_gap(&mut conn, &table, gap, NOW).await.expect("a part of it"), 10_000);
        assert_eq!(page_after(&server, &table, filled, 100).await.head.get(), filled);
    }
}

#[tokio::test]
async fn a_table_that_has_lost_its_trigger_is_not_read() {
    let table = table();
    let server = fixture(&table).await;
    let mut conn = server.store.acquire(Access::Write).await.expect("a connection");
    append(&server, &mut conn, &table, &["a"]).await;
    for change in ["ALTER TABLE user_events DISABLE TRIGGER hold_log", "DROP TRIGGER hold_log ON user_events"] {
        server.run(change).await;
        let query = TableQuery { after: Position::START, limit: 10, filter: TableFilter::default() };
        let error = server.store.table_events(&mut conn, &table, &query).await.expect_err(change);
        assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
        assert!(error.to_string().contains("hold_log"), "{error}");
    }
}

/// One transaction: rows of the store's and of plain SQL, some in a savepoint that is kept or not, and an end that keeps them
/// or not.
async fn transaction(server: &Server, table: &EventTable, name: &str, numbers: &mut Numbers) {
    let mut tx = server.store.begin().await.expect("a transaction");
    for part in 0..=numbers.below(3) {
        let id = format!("{name}-{part}");
        let mut savepoint = tx.begin().await.expect("a savepoint");
        if numbers.below(2) == 0 {
            let plain = "INSERT INTO user_events (foreign_id, type) SELECT $1, i FROM generate_series(1, 3) AS i";
            query(plain).bind(&id).execute(&mut *savepoint).await.expect("rows");
        } else {
            append(server, &mut savepoint, table, &[&id, &id]).await;
        }
        pause(numbers).await;
        if numbers.below(3) == 0 {
            savepoint.rollback().await.expect("a rollback to the savepoint");
        } else {
            savepoint.commit().await.expect("a release of the savepoint");
        }
    }
    if numbers.below(3) == 0 {
        tx.rollback().await.expect("a rollback");
    } else {
        tx.commit().await.expect("a commit");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn readers_of_a_busy_table_get_every_event_once_and_in_one_order() {
    const WRITERS: usize = 6;
    const ROUNDS: usize = 40;
    let table = table();
    let server = Arc::new(fixture(&table).await);
    let writing = Arc::new(AtomicUsize::new(WRITERS));
    let (mut writers, mut readers) = (JoinSet::new(), JoinSet::new());
    for writer in 0..WRITERS {
        let (server, table, writing) = (server.clone(), table.clone(), writing.clone());
        writers.spawn(async move {
            let mut numbers = Numbers(writer as u64 + 1);
            for round in 0..ROUNDS {
                transaction(&server, &table, &format!("{writer}-{round}"), &mut numbers).await;
            }
            writing.fetch_sub(1, Ordering::SeqCst);
        });
    }
    for limit in [3, 1_000] {
        let (server, table, writing) = (server.clone(), table.clone(), writing.clone());
        readers.spawn(async move {
            let (mut read, mut after) = (Vec::new(), 0);
            loop {
                let done = writing.load(Ordering::SeqCst) == 0;
                let page = page_after(&server, &table, after, limit).await;
                read.extend(page.events.iter().map(|event| event.position.get()));
                after = page.next.get();
                if done && page.next >= page.head && page.held_back == 0 {
                    return read;
                }
            }
        });
    }
    tokio::time::timeout(HANG, writers.join_all()).await.expect("writers that end");
    let committed: Vec<i64> =
        query_scalar("SELECT id FROM user_events ORDER BY id").fetch_all(server.store.pool()).await.expect("all ids");
    assert!(committed.len() > WRITERS * ROUNDS, "{}", committed.len());
    for read in tokio::time::timeout(HANG, readers.join_all()).await.expect("readers that end") {
        assert_eq!(read, committed);
    }
}

fn waited() -> EventTable {
    EventTable::new("gap_events").gaps(Gaps::Waited)
}

/// Ids that are there, by plain SQL.
async fn with_ids(server: &Server, ids: &str) {
    let insert = format!("INSERT INTO gap_events (id, foreign_id, type) SELECT i, 'e' || i, 1 FROM {ids} AS i");
    server.run(&format!("{insert}; SELECT setval('gap_events_id_seq', (SELECT max(id) FROM gap_events))")).await;
}

#[tokio::test]
async fn readers_stop_at_the_first_gap_wherever_it_is_and_the_page_names_it() {
    let table = waited();
    let server = fixture(&table).await;
    with_ids(&server, "unnest(ARRAY[2, 3])").await;
    let first = page(&server, &table).await;
    assert_eq!((about(&first).len(), first.next.get(), first.head.get()), (0, 0, 0), "the very first is missing");
    assert_eq!((first.gap, first.held_back), (Some(gap(0, 2)), 3));
    with_ids(&server, "unnest(ARRAY[1, 5, 6])").await;
    // Pages that end before the gap know of it as well, and of the head.
    for limit in [1, 2, 3, 4, 100] {
        let read = page_after(&server, &table, 0, limit).await;
        assert_eq!(read.next.get(), i64::from(limit.min(3)));
        assert_eq!((read.head.get(), read.gap, read.held_back), (3, Some(gap(3, 5)), 3), "{limit}");
    }
    let there = page_after(&server, &table, 3, 100).await;
    assert_eq!((there.events.len(), there.next.get(), there.gap), (0, 3, Some(gap(3, 5))));
    with_ids(&server, "unnest(ARRAY[4])").await;
    let all = page_after(&server, &table, 3, 2).await;
    assert_eq!(about(&all), ["e4", "e5"]);
    assert_eq!((all.head.get(), all.gap, all.held_back), (6, None, 0));
    let end = page_after(&server, &table, 6, 2).await;
    assert_eq!((end.next.get(), end.head.get(), end.gap), (6, 6, None));
}

#[tokio::test]
async fn what_was_rolled_back_is_filled_and_what_is_open_is_left() {
    let table = waited();
    let server = fixture(&table).await;
    let mut conn = server.store.acquire(Access::Write).await.expect("a connection");
    let mut undone = server.store.begin().await.expect("a transaction");
    append(&server, &mut undone, &table, &["1", "2"]).await;
    let mut open = server.store.begin().await.expect("a transaction");
    append(&server, &mut open, &table, &["3"]).await;
    append(&server, &mut undone, &table, &["4"]).await;
    undone.rollback().await.expect("a rollback");
    append(&server, &mut conn, &table, &["5"]).await;
    assert_eq!(page(&server, &table).await.gap, Some(gap(0, 5)));
    let filled = server.store.fill_gap(&mut conn, &table, gap(0, 5), NOW).await.expect("a filled gap");
    assert_eq!(filled, 3);
    let read = page(&server, &table).await;
    assert_eq!((about(&read).len(), read.next.get(), read.gap), (0, 2, Some(gap(2, 4))));
    assert_eq!(server.store.fill_gap(&mut conn, &table, gap(2, 4), NOW).await.expect("nothing"), 0);
    let holders = server.store.table_holders(&mut conn, &table).await.expect("holders");
    assert_eq!(holders.len(), 1, "{holders:?}");
    open.commit().await.expect("a row that nobody took the place of");
    assert_eq!(server.store.fill_gap(&mut conn, &table, gap(0, 5), NOW).await.expect("nothing"), 0);
    let read = page(&server, &table).await;
    assert_eq!(about(&read), ["3", "5"]);
    let shown = page(&server, &table.noops(Noops::Shown)).await;
    assert_eq!(about(&shown), ["0", "0", "3", "0", "5"]);
    assert!(shown.events[0].is_noop() && shown.events[0].at == NOW);
}

#[tokio::test]
async fn a_statement_between_its_id_and_its_row_is_waited_for() {
    let table = waited();
    let server = fixture(&table).await;
    // Between id and row there is time for another transaction.
    server
        .run(
            "CREATE FUNCTION dawdle() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
             IF NEW.foreign_id = 'slow' THEN PERFORM pg_advisory_lock(42); END IF; RETURN NEW; END $$; \
             CREATE TRIGGER dawdle BEFORE INSERT ON gap_events FOR EACH ROW EXECUTE FUNCTION dawdle()",
        )
        .await;
    let mut conn = server.store.acquire(Access::Write).await.expect("a connection");
    query("SELECT pg_advisory_lock(42)").execute(&mut *conn).await.expect("a lock");
    let store = server.store.clone();
    let mut inserting = JoinSet::new();
    inserting.spawn(async move {
        let mut tx = store.begin().await.expect("a transaction");
        store.append_events(&mut tx, &waited(), &events(&["slow"])).await.expect("a row");
        tx.commit().await.expect("its commit");
    });
    let waiting = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted";
    while query_scalar::<_, i64>(waiting).fetch_one(&mut *conn).await.expect("a count") == 0 {
        tokio::task::yield_now().await;
    }
    let mut other = server.store.acquire(Access::Write).await.expect("a connection");
    assert_eq!(append(&server, &mut other, &table, &["quick"]).await, [2]);
    assert_eq!(server.store.fill_gap(&mut other, &table, gap(0, 2), NOW).await.expect("nothing"), 0);
    query("SELECT pg_advisory_unlock(42)").execute(&mut *conn).await.expect("no lock");
    let inserted = tokio::time::timeout(HANG, inserting.join_next()).await.expect("an end");
    inserted.expect("a task").expect("an insert that found its place free");
    assert_eq!(about(&page(&server, &table).await), ["slow", "quick"]);
}

#[tokio::test]
async fn nothing_is_filled_beyond_what_is_there() {
    let table = waited();
    let server = fixture(&table).await;
    let mut conn = server.store.acquire(Access::Write).await.expect("a connection");
    append(&server, &mut conn, &table, &["1", "2"]).await;
    assert_eq!(server.store.fill_gap(&mut conn, &table, gap(0, 100), NOW).await.expect("nothing"), 0);
    assert_eq!(append(&server, &mut conn, &table, &["3"]).await, [3]);
    let error = server.store.fill_gap(&mut conn, &EventTable::new("gap_events"), gap(0, 2), NOW).await;
    assert_eq!(error.expect_err("no gaps to fill").kind(), ErrorKind::Invalid);
}

#[tokio::test]
async fn a_trimmed_table_is_read_from_its_mark_and_never_silently_from_before() {
    for gaps in [Gaps::Passed, Gaps::Waited] {
        let table = EventTable::new("user_events").gaps(gaps);
        let server = fixture(&table).await;
        let mut conn = server.store.acquire(Access::Write).await.expect("a connection");
        append(&server, &mut conn, &table, &["1", "2", "3", "4"]).await;
        let trim = |up_to, limit| (Position::new(up_to), limit);
        for ((up_to, limit), events, gone) in [(trim(3, 2), 2, 2), (trim(1, 9), 0, 2), (trim(3, 9), 1, 3)] {
            let trimmed = server.store.trim_table(&mut conn, &table, up_to, limit).await.expect("a trim");
            assert_eq!((trimmed.events, trimmed.up_to.get()), (events, gone));
            assert_eq!(server.store.table_trimmed(&mut conn, &table).await.expect("a mark").get(), gone);
        }
        let error =
            server.store.trim_table(&mut conn, &table, Position::new(5), 9).await.expect_err("no such position");
        assert_eq!(error.kind(), ErrorKind::Invalid, "{error}");
        assert_eq!(about(&page(&server, &table).await), ["4"]);
        assert_eq!(about(&page_after(&server, &table, 3, 9).await), ["4"]);
        let old = TableQuery { after: Position::new(2), limit: 9, filter: TableFilter::default() };
        let error = server.store.table_events(&mut conn, &table, &old).await.expect_err("too old");
        assert_eq!(error.kind(), ErrorKind::CursorTooOld, "{error}");
        server.store.trim_table(&mut conn, &table, Position::new(4), 9).await.expect("a trim of all");
        let none = TableQuery { filter: TableFilter::of_kinds([9]), ..old };
        let error = server.store.table_events(&mut conn, &table, &none).await.expect_err("too old");
        assert_eq!(error.kind(), ErrorKind::CursorTooOld, "{error}");
        assert_eq!(append(&server, &mut conn, &table, &["5"]).await, [5]);
        let rest = page(&server, &table).await;
        assert_eq!((about(&rest), rest.gap), (vec!["5".to_owned()], None));
    }
}

#[tokio::test]
async fn a_filter_leaves_out_and_still_moves_on() {
    for gaps in [Gaps::Passed, Gaps::Waited] {
        let table = EventTable::new("user_events").gaps(gaps);
        let server = fixture(&table).await;
        let mut conn = server.store.acquire(Access::Write).await.expect("a connection");
        let all = [("a1", 1), ("b1", 2), ("a2", 2), ("b%", 3)].map(|(id, kind)| NewEvent::new(id, kind, NOW));
        server.store.append_events(&mut conn, &table, &all).await.expect("events");
        for (kinds, prefix, expected) in [
            (Some(vec![2]), None, vec!["b1", "a2"]),
            (Some(vec![]), None, vec![]),
            (None, Some("a"), vec!["a1", "a2"]),
            (None, Some("b%"), vec!["b%"]),
            (None, Some("a\0"), vec![]),
            (Some(vec![1, 2]), Some("b"), vec!["b1"]),
        ] {
            let filter = TableFilter {
                kinds: kinds.map(|kinds: Vec<i64>| kinds.into_iter().collect()),
                foreign_id_prefix: prefix.map(ToOwned::to_owned),
            };
            let query = TableQuery { after: Position::START, limit: 100, filter };
            let page = server.store.table_events(&mut conn, &table, &query).await.expect("a page");
            assert_eq!((about(&page), page.next.get()), (expected.iter().map(ToString::to_string).collect(), 4));
        }
    }
}

#[tokio::test]
async fn a_cursor_of_text_moves_as_a_number_and_only_forwards() {
    let server = Server::fixture(PgSettings::new()).await;
    let mut conn = server.store.acquire(Access::Write).await.expect("a connection");
    for kind in [CursorType::Int, CursorType::Text] {
        let table = CursorTable::new(format!("cursors_{kind:?}")).positions(kind);
        let store = &server.store;
        store.create_cursor_table(&mut conn, &table).await.expect("a table");
        store.inspect_cursor_table(&mut conn, &table).await.expect("a table that is as it should be");
        assert_eq!(store.table_cursor(&mut conn, &table, "c").await.expect("none"), None);
        for (to, moved, stands) in [
            (9, CursorMove::Done, 9),
            (10, CursorMove::Done, 10),
            (10, CursorMove::Done, 10),
            (9, CursorMove::Behind(Position::new(10)), 10),
            (100, CursorMove::Done, 100),
        ] {
            let done = store.move_table_cursor(&mut conn, &table, "c", Position::new(to), NOW).await;
            assert_eq!(done.expect("a move"), moved, "{to}");
            let found = store.table_cursor(&mut conn, &table, "c").await.expect("a position");
            assert_eq!(found.map(Position::get), Some(stands));
        }
    }
    server.run("UPDATE \"cursors_Text\" SET last_event_id = 'x'").await;
    let table = CursorTable::new("cursors_Text").positions(CursorType::Text);
    let moved = server.store.move_table_cursor(&mut conn, &table, "c", Position::new(101), NOW).await;
    assert_eq!(moved.expect_err("no position").kind(), ErrorKind::Corrupt);
    let wrong = CursorTable::new("cursors_Text");
    let error = server.store.inspect_cursor_table(&mut conn, &wrong).await.expect_err("text");
    assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
}
