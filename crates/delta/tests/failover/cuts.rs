//! Connections are cut at random on their way.

use delta::{MySqlStore, PgDieselStore, PgStore};
use delta_testkit::Backend;
use delta_testkit::database::{MariaDbDatabase, PostgresDatabase, Proxy, Way};
use rand::RngExt as _;

use crate::clients::Clients;
use crate::failover::finish;
use crate::log_kit::chance::Seed;
use crate::log_kit::place::Place;
use crate::{TURN, wait_until};

/// How many connections are cut in the middle of what they say.
const CUTS: u64 = 24;
/// Every so many of them, all are.
const ALL: u64 = 6;
/// How many bytes may pass before the next cut.
const BYTES: u64 = 10_000;

#[tokio::test(flavor = "multi_thread")]
async fn on_postgres_through_sqlx_nothing_is_lost_when_connections_are_cut() {
    if Backend::Postgres.enabled() {
        let database = PostgresDatabase::create().await.unwrap();
        cut::<PgStore>(database.url()).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn on_postgres_through_diesel_nothing_is_lost_when_connections_are_cut() {
    if Backend::Postgres.enabled() {
        let database = PostgresDatabase::create().await.unwrap();
        cut::<PgDieselStore>(database.url()).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn on_mariadb_nothing_is_lost_when_connections_are_cut() {
    if Backend::MariaDb.enabled() {
        let database = MariaDbDatabase::create().await.unwrap();
        cut::<MySqlStore>(database.url()).await;
    }
}

async fn cut<S: Place>(url: &str) {
    let _turn = TURN.lock().await;
    let mut rng = Seed::take(S::NAME).of("cuts", 0);
    let proxy = Proxy::in_front_of(url).unwrap();
    let url = proxy.url_of(url);
    let clients = Clients::<S>::start(&[url.clone(), url]).await;
    clients.go_on(20).await;
    for cut in 1..=CUTS {
        let way = if rng.random() { Way::ToServer } else { Way::ToClient };
        proxy.cut_after(way, rng.random_range(0..BYTES));
        wait_until("enough was said to be cut", async || proxy.cuts() >= cut).await;
        if cut % ALL == 0 {
            proxy.cut();
            clients.go_on(5).await;
        }
    }
    clients.go_on(20).await;
    finish(clients).await;
}
