use delta::core::{
    Access, EventTable, EventTables as _, ForeignId, ForeignIdType, Gap, Gaps, LogPage, NewEvent, Noops, Store,
    TableEvent, TableFilter, Trace,
};
use delta::{ErrorKind, Inserter, MemoryStore, Position, Result, Timestamp};
use futures::StreamExt as _;
use futures::future::BoxFuture;

use crate::kit::*;

async fn next(events: &mut (impl futures::Stream<Item = Result<TableEvent>> + Unpin)) -> TableEvent {
    events.next().await.unwrap().unwrap()
}

#[tokio::test(start_paused = true)]
async fn an_event_is_read_as_it_was_inserted_once_its_transaction_has_committed() {
    let store = store();
    let client = patient(&store);
    let log = log_of(&client, table().metadata_column("metadata").trace_column("trace")).await;
    let mut events = all(&log.log());
    let mut tx = store.begin().await.unwrap();
    let rolled_back = log.insert(&mut tx, "nobody", 1).await.unwrap();
    tx.rollback().await;
    drop(rolled_back);
    pass(10 * SECOND).await;
    let mut tx = store.begin().await.unwrap();
    let first = log.insert(&mut tx, "u1", 7).await.unwrap();
    let second = log.insert_with_metadata(&mut tx, "u2", 8, b"by mail".to_vec()).await.unwrap();
    assert_eq!(first.positions().len(), 1);
    tx.commit().await.unwrap();
    let at = next(&mut events).await;
    assert_eq!((at.position, at.foreign_id, at.kind), (first.positions()[0], ForeignId::from("u1"), 7));
    assert_eq!(at.at.as_micros(), 1_700_000_010_000_000, "the server's time");
    let event = next(&mut events).await;
    assert_eq!((event.position, event.kind, event.metadata), (second.positions()[0], 8, Some(b"by mail".to_vec())));
    first.send();
    second.send();
}

#[tokio::test(start_paused = true)]
async fn many_events_are_appended_in_their_order_with_times_and_traces_of_their_own() {
    let store = store();
    let client = patient(&store);
    let log = log_of(&client, table().trace_column("trace")).await;
    let trace = Trace::new("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01").unwrap();
    let with_trace = NewEvent { trace: Some(trace.clone()), ..NewEvent::new("a", 1, Timestamp::from_micros(5)) };
    let mut tx = store.begin().await.unwrap();
    let wake = log.append(&mut tx, &[with_trace, NewEvent::new("b", 2, Timestamp::from_micros(4))]).await.unwrap();
    tx.commit().await.unwrap();
    wake.send();
    let mut events = all(&log.log());
    let first = next(&mut events).await;
    assert_eq!((first.at.as_micros(), first.trace), (5, Some(trace)));
    assert_eq!(next(&mut events).await.at.as_micros(), 4);
}

#[tokio::test(start_paused = true)]
async fn what_a_table_cannot_hold_is_refused_and_nothing_is_written() {
    let store = store();
    let client = patient(&store);
    let log = log_of(&client, table()).await;
    let ints = log_of(&client, EventTable::new("int_events").foreign_ids(ForeignIdType::Int)).await;
    let mut tx = store.begin().await.unwrap();
    for error in [
        log.insert(&mut tx, "0", 0).await.unwrap_err(),
        log.insert_with_metadata(&mut tx, "u1", 1, b"no column".to_vec()).await.unwrap_err(),
        log.insert(&mut tx, 7, 1).await.unwrap_err(),
        log.insert(&mut tx, "x".repeat(256), 1).await.unwrap_err(),
        ints.insert(&mut tx, "u1", 1).await.unwrap_err(),
        ints.insert(&mut tx, 0, 0).await.unwrap_err(),
    ] {
        assert_eq!(error.kind(), ErrorKind::Invalid, "{error}");
    }
    let wake = ints.insert(&mut tx, 7, 1).await.unwrap();
    tx.commit().await.unwrap();
    wake.send();
    assert_eq!(next(&mut all(&ints.log())).await.foreign_id, ForeignId::Int(7));
    let page = log.log().page(Position::START, 10, &TableFilter::default()).await.unwrap();
    assert_eq!(page.events, []);
}

#[tokio::test(start_paused = true)]
async fn a_table_that_is_not_there_or_wrong_is_told_by_an_inspection() {
    let store = store();
    let client = patient(&store);
    assert_eq!(client.event_log(EventTable::new("drop table")).unwrap_err().kind(), ErrorKind::Invalid);
    let log = client.event_log(table()).unwrap();
    assert_eq!(log.inspect().await.unwrap_err().kind(), ErrorKind::Unsupported);
    log.create().await.unwrap();
    log.create().await.unwrap();
    log.inspect().await.unwrap();
    assert_eq!(log.sql().unwrap(), store.event_table_sql(log.table()).unwrap());
    let other = client.event_log(table().metadata_column("metadata")).unwrap();
    assert_eq!(other.inspect().await.unwrap_err().kind(), ErrorKind::Unsupported);
}

#[tokio::test(start_paused = true)]
async fn noop_events_are_hidden_unless_the_table_shows_them() {
    let store = store();
    let client = patient(&store);
    let waited = table().gaps(Gaps::Waited);
    let log = log_of(&client, waited.clone()).await;
    let mut tx = store.begin().await.unwrap();
    let lost = log.insert(&mut tx, "a", 1).await.unwrap();
    tx.rollback().await;
    drop(lost);
    append(&store, &log, "b").await;
    let mut conn = store.acquire(Access::Write).await.unwrap();
    let gap = Gap { after: Position::START, before: Position::new(2) };
    assert_eq!(store.fill_gap(&mut conn, &waited, gap, Timestamp::EPOCH).await.unwrap(), 1);
    assert_eq!(take(&mut all(&log.log()), 1).await, [2]);
    let shown = client.event_log(waited.noops(Noops::Shown)).unwrap();
    let mut events = all(&shown.log());
    assert!(next(&mut events).await.is_noop());
    assert_eq!(take(&mut events, 1).await, [2]);
}

/// Appends everything with another type.
struct Typed(MemoryStore);

impl Inserter<MemoryStore> for Typed {
    fn insert<'a>(
        &'a self,
        conn: &'a mut <MemoryStore as Store>::Conn,
        table: &'a EventTable,
        events: &'a [NewEvent],
    ) -> BoxFuture<'a, Result<Vec<Position>>> {
        Box::pin(async move {
            let events: Vec<NewEvent> = events.iter().map(|event| NewEvent { kind: 100, ..event.clone() }).collect();
            self.0.append_events(conn, table, &events).await
        })
    }
}

#[tokio::test(start_paused = true)]
async fn inserter_and_loader_may_be_replaced() {
    let store = store();
    let client = patient(&store);
    let log = log_of(&client, table()).await;
    let log = log.clone().with_inserter(Typed(store.clone())).with_loader(Meddled::new(&log, |_, page| {
        let about = |mut event: TableEvent| {
            event.foreign_id = format!("{}!", event.foreign_id).into();
            event
        };
        std::future::ready(page.map(|page| LogPage { events: page.events.into_iter().map(about).collect(), ..page }))
    }));
    append(&store, &log, "a").await;
    let event = next(&mut all(&log.log())).await;
    assert_eq!((event.foreign_id, event.kind), ("a!".into(), 100));
    let untouched = next(&mut all(&client.event_log(table()).unwrap().log())).await;
    assert_eq!(untouched.foreign_id, "a".into(), "its readers share nothing with the others");
}
