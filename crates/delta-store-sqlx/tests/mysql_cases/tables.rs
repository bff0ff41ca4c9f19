//! T1 to T7 on a real server: plain SQL beside Delta's own inserts, at the isolation that clients come with.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use delta_core::{
    Access, ErrorKind, EventTable, EventTables, Gap, Gaps, LogPage, LogStore, NewEvent, Noops, Position, Store,
    TableEvent, TableFilter, TableQuery, Timestamp, Trace,
};
use delta_store_sqlx::sqlx::{AssertSqlSafe, Connection, MySqlConnection, query_scalar, raw_sql};
use tokio::task::JoinSet;

use super::rows::NOW;
use crate::mysql_support::Server;

fn at(micros: i64) -> Timestamp {
    Timestamp::from_micros(micros)
}

fn table() -> EventTable {
    EventTable::new("user_events").metadata_column("metadata").trace_column("trace")
}

fn all(after: Position) -> TableQuery {
    TableQuery { after, limit: 1_000, filter: TableFilter::default() }
}

async fn page(server: &Server, table: &EventTable, after: i64) -> LogPage<TableEvent> {
    let mut conn = server.store.acquire(Access::Read).await.expect("a connection");
    server.store.table_events(&mut conn, table, &all(Position::new(after))).await.expect("a page")
}

fn ids(page: &LogPage<TableEvent>) -> Vec<i64> {
    page.events.iter().map(|event| event.position.get()).collect()
}

async fn made(table: &EventTable) -> Server {
    let server = Server::fixture().await;
    let mut conn = server.store.acquire(Access::Write).await.expect("a connection");
    server.store.create_event_table(&mut conn, table).await.expect("a table");
    server.store.inspect_event_table(&mut conn, table).await.expect("a table that is as it should be");
    drop(conn);
    server
}

/// A session as any program has it, which nobody told anything.
async fn plain(server: &Server) -> MySqlConnection {
    let mut conn = MySqlConnection::connect(server.database.url()).await.expect("a connection");
    raw_sql("SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ").execute(&mut conn).await.expect("a setting");
    conn
}

async fn run(conn: &mut MySqlConnection, text: &str) {
    raw_sql(AssertSqlSafe(text.to_owned())).execute(conn).await.expect(text);
}

const INSERT: &str = "INSERT INTO user_events (foreign_id, type, timestamp) VALUES ('plain', 1, UTC_TIMESTAMP(6))";

#[tokio::test]
async fn an_event_comes_back_as_it_was_appended() {
    let table = table();
    let server = made(&table).await;
    let mut conn = server.store.acquire(Access::Write).await.expect("a connection");
    let event = NewEvent {
        metadata: Some(vec![0, 255, 7]),
        trace: Some(Trace::from_stored("00-ab-cd-01".to_owned())),
        ..NewEvent::new("ä '\\ 7", -7, at(1_700_000_000_123_456))
    };
    let old = NewEvent::new("old", i64::MAX, at(-1));
    let positions = server.store.append_events(&mut conn, &table, &[event.clone(), old]).await.expect("positions");
    assert_eq!(positions, [Position::new(1), Position::new(2)]);
    let read = page(&server, &table, 0).await;
    assert_eq!((read.head, read.next, read.held_back, read.gap), (Position::new(2), Position::new(2), 0, None));
    let first = &read.events[0];
    assert_eq!((&first.foreign_id, first.kind, first.at), (&event.foreign_id, -7, event.at));
    assert_eq!((&first.metadata, &first.trace), (&event.metadata, &event.trace));
    assert_eq!((read.events[1].kind, read.events[1].at), (i64::MAX, at(-1)));
    let filter = TableFilter { foreign_id_prefix: Some("ä '\\".to_owned()), ..TableFilter::default() };
    let query = TableQuery { filter, ..all(Position::START) };
    assert_eq!(ids(&server.store.table_events(&mut conn, &table, &query).await.expect("a page")), [1]);
    let query = TableQuery { filter: TableFilter::of_kinds([i64::MAX, 3]), ..all(Position::START) };
    assert_eq!(ids(&server.store.table_events(&mut conn, &table, &query).await.expect("a page")), [2]);
}

#[tokio::test]
async fn rows_of_plain_sql_hold_readers_back_until_they_are_committed_the_very_first_too() {
    let table = table();
    for insert in [
        INSERT.to_owned(),
        format!("{INSERT}, ('plain', 2, UTC_TIMESTAMP(6)), ('plain', 3, UTC_TIMESTAMP(6))"),
        "INSERT INTO user_events (foreign_id, type, timestamp) SELECT 'plain', seq, UTC_TIMESTAMP(6) FROM seq_1_to_50"
            .to_owned(),
        "REPLACE INTO user_events (foreign_id, type, timestamp) VALUES ('plain', 1, UTC_TIMESTAMP(6))".to_owned(),
    ] {
        let server = made(&table).await;
        let mut slow = plain(&server).await;
        run(&mut slow, "START TRANSACTION").await;
        run(&mut slow, &insert).await;
        let mut conn = server.store.acquire(Access::Write).await.expect("a connection");
        let quick = [NewEvent::new("quick", 1, NOW)];
        let quick = server.store.append_events(&mut conn, &table, &quick).await.expect("positions")[0];
        assert!(quick.get() > 1);
        let read = page(&server, &table, 0).await;
        assert_eq!((ids(&read), read.head), (vec![], Position::START), "{insert}");
        assert_eq!(read.end(), quick);
        run(&mut slow, "COMMIT").await;
        let read = page(&server, &table, 0).await;
        assert_eq!((read.head, read.events.last().map(|last| last.position)), (quick, Some(quick)));
        assert_eq!(read.events[0].position, Position::new(1), "{insert}");
    }
}

#[tokio::test]
async fn an_id_is_given_out_after_the_share_was_taken() {
    let table = table();
    let server = made(&table).await;
    let mut blocking = plain(&server).await;
    run(&mut blocking, "START TRANSACTION; SELECT slot FROM user_events_mark FOR UPDATE").await;
    let mut waiting = plain(&server).await;
    let number: i64 =
        query_scalar("SELECT CAST(CONNECTION_ID() AS SIGNED)").fetch_one(&mut waiting).await.expect("a number");
    let mut inserting = JoinSet::new();
    inserting.spawn(async move { run(&mut waiting, INSERT).await });
    let mut other = plain(&server).await;
    let waits = format!(
        "SELECT COUNT(*) FROM information_schema.INNODB_TRX WHERE trx_state = 'LOCK WAIT' AND trx_mysql_thread_id = {number}"
    );
    while query_scalar::<_, i64>(AssertSqlSafe(waits.clone())).fetch_one(&mut other).await.expect("a count") == 0 {
        // The server gathers this anew only where nobody has asked for a tenth of a second.
        run(&mut other, "SELECT SLEEP(0.11)").await;
    }
    let next = "SELECT CAST(AUTO_INCREMENT AS SIGNED) FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE() \
                AND TABLE_NAME = 'user_events'";
    let next: Option<i64> = query_scalar(next).fetch_one(&mut other).await.expect("the next id");
    assert_eq!(next, Some(1), "none is given out yet");
    run(&mut blocking, "ROLLBACK").await;
    inserting.join_next().await.expect("a task").expect("its end");
    assert_eq!(ids(&page(&server, &table, 0).await), [1]);
}

#[tokio::test]
async fn a_transaction_that_wrote_to_other_tables_holds_nobody_back() {
    let table = table();
    let server = made(&table).await;
    server.run("CREATE TABLE mine (id integer)").await;
    let mut open = plain(&server).await;
    run(&mut open, "START TRANSACTION; INSERT INTO mine VALUES (1); SELECT * FROM user_events").await;
    let mut rolled_back = plain(&server).await;
    run(&mut rolled_back, &format!("START TRANSACTION; {INSERT}; ROLLBACK; {INSERT}")).await;
    assert_eq!(ids(&page(&server, &table, 0).await), [2]);
    let mut conn = server.store.acquire(Access::Read).await.expect("a connection");
    assert_eq!(server.store.table_holders(&mut conn, &table).await.expect("holders"), []);
}

#[tokio::test]
async fn who_holds_a_table_is_named() {
    let table = table();
    let server = made(&table).await;
    let (mut slow, mut unrelated) = (plain(&server).await, plain(&server).await);
    server.run("CREATE TABLE mine (id integer)").await;
    run(&mut unrelated, "START TRANSACTION; INSERT INTO mine VALUES (1)").await;
    let number: i64 =
        query_scalar("SELECT CAST(CONNECTION_ID() AS SIGNED)").fetch_one(&mut slow).await.expect("a number");
    run(&mut slow, "START TRANSACTION").await;
    run(&mut slow, INSERT).await;
    let mut conn = server.store.acquire(Access::Write).await.expect("a connection");
    server.store.append_events(&mut conn, &table, &[NewEvent::new("quick", 1, NOW)]).await.expect("positions");
    let told = tokio::time::timeout(Duration::from_secs(1), server.store.table_holders(&mut conn, &table)).await;
    let holders = told.expect("an answer within a second").expect("holders");
    assert_eq!(holders.iter().map(|holder| holder.session.clone()).collect::<Vec<_>>(), [number.to_string()]);
    assert!(holders[0].age < Duration::from_mins(1), "{holders:?}");
    let mut busy = JoinSet::new();
    busy.spawn(async move {
        run(&mut slow, "SELECT SLEEP(1.5)").await;
        slow
    });
    loop {
        let holders = server.store.table_holders(&mut conn, &table).await.expect("holders");
        if holders[0].statement == "SELECT SLEEP(1.5)" {
            assert_eq!((holders.len(), &holders[0].session), (1, &number.to_string()));
            break;
        }
        assert!(busy.try_join_next().is_none(), "{holders:?}");
    }
    drop(busy.join_next().await.expect("a task").expect("its end"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn readers_of_a_busy_table_get_every_event_once_and_in_one_order() {
    let table = table();
    let server = Arc::new(made(&table).await);
    let mut writers = JoinSet::new();
    for writer in 0..6_i64 {
        let server = server.clone();
        writers.spawn(async move {
            let mut conn = plain(&server).await;
            for round in 0..60_i64 {
                run(&mut conn, "START TRANSACTION").await;
                for _ in 0..=(round % 3) {
                    run(&mut conn, INSERT).await;
                }
                run(&mut conn, if (writer + round) % 3 == 0 { "ROLLBACK" } else { "COMMIT" }).await;
            }
        });
    }
    let (reading, stop) = (server.clone(), Arc::new(AtomicBool::new(false)));
    let stopped = stop.clone();
    let mut reader = JoinSet::new();
    reader.spawn(async move {
        let (mut read, mut after) = (Vec::new(), 0);
        loop {
            let done = stopped.load(Ordering::SeqCst);
            let page = page(&reading, &self::table(), after).await;
            read.extend(ids(&page));
            after = page.next.get();
            if done && page.held_back == 0 && page.next >= page.head {
                return read;
            }
        }
    });
    writers.join_all().await;
    stop.store(true, Ordering::SeqCst);
    let read =
        tokio::time::timeout(Duration::from_mins(2), reader.join_all()).await.expect("a reader that ends").remove(0);
    let committed: Vec<i64> =
        query_scalar("SELECT id FROM user_events ORDER BY id").fetch_all(server.store.pool()).await.expect("all ids");
    assert!(committed.len() > 200, "{}", committed.len());
    assert_eq!(read, committed);
}

fn waited() -> EventTable {
    table().gaps(Gaps::Waited)
}

#[tokio::test]
async fn readers_wait_at_a_gap_that_is_filled_only_where_no_transaction_has_the_id() {
    let table = waited();
    let server = made(&table).await;
    let mut open = plain(&server).await;
    run(&mut open, "START TRANSACTION").await;
    run(&mut open, INSERT).await;
    let mut other = plain(&server).await;
    run(&mut other, &format!("START TRANSACTION; {INSERT}; ROLLBACK; {INSERT}")).await;
    let read = page(&server, &table, 0).await;
    let gap = Gap { after: Position::START, before: Position::new(3) };
    assert_eq!((ids(&read), read.head, read.gap, read.held_back), (vec![], Position::START, Some(gap), 3));
    let mut conn = server.store.acquire(Access::Write).await.expect("a connection");
    let filled = tokio::time::timeout(Duration::from_secs(2), server.store.fill_gap(&mut conn, &table, gap, NOW)).await;
    assert_eq!(filled.expect("an answer without a wait").expect("a count"), 1);
    let read = page(&server, &table, 0).await;
    assert_eq!(read.gap, Some(Gap { after: Position::START, before: Position::new(2) }));
    run(&mut open, "COMMIT").await;
    assert_eq!(server.store.fill_gap(&mut conn, &table, gap, NOW).await.expect("a count"), 0);
    let read = page(&server, &table, 0).await;
    assert_eq!((ids(&read), read.head, read.gap), (vec![1, 3], Position::new(3), None), "noops are hidden");
    assert_eq!(ids(&page(&server, &waited().noops(Noops::Shown), 0).await), [1, 2, 3]);
    let wait: i64 = query_scalar("SELECT CAST(@@SESSION.innodb_lock_wait_timeout AS SIGNED)")
        .fetch_one(&mut *conn)
        .await
        .expect("it");
    assert_eq!(wait, 5, "the session is as it was");
}

#[tokio::test]
async fn a_table_is_trimmed_with_a_mark() {
    for table in [table(), waited()] {
        let server = made(&table).await;
        let mut conn = server.store.acquire(Access::Write).await.expect("a connection");
        let events: Vec<NewEvent> = (1..=10).map(|kind| NewEvent::new("a", kind, NOW)).collect();
        server.store.append_events(&mut conn, &table, &events).await.expect("positions");
        let trim = server.store.trim_table(&mut conn, &table, Position::new(11), 100).await;
        assert_eq!(trim.expect_err("past the head").kind(), ErrorKind::Invalid);
        let trim = server.store.trim_table(&mut conn, &table, Position::new(7), 4).await.expect("a trim");
        assert_eq!((trim.events, trim.up_to), (4, Position::new(4)));
        let error = server.store.table_events(&mut conn, &table, &all(Position::new(3))).await.expect_err("gone");
        assert_eq!(error.kind(), ErrorKind::CursorTooOld, "{error}");
        assert_eq!(ids(&page(&server, &table, 0).await), [5, 6, 7, 8, 9, 10]);
        assert_eq!(ids(&page(&server, &table, 4).await), [5, 6, 7, 8, 9, 10]);
        let trim = server.store.trim_table(&mut conn, &table, Position::new(10), 100).await.expect("a trim");
        assert_eq!((trim.events, trim.up_to), (6, Position::new(10)));
        let read = page(&server, &table, 10).await;
        assert_eq!((read.head, read.gap, read.held_back), (Position::new(10), None, 0));
        assert_eq!(server.store.table_trimmed(&mut conn, &table).await.expect("a mark"), Position::new(10));
        assert_eq!(server.store.trimmed(&mut conn).await.expect("another log's"), Position::START);
        let next = server.store.append_events(&mut conn, &table, &events[..1]).await.expect("positions");
        assert_eq!(next, [Position::new(11)]);
        assert_eq!(ids(&page(&server, &table, 0).await), [11]);
    }
}

#[tokio::test]
async fn what_a_live_table_lacks_is_named() {
    let table = table();
    for (change, found) in [
        ("DROP TABLE user_events", "found no such table"),
        ("ALTER TABLE user_events DROP COLUMN metadata", "the column metadata"),
        ("ALTER TABLE user_events MODIFY type VARCHAR(10)", "type"),
        ("ALTER TABLE user_events MODIFY id BIGINT NOT NULL", "AUTO_INCREMENT"),
        ("ALTER TABLE user_events DROP PRIMARY KEY, ADD KEY (id)", "a unique key of id, found none"),
        ("DROP TRIGGER user_events_mark", "a trigger before each insert"),
        ("DROP TABLE user_events_mark", "table user_events_mark: expected it to exist"),
        ("DELETE FROM user_events_mark WHERE slot = 5", "rows numbered from -16 to 63"),
    ] {
        let server = made(&table).await;
        server.run(change).await;
        let mut conn = server.store.acquire(Access::Read).await.expect("a connection");
        let error = server.store.inspect_event_table(&mut conn, &table).await.expect_err(change);
        assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
        assert!(error.to_string().contains(found) && error.to_string().contains("user_events"), "{error}");
    }
}

#[tokio::test]
async fn a_row_without_its_mark_is_refused() {
    let server = made(&table()).await;
    server.run("DELETE FROM user_events_mark").await;
    let mut conn = plain(&server).await;
    let error = raw_sql(INSERT).execute(&mut conn).await.expect_err("no mark");
    assert!(error.to_string().contains("expected a mark"), "{error}");
}

#[tokio::test]
async fn the_printed_statements_make_the_table_and_ten_processes_may_make_it_at_once() {
    let (server, table) = (Server::fixture().await, table());
    server.run(&server.store.event_table_sql(&table).expect("statements")).await;
    let mut conn = server.store.acquire(Access::Read).await.expect("a connection");
    server.store.inspect_event_table(&mut conn, &table).await.expect("a table as it should be");
    let other = Arc::new(EventTable::new("others"));
    let mut making = JoinSet::new();
    for _ in 0..10 {
        let (store, other) = (server.store.clone(), other.clone());
        making.spawn(async move {
            let mut conn = store.acquire(Access::Write).await?;
            store.create_event_table(&mut conn, &other).await
        });
    }
    for made in making.join_all().await {
        made.expect("a table");
    }
    server.store.inspect_event_table(&mut conn, &other).await.expect("a table as it should be");
    server.run("DROP TRIGGER others_mark").await;
    server.store.create_event_table(&mut conn, &other).await.expect("the rest");
    server.store.inspect_event_table(&mut conn, &other).await.expect("a table as it should be");
}
