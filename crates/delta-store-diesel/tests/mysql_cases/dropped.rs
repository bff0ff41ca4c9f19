//! S1 for a future that is dropped anywhere: all or nothing, and a connection that nobody can be deceived by.

use std::time::Duration;

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

#[tokio::test]
async fn a_dropped_commit_leaves_all_or_nothing_and_a_connection_of_no_use() {
    let server = Server::fixture().await;
    let store = &server.store;
    let mut conn = store.acquire(Access::Write).await.expect("a connection");
    store.commit(&mut conn, &set("warm")).await.expect("a commit");
    let (mut ended, mut dropped) = (0, 0);
    for steps in 0..2_000 {
        let object_id = format!("dropped-{steps}");
        let limit = Duration::from_micros(200) * steps;
        if tokio::time::timeout(limit, store.commit(&mut conn, &set(&object_id))).await.is_ok() {
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
    for steps in 0..2_000 {
        let limit = Duration::from_micros(20) * steps;
        let done = tokio::time::timeout(limit, load(store, &mut conn, "a")).await.is_ok();
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
        if ended == 3 && dropped > 3 {
            return;
        }
    }
    panic!("{ended} reads came to their end, {dropped} were dropped");
}
