//! S1 for a future that is dropped anywhere: all or nothing, and a connection that can be used.

use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;

use delta_core::{Access, Changeset, Cursor, Store};
use delta_store_diesel::PgSettings;
use delta_store_diesel::diesel_async::{AsyncConnection, AsyncPgConnection, SimpleAsyncConnection};

use super::ask::text_of;
use super::rows::{NOW, inserts, load, row};
use crate::postgres_support::Server;

/// Rows and a cursor: a transaction of several statements.
fn set(object_id: &str) -> Changeset {
    Changeset {
        cursors: vec![Cursor::new(object_id).put()],
        now: NOW,
        ..inserts([row(object_id), row(&format!("{object_id}+"))])
    }
}

/// Polls a future until it has had to wait so many times, and then drops it, unless it has come to its end.
async fn dropped_after<T>(waits: usize, future: impl Future<Output = T>) -> bool {
    let mut future = pin!(future);
    let mut left = waits;
    poll_fn(|cx| match future.as_mut().poll(cx) {
        Poll::Ready(_) => Poll::Ready(true),
        Poll::Pending if left == 0 => Poll::Ready(false),
        Poll::Pending => {
            left -= 1;
            Poll::Pending
        }
    })
    .await
}

async fn count(server: &Server, conn: &mut AsyncPgConnection, object_id: &str) -> usize {
    let first = load(&server.store, conn, object_id).await.expect("a load").len();
    let second = load(&server.store, conn, &format!("{object_id}+")).await.expect("a load").len();
    assert_eq!(first, second, "both or none of {object_id}");
    first
}

#[tokio::test]
async fn a_dropped_commit_leaves_all_or_nothing_and_a_usable_connection() {
    let server = Server::fixture(PgSettings::new()).await;
    let mut conn = server.store.acquire(Access::Write).await.expect("a connection");
    server.store.commit(&mut conn, &set("warm")).await.expect("a commit");
    let mut ended = 0;
    for waits in 0..2_000 {
        let object_id = format!("dropped-{waits}");
        if dropped_after(waits, server.store.commit(&mut conn, &set(&object_id))).await {
            ended += 1;
            assert_eq!(count(&server, &mut conn, &object_id).await, 1);
            if ended == 3 {
                return;
            }
        } else {
            count(&server, &mut conn, &object_id).await;
        }
        // Nothing is left open: what follows commits by itself, and is there for others.
        let after = format!("after-{waits}");
        server.store.commit(&mut conn, &inserts([row(&after)])).await.expect("a commit");
        let mut other = server.store.acquire(Access::Read).await.expect("another connection");
        assert_eq!(load(&server.store, &mut other, &after).await.expect("a load").len(), 1);
    }
    panic!("no commit came to its end");
}

#[tokio::test]
async fn a_commit_dropped_in_a_callers_transaction_leaves_that_or_fails_it_whole() {
    let server = Server::fixture(PgSettings::new()).await;
    let mut conn = server.store.acquire(Access::Write).await.expect("a connection");
    conn.batch_execute("CREATE TABLE mine (round integer)").await.expect("a table");
    server.store.commit(&mut conn, &set("warm")).await.expect("a commit");
    let mut ended = 0;
    for waits in 0..2_000 {
        let object_id = format!("dropped-{waits}");
        let mut done = false;
        let kept = conn
            .transaction(async |conn| {
                conn.batch_execute(&format!("INSERT INTO mine VALUES ({waits})")).await?;
                done = dropped_after(waits, server.store.commit(conn, &set(&object_id))).await;
                // A statement of the caller's own shows whether the transaction still stands.
                conn.batch_execute("SELECT 1").await
            })
            .await;
        let mine = text_of(&mut conn, &format!("SELECT count(*)::text AS value FROM mine WHERE round = {waits}")).await;
        assert_eq!(mine, if kept.is_ok() { "1" } else { "0" }, "{waits}: {kept:?}");
        let written = count(&server, &mut conn, &object_id).await;
        assert!(kept.is_ok() || written == 0, "{waits}: {kept:?}");
        if done {
            assert_eq!((kept.is_ok(), written), (true, 1), "{waits}: {kept:?}");
            ended += 1;
            if ended == 3 {
                return;
            }
        }
    }
    panic!("no commit came to its end");
}
