//! Kinds and namespaces are made outside of the caller's transaction.

use delta_core::{Access, Store};
use delta_store_sqlx::MySqlStore;

use super::rows::{inserts, load, row};
use crate::mysql_support::Server;

#[tokio::test]
async fn a_first_insert_that_is_rolled_back_leaves_a_usable_kind() {
    let server = Server::fixture().await;
    let mut tx = server.store.begin().await.expect("a transaction");
    server.store.commit(&mut tx, &inserts([row("a")])).await.expect("a commit");
    tx.rollback().await.expect("a rollback");
    let mut conn = server.store.acquire(Access::Write).await.expect("a connection");
    assert_eq!(load(&server.store, &mut conn, "a").await.expect("a load"), []);
    server.store.commit(&mut conn, &inserts([row("a")])).await.expect("a commit");
    let elsewhere = MySqlStore::connect(server.database.url()).await.expect("another store");
    let mut conn = elsewhere.acquire(Access::Read).await.expect("a connection");
    assert_eq!(load(&elsewhere, &mut conn, "a").await.expect("a load").len(), 1);
}

#[tokio::test]
async fn a_new_kind_needs_no_second_connection_of_the_pool() {
    let server = Server::fixture().await;
    let options = MySqlStore::options(server.database.url()).connections(1);
    let store = options.connect().await.expect("a store");
    let mut tx = store.begin().await.expect("the only connection");
    store.commit(&mut tx, &inserts([row("a")])).await.expect("a commit");
    tx.commit().await.expect("its end");
}
