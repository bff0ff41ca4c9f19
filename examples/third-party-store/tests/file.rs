//! What the contract cannot ask for, because it takes a file: what is on the disk, and what is wrong with it.

use delta_core::{
    Access, Change, Changeset, Cursor, CursorQuery, Depth, ErrorKind, EventDraft, EventKind, EventQuery, Insert, Load,
    LoadBy, Position, Reason, Resource, ResourceId, Result, Store, Timestamp,
};
use delta_testkit::fault::{Calls, Fault, FaultPlan, FaultStore, Operation};
use redb::{ReadableTable, TableDefinition};
use tempfile::TempDir;
use third_party_store::RedbStore;

const NOW: Timestamp = Timestamp::from_micros(1_767_225_600_000_001);

fn file() -> (TempDir, RedbStore) {
    let directory = tempfile::tempdir().expect("a directory");
    let store = RedbStore::open(directory.path().join("delta.redb")).expect("a store");
    (directory, store)
}

/// A changeset that inserts a row with its event.
fn insert() -> Changeset {
    let row: Resource = serde_json::from_str(include_str!("row.json")).expect("a row");
    let kind = EventKind::Scheduled(Reason::Created);
    let events = vec![EventDraft { kind, generation: None, attempt: None, with_object: false }];
    Changeset { changes: vec![Change::Insert(Box::new(Insert { row, events }))], ..Changeset::new(NOW) }
}

async fn rows(store: &RedbStore) -> Result<Vec<Resource>> {
    let mut conn = store.acquire(Access::Read).await?;
    let by = LoadBy::Ids((1..10).map(ResourceId::new).collect());
    store.load(&mut conn, &Load { by, depth: Depth::Full, access: Access::Read }).await
}

#[tokio::test]
async fn what_is_committed_is_there_after_the_file_is_opened_again() -> Result<()> {
    let (directory, store) = file();
    let mut conn = store.acquire(Access::Write).await?;
    let changes = Changeset { cursors: vec![Cursor::new("mailer").put()], ..insert() };
    store.commit(&mut conn, &changes).await?;
    let (rows_before, path) = (rows(&store).await?, directory.path().join("delta.redb"));
    assert_eq!(rows_before.len(), 1);

    let busy = RedbStore::open(&path).expect_err("it is open");
    assert_eq!(busy.kind(), ErrorKind::Unavailable);
    drop((conn, store));
    let store = RedbStore::open(&path)?;
    assert_eq!(rows(&store).await?, rows_before);
    let mut conn = store.acquire(Access::Read).await?;
    assert_eq!(store.cursors(&mut conn, &CursorQuery::Prefix(String::new())).await?.len(), 1);
    let query = EventQuery { after: Position::START, limit: 9, filter: delta_core::EventFilter::default() };
    assert_eq!(store.events(&mut conn, &query).await?.events.len(), 1);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_writer_whose_turn_does_not_come_is_told_so() -> Result<()> {
    let (_directory, store) = file();
    let held = store.acquire(Access::Write).await?;
    let error = store.acquire(Access::Write).await.map(drop).expect_err("there is one writer");
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    store.acquire(Access::Read).await?;
    drop(held);
    store.acquire(Access::Write).await?;
    Ok(())
}

#[tokio::test]
async fn a_connection_for_reading_does_not_write() -> Result<()> {
    let (_directory, store) = file();
    let mut conn = store.acquire(Access::Read).await?;
    assert_eq!(conn.begin().expect_err("for reading").kind(), ErrorKind::Invalid);
    assert_eq!(store.commit(&mut conn, &insert()).await.expect_err("for reading").kind(), ErrorKind::Invalid);
    Ok(())
}

#[tokio::test]
async fn tables_of_the_callers_own_are_written_in_the_same_transaction() -> Result<()> {
    const ORDERS: TableDefinition<&str, u64> = TableDefinition::new("orders");
    let (_directory, store) = file();
    for (order, keep) in [("dropped", false), ("kept", true)] {
        let mut conn = store.acquire(Access::Write).await?;
        conn.begin()?;
        let tx = conn.transaction().expect("a transaction");
        tx.open_table(ORDERS).expect("a table").insert(order, 1).expect("a write");
        store.commit(&mut conn, &insert()).await?;
        if keep {
            conn.commit()?;
        }
    }
    assert_eq!(rows(&store).await?.len(), 1);
    let mut conn = store.acquire(Access::Write).await?;
    conn.begin()?;
    let orders = conn.transaction().expect("a transaction").open_table(ORDERS).expect("a table");
    assert!(orders.get("kept").expect("a read").is_some() && orders.get("dropped").expect("a read").is_none());
    Ok(())
}

/// redb has no savepoint within a transaction, so what cannot be written whole ends it.
#[tokio::test]
async fn a_write_that_fails_half_way_ends_the_callers_transaction() -> Result<()> {
    const SCOPES: TableDefinition<(u8, &str), &[u8]> = TableDefinition::new("scopes");
    let (_directory, store) = file();
    let mut conn = store.acquire(Access::Write).await?;
    conn.begin()?;
    let tx = conn.transaction().expect("a transaction");
    tx.open_table(SCOPES).expect("a table").insert((0, "thing"), &b"damaged"[..]).expect("a write");
    let pause = delta_core::ScopeChange {
        scope: delta_core::Scope::Kind(delta_core::Name::new("thing").expect("a name")),
        write: delta_core::ScopeWrite::Pause,
    };
    // The row is written before the damaged scope is found.
    let error = store.commit(&mut conn, &Changeset { scopes: vec![pause], ..insert() }).await.expect_err("damaged");
    assert_eq!(error.kind(), ErrorKind::Corrupt);
    let error = store.commit(&mut conn, &insert()).await.expect_err("the transaction is over");
    assert_eq!(error.kind(), ErrorKind::Conflict);
    assert_eq!(conn.commit().expect_err("the transaction is over").kind(), ErrorKind::Conflict);
    assert_eq!(rows(&store).await?, []);
    store.commit(&mut conn, &insert()).await?;
    Ok(())
}

#[tokio::test]
async fn tables_of_another_version_are_refused() -> Result<()> {
    const NUMBERS: TableDefinition<&str, i64> = TableDefinition::new("numbers");
    let (_directory, store) = file();
    let mut conn = store.acquire(Access::Write).await?;
    store.check(&mut conn).await?;
    conn.begin()?;
    let tx = conn.transaction().expect("a transaction");
    tx.open_table(NUMBERS).expect("a table").insert("version", 2).expect("a write");
    conn.commit()?;
    let error = store.check(&mut conn).await.expect_err("another version");
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert!(error.to_string().contains("expected tables of version 1, found 2"), "{error}");
    Ok(())
}

/// Whoever loses an answer repeats the changeset, and the fence tells that it was done.
#[tokio::test]
async fn a_changeset_whose_answer_is_lost_is_not_done_twice() -> Result<()> {
    let (_directory, store) = file();
    let plan = FaultPlan::new();
    let faulty = FaultStore::new(store.clone(), plan.clone());
    plan.inject(Operation::Commit, Calls::Nth(1), Fault::LoseAnswer);
    let mut conn = faulty.acquire(Access::Write).await?;
    assert_eq!(faulty.commit(&mut conn, &insert()).await.expect_err("lost").kind(), ErrorKind::Unavailable);
    faulty.discard(conn);
    let mut conn = faulty.acquire(Access::Write).await?;
    let receipt = faulty.commit(&mut conn, &insert()).await?;
    assert_eq!((receipt.outcomes, plan.hits()), (vec![delta_core::Outcome::Stale], 1));
    assert_eq!(rows(&store).await?.len(), 1);
    Ok(())
}

/// The README says so.
#[test]
fn it_takes_less_than_700_lines_of_code() {
    let source = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut lines = 0;
    for file in std::fs::read_dir(source).expect("the source") {
        let text = std::fs::read_to_string(file.expect("a file").path()).expect("a text");
        let code = text.lines().map(str::trim).take_while(|line| *line != "#[cfg(test)]");
        lines += code.filter(|line| !line.is_empty() && !line.starts_with("//")).count();
    }
    assert!((300..700).contains(&lines), "{lines} lines");
}
