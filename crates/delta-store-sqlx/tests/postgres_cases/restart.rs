//! S12: a server that goes away and comes back.

use std::time::Duration;

use delta_core::{Access, ErrorKind, Lane, Migrate, Store, Target, WakeUpSignal, Wakeups};
use delta_store_sqlx::PgStore;
use delta_store_sqlx::sqlx::{Connection, PgConnection, raw_sql};
use delta_testkit::database::PostgresServer;
use futures::StreamExt;

use super::rows::{insert, row};

const HANG: Duration = Duration::from_mins(1);

async fn store_on(server: &PostgresServer) -> PgStore {
    let options = PgStore::options(server.url()).connections(5).acquire_timeout(Duration::from_secs(10));
    let store = options.connect().await.expect("a store");
    store.migrate_to(Target::Latest).await.expect("a schema");
    store
}

/// Opens all connections of the pool, and leaves them idle in it.
async fn fill_pool(store: &PgStore) {
    let mut conns = Vec::new();
    for _ in 0..5 {
        conns.push(store.acquire(Access::Write).await.expect("a connection"));
    }
    drop(conns);
    while store.pool().num_idle() < 5 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn after_a_crash_of_the_server_one_call_fails_and_the_next_works() {
    let server = PostgresServer::start_private(&[]).await.expect("a server");
    let store = store_on(&server).await;
    insert(&store, "before").await.expect("a commit before the crash");
    fill_pool(&store).await;
    server.kill9().expect("a killed server");
    server.restart().await.expect("a restarted server");
    let failed = insert(&store, "first").await.expect_err("the call that meets the lost connection");
    assert_eq!(failed.kind(), ErrorKind::Unavailable, "{failed}");
    for object_id in ["second", "third", "fourth", "fifth", "sixth"] {
        insert(&store, object_id).await.expect("a commit after the crash");
    }
}

#[tokio::test]
async fn a_transaction_can_be_opened_after_a_crash_of_the_server() {
    let server = PostgresServer::start_private(&[]).await.expect("a server");
    let store = store_on(&server).await;
    fill_pool(&store).await;
    server.kill9().expect("a killed server");
    server.restart().await.expect("a restarted server");
    insert(&store, "first").await.expect_err("the call that meets the lost connection");
    store.begin().await.expect("a transaction").rollback().await.expect("its end");
}

async fn hears(wakeups: &mut Wakeups, store: &PgStore, lane: &Lane) {
    let heard = async {
        loop {
            store.wake(&[lane.clone().into()]).await;
            let next = tokio::time::timeout(Duration::from_millis(100), wakeups.next()).await;
            if next.is_ok_and(|signal| signal == Some(WakeUpSignal::Lane(lane.clone()))) {
                return;
            }
        }
    };
    tokio::time::timeout(HANG, heard).await.expect("a wake-up that is heard");
}

#[tokio::test]
async fn a_listener_connects_again_and_says_to_look_everywhere() {
    let server = PostgresServer::start_private(&[]).await.expect("a server");
    let store = store_on(&server).await;
    let lane = row("x").key.lane();
    let mut wakeups = store.wakeups().expect("wake-ups");
    hears(&mut wakeups, &store, &lane).await;
    server.kill9().expect("a killed server");
    server.restart().await.expect("a restarted server");
    let told = async { while wakeups.next().await != Some(WakeUpSignal::All) {} };
    tokio::time::timeout(HANG, told).await.expect("a listener that says that wake-ups were lost");
    hears(&mut wakeups, &store, &lane).await;
}

#[tokio::test]
async fn a_read_only_server_is_unavailable_until_it_takes_writes_again() {
    let server = PostgresServer::start_private(&[]).await.expect("a server");
    let store = store_on(&server).await;
    let set = async |text: &'static str| {
        run(&server, text).await;
        // A connection keeps the setting that it began with.
        let conn = store.acquire(Access::Write).await.expect("a connection");
        store.discard(conn);
        while store.pool().num_idle() > 0 {
            store.discard(store.acquire(Access::Write).await.expect("a connection"));
        }
    };
    set("ALTER DATABASE postgres SET default_transaction_read_only = on").await;
    let failed = insert(&store, "a").await.expect_err("a write to a read-only server");
    assert_eq!(failed.kind(), ErrorKind::Unavailable, "{failed}");
    set("SET default_transaction_read_only = off; ALTER DATABASE postgres SET default_transaction_read_only = off")
        .await;
    insert(&store, "a").await.expect("a write to a server that takes writes");
}

/// Runs a statement on a connection that may write, whatever the database says.
async fn run(server: &PostgresServer, text: &'static str) {
    let mut conn = PgConnection::connect(server.url()).await.expect("a connection");
    for text in ["SET default_transaction_read_only = off", text] {
        raw_sql(text).execute(&mut conn).await.expect("a statement");
    }
}
