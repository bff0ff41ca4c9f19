//! S1 for a future that is dropped anywhere: all or nothing, and a connection that nobody can be deceived by.

use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;

use delta_core::{Access, Changeset, Cursor, ErrorKind, Store};

use super::rows::{inserts, load, row};
use crate::mysql_support::Server;

/// Rows and a cursor.
fn set(object_id: &str) -> Changeset {
    Changeset {
        cursors: vec![Cursor::new(object_id).put()],
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

#[tokio::test]
async fn a_dropped_commit_leaves_all_or_nothing_and_a_connection_of_no_use() {
    let server = Server::fixture().await;
    let store = &server.store;
    let mut conn = store.acquire(Access::Write).await.expect("a connection");
    store.commit(&mut conn, &set("warm")).await.expect("a commit");
    let (mut ended, mut dropped) = (0, 0);
    for waits in 0..2_000 {
        let object_id = format!("dropped-{waits}");
        if dropped_after(waits, store.commit(&mut conn, &set(&object_id))).await {
            ended += 1;
        } else if let Err(error) = store.now(&mut conn).await {
            // An answer is still to come, and is never taken for that of another statement.
            assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
            dropped += 1;
        }
        drop(conn);
        conn = store.acquire(Access::Write).await.expect("a connection");
        let first = load(store, &mut conn, &object_id).await.expect("a load").len();
        let second = load(store, &mut conn, &format!("{object_id}+")).await.expect("a load").len();
        assert_eq!(first, second, "both or none of {object_id}");
        if ended == 3 {
            assert!(dropped > 3, "{dropped}");
            return;
        }
    }
    panic!("no commit came to its end");
}

#[tokio::test]
async fn the_answer_to_a_dropped_question_is_never_taken_for_that_to_another() {
    let server = Server::fixture().await;
    let store = &server.store;
    let mut conn = store.acquire(Access::Write).await.expect("a connection");
    for object_id in ["a", "b"] {
        store.commit(&mut conn, &inserts([row(object_id)])).await.expect("a commit");
        load(store, &mut conn, object_id).await.expect("a load");
    }
    let (mut ended, mut dropped) = (0, 0);
    for waits in [0, 1, 2, 3, 1_000].repeat(8) {
        let done = dropped_after(waits, load(store, &mut conn, "a")).await;
        match load(store, &mut conn, "b").await {
            Ok(found) => {
                assert_eq!(&*found[0].key.object_id.to_string(), "b");
                ended += u32::from(done);
            }
            Err(error) => {
                assert!(!done && error.kind() == ErrorKind::Unavailable, "{error}");
                dropped += 1;
                drop(conn);
                conn = store.acquire(Access::Write).await.expect("a connection");
            }
        }
    }
    assert!(ended >= 8 && dropped >= 8, "{ended} reads came to their end, {dropped} were dropped");
}
