//! L1: transactions of Delta's own.

use delta_core::{
    Access, Cursor, DeadLetter, DeadLetterQuery, DeadLetterStatus, ErrorKind, ErrorTable, Load, LoadBy, LogName,
    LogStore, Position, Store,
};

use super::fixture::{Fixture, Keep};
use super::kit::{Kit, applied};
use super::rows::{T0, at, changeset, insert, key, row};

fn letter() -> DeadLetter {
    DeadLetter {
        id: 0,
        consumer: "mailer".to_owned(),
        log: Some(LogName::own()),
        position: Position::new(1),
        message: "no".to_owned(),
        attempts: Some(1),
        status: DeadLetterStatus::Dead,
        event: Some("{}".to_owned()),
        created_at: T0,
        updated_at: T0,
    }
}

/// How many rows, events, cursors and dead letters there are, as others see it.
async fn counts<F: Fixture<Store: LogStore>>(kit: &Kit<F>) -> (usize, usize, usize, usize) {
    let rows = kit.load(LoadBy::Keys(vec![key("a"), key("b"), key("kept")])).await.len();
    let cursors = kit.cursors(&delta_core::CursorQuery::Prefix("my/".to_owned())).await.len();
    let mut conn = kit.reader().await;
    let query = DeadLetterQuery { limit: 10, ..DeadLetterQuery::default() };
    let letters = kit.store().dead_letters(&mut conn, &kit.store().dead_letter_table(), &query).await;
    drop(conn);
    (rows, kit.events().await.len(), cursors, letters.expect("dead letters").len())
}

/// Writes a bit of everything on a connection.
async fn write<F: Fixture<Store: LogStore>>(kit: &Kit<F>, conn: &mut <F::Store as Store>::Conn) {
    let mut changes = changeset(T0, [insert(row("a"))]);
    changes.cursors.push(Cursor::new("my/cursor").put());
    applied(&kit.store().commit(conn, &changes).await.expect("a commit").outcomes[0]);
    let more = changeset(T0, [insert(row("b"))]);
    applied(&kit.store().commit(conn, &more).await.expect("another commit").outcomes[0]);
    let table = kit.store().dead_letter_table();
    kit.store().put_dead_letter(conn, &table, &letter()).await.expect("a dead letter");
}

/// Others see it from the commit on, and the connection is in no transaction then.
pub async fn l1_what_is_written_in_a_transaction_is_kept_by_its_commit<F: Fixture<Store: LogStore>>(kit: Kit<F>) {
    let mut conn = kit.writer().await;
    for _ in 0..2 {
        kit.store().begin_tx(&mut conn).await.expect("a transaction");
        if kit.load(LoadBy::Keys(vec![key("a")])).await.is_empty() {
            write(&kit, &mut conn).await;
            assert_eq!(counts(&kit).await, (0, 0, 0, 0), "not committed yet");
        }
        kit.store().commit_tx(&mut conn).await.expect("a commit");
        assert_eq!(counts(&kit).await, (2, 2, 1, 1));
    }
    applied(
        &kit.store().commit(&mut conn, &changeset(at(1), [insert(row("kept"))])).await.expect("a commit").outcomes[0],
    );
    assert_eq!(counts(&kit).await, (3, 3, 1, 1), "a commit after it is one of its own");
}

/// All that was called on the connection falls, and the connection goes on.
pub async fn l1_a_rollback_leaves_nothing_of_all_calls<F: Fixture<Store: LogStore>>(kit: Kit<F>) {
    kit.insert(row("kept")).await;
    let head = kit.events().await[0].position;
    let mut conn = kit.writer().await;
    for _ in 0..2 {
        kit.store().begin_tx(&mut conn).await.expect("a transaction");
        write(&kit, &mut conn).await;
        kit.store().trim(&mut conn, head, 10).await.expect("a trim");
        kit.store().rollback_tx(&mut conn).await.expect("a rollback");
        assert_eq!(counts(&kit).await, (1, 1, 0, 0));
    }
    write(&kit, &mut conn).await;
    assert_eq!(counts(&kit).await, (3, 3, 1, 1), "the connection goes on");
}

/// One does not begin within another, of its own or of a caller's, and leaves that as it is.
pub async fn l1_a_transaction_in_a_transaction_is_invalid<F: Fixture<Store: LogStore>>(kit: Kit<F>) {
    let mut conn = kit.writer().await;
    kit.store().begin_tx(&mut conn).await.expect("a transaction");
    write(&kit, &mut conn).await;
    let error = kit.store().begin_tx(&mut conn).await.expect_err("a refusal");
    assert_eq!(error.kind(), ErrorKind::Invalid, "{error}");
    kit.store().commit_tx(&mut conn).await.expect("a commit");
    drop(conn);
    assert_eq!(counts(&kit).await, (2, 2, 1, 1));

    let mut tx = kit.begin().await;
    let error = kit.store().begin_tx(&mut tx).await.expect_err("a refusal");
    assert_eq!(error.kind(), ErrorKind::Invalid, "{error}");
    applied(&kit.apply_in(&mut tx, at(1), insert(row("kept"))).await);
    kit.end(tx, Keep::Commit).await;
    assert_eq!(counts(&kit).await, (3, 3, 1, 1));
}

/// What is thrown away in the midst of a transaction takes it along.
pub async fn l1_a_discarded_connection_leaves_nothing<F: Fixture<Store: LogStore>>(kit: Kit<F>) {
    let mut conn = kit.writer().await;
    kit.store().begin_tx(&mut conn).await.expect("a transaction");
    write(&kit, &mut conn).await;
    kit.store().discard(conn);
    let mut conn = kit.writer().await;
    write(&kit, &mut conn).await;
    assert_eq!(counts(&kit).await, (2, 2, 1, 1), "what is there is of the second time");
}

/// What comes back to its pool in the midst of a transaction is in none when it is taken again, and nothing of that is left:
/// a later commit would join it, and be told to be done.
pub async fn l1_a_dropped_connection_leaves_nothing<F: Fixture<Store: LogStore>>(kit: Kit<F>) {
    for round in 0..3 {
        let mut conn = kit.writer().await;
        kit.store()
            .begin_tx(&mut conn)
            .await
            .unwrap_or_else(|error| panic!("no transaction in round {round}: {error}"));
        write(&kit, &mut conn).await;
        drop(conn);
    }
    let mut conn = kit.writer().await;
    write(&kit, &mut conn).await;
    assert_eq!(counts(&kit).await, (2, 2, 1, 1), "what is there is of the last time");
}

/// A database may refuse all but the end of a transaction in which something failed: the end comes.
pub async fn l1_a_failed_statement_can_be_rolled_back<F: Fixture<Store: LogStore>>(kit: Kit<F>) {
    let mut conn = kit.writer().await;
    kit.store().begin_tx(&mut conn).await.expect("a transaction");
    write(&kit, &mut conn).await;
    let missing = ErrorTable::new("no_such_table");
    kit.store().put_dead_letter(&mut conn, &missing, &letter()).await.expect_err("a table that is not there");
    kit.store().rollback_tx(&mut conn).await.expect("a rollback");
    assert_eq!(counts(&kit).await, (0, 0, 0, 0));
    kit.store().begin_tx(&mut conn).await.expect("another transaction");
    write(&kit, &mut conn).await;
    kit.store().commit_tx(&mut conn).await.expect("a commit");
    assert_eq!(counts(&kit).await, (2, 2, 1, 1));
}

/// It is a transaction to every other call: rows may be locked in it, and a claim is refused.
pub async fn l1_it_is_one_that_a_caller_would_open<F: Fixture<Store: LogStore>>(kit: Kit<F>) {
    kit.insert(row("a")).await;
    let lock = Load { by: LoadBy::Keys(vec![key("a")]), depth: delta_core::Depth::Full, access: Access::Write };
    let mut conn = kit.writer().await;
    let error = kit.store().load(&mut conn, &lock).await.expect_err("no transaction to lock in");
    assert_eq!(error.kind(), ErrorKind::Invalid, "{error}");
    kit.store().begin_tx(&mut conn).await.expect("a transaction");
    assert_eq!(kit.store().load(&mut conn, &lock).await.expect("a locked row").len(), 1);
    let request = kit.request(at(1), [(super::rows::lane(), 1)]);
    let nothing = delta_core::Changeset::new(at(1));
    let error = kit.store().claim(&mut conn, &nothing, &request).await.expect_err("a claim in a transaction");
    assert_eq!(error.kind(), ErrorKind::Invalid, "{error}");
    kit.store().commit_tx(&mut conn).await.expect("a commit");
    let claimed = kit.store().claim(&mut conn, &nothing, &request).await.expect("a claim");
    assert_eq!(claimed.resources.len(), 1);
}
