//! Connections stay open and say nothing any more.

use std::time::Duration;

use delta::core::{Access, Store as _};
use delta::{Client, ErrorKind, Filter, MySqlStore, PgDieselStore, PgStore};
use delta_testkit::Backend;
use delta_testkit::database::{MariaDbDatabase, PostgresDatabase, Proxy};
use tokio::time::timeout;

use crate::clients::{Clients, settings};
use crate::failover::finish;
use crate::item::Item;
use crate::log_kit::place::Place;
use crate::{TURN, instant, wait_until};

/// How long a client waits for an answer.
const ANSWER: Duration = Duration::from_millis(500);

#[tokio::test(flavor = "multi_thread")]
async fn through_sqlx_a_stalled_call_ends_in_time_and_all_goes_on_afterwards() {
    if Backend::Postgres.enabled() {
        stall::<PgStore>().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn through_diesel_a_stalled_call_ends_in_time_and_all_goes_on_afterwards() {
    if Backend::Postgres.enabled() {
        stall::<PgDieselStore>().await;
    }
}

/// The second of them lies idle, and is suspected since the first was discarded.
async fn one_in_use_and_one_idle<S: Place>(store: &S, idle: impl AsyncFn() -> bool) -> S::Guard {
    let used = store.acquire(Access::Write).await.unwrap();
    drop(store.acquire(Access::Write).await.unwrap());
    wait_until("one is idle", idle).await;
    used
}

#[tokio::test(flavor = "multi_thread")]
async fn on_postgres_an_idle_connection_that_is_silent_is_not_waited_for() {
    if Backend::Postgres.enabled() {
        let database = PostgresDatabase::create().await.unwrap();
        let proxy = Proxy::in_front_of(database.url()).unwrap();
        let options = PgStore::options(proxy.url_of(database.url())).acquire_timeout(ANSWER);
        let store = options.connect().await.unwrap();
        let used = one_in_use_and_one_idle(&store, async || store.pool().num_idle() == 1).await;
        proxy.stall();
        store.discard(used);
        assert_eq!(in_time(store.acquire(Access::Write)).await.map(drop).unwrap_err().kind(), ErrorKind::Unavailable);
        assert_eq!(in_time(store.begin()).await.map(drop).unwrap_err().kind(), ErrorKind::Unavailable);
        proxy.accept();
        drop(in_time(store.acquire(Access::Write)).await.unwrap());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn on_mariadb_an_idle_connection_that_is_silent_is_not_waited_for() {
    if Backend::MariaDb.enabled() {
        let database = MariaDbDatabase::create().await.unwrap();
        let proxy = Proxy::in_front_of(database.url()).unwrap();
        let options = MySqlStore::options(proxy.url_of(database.url())).acquire_timeout(ANSWER);
        let store = options.connect().await.unwrap();
        let used = one_in_use_and_one_idle(&store, async || store.pool().num_idle() == 1).await;
        proxy.stall();
        store.discard(used);
        assert_eq!(in_time(store.acquire(Access::Write)).await.map(drop).unwrap_err().kind(), ErrorKind::Unavailable);
        assert_eq!(in_time(store.begin()).await.map(drop).unwrap_err().kind(), ErrorKind::Unavailable);
        proxy.accept();
        drop(in_time(store.acquire(Access::Write)).await.unwrap());
    }
}

/// Far less than a network takes to tell.
async fn in_time<T>(call: impl Future<Output = T>) -> T {
    timeout(20 * ANSWER, call).await.expect("an end in time")
}

async fn stall<S: Place>() {
    let _turn = TURN.lock().await;
    let database = PostgresDatabase::create().await.unwrap();
    let proxy = Proxy::in_front_of(database.url()).unwrap();
    let url = proxy.url_of(database.url());
    let clients = Clients::<S>::start(&[url.clone(), url.clone()]).await;
    let caller = Client::builder(S::connect(&url).await).settings(settings().answer_timeout(ANSWER)).build().unwrap();
    clients.go_on(50).await;

    proxy.stall();
    // Of a connection that lies idle, and of new ones.
    for _ in 0..3 {
        let error = in_time(caller.count(&Filter::default())).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
        let told = in_time(caller.inform(Item { id: "stalled".to_owned(), value: 1 })).await;
        assert_eq!(told.unwrap_err().kind(), ErrorKind::Unavailable);
    }
    let began = instant();
    proxy.accept();
    clients.go_on(50).await;
    println!("{}: all goes on {:?} after a stall", S::NAME, began.elapsed());
    caller.count(&Filter::default()).await.unwrap();
    finish(clients).await;
}
