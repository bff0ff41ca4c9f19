//! Postgres fails over to a streaming standby in the middle of the load.

use std::time::Duration;

use delta::{PgDieselStore, PgStore};
use delta_testkit::Backend;
use delta_testkit::database::{PostgresServer, Proxy, Replication};
use sqlx::{Connection as _, PgConnection};

use crate::checks::{log, log_explains_rows, nothing_is_lost};
use crate::clients::Clients;
use crate::log_kit::place::Place;
use crate::readers::effects;
use crate::{TURN, instant, wait_until};

/// How long after its end a promotion may still be felt.
const SOON: Duration = Duration::from_secs(5);

#[tokio::test(flavor = "multi_thread")]
async fn clients_of_sqlx_go_on_after_a_failover_and_nothing_is_lost() {
    if Backend::Postgres.enabled() {
        fail_over::<PgStore>().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_of_diesel_go_on_after_a_failover_and_nothing_is_lost() {
    if Backend::Postgres.enabled() {
        fail_over::<PgDieselStore>().await;
    }
}

async fn fail_over<S: Place>() {
    let _turn = TURN.lock().await;
    let primary = PostgresServer::start_private(&[]).await.unwrap();
    let standby = primary.standby(Replication::Synchronous, &[]).await.unwrap();
    let proxy = Proxy::start(primary.address()).unwrap();
    let url = proxy.url_of(primary.url());
    let clients = Clients::<S>::start(&[url.clone(), url]).await;
    clients.go_on(100).await;

    primary.kill9().unwrap();
    proxy.refuse();
    standby.promote().await.unwrap();
    let promoted = instant();
    proxy.point_to(standby.address());
    proxy.accept();
    wait_until("work goes on", async || clients.acknowledged.settled_after(promoted).is_some()).await;
    let after = clients.acknowledged.settled_after(promoted).unwrap() - promoted;
    println!("{}: the next settlement came {after:?} after the promotion", S::NAME);
    assert!(after < SOON, "{after:?}");

    clients.go_on(100).await;
    finish(clients).await;
}

/// A primary that lives on, without its standby and without those who were led elsewhere.
#[tokio::test(flavor = "multi_thread")]
async fn a_primary_without_its_synchronous_standby_acknowledges_nothing_to_who_is_left_there() {
    if !Backend::Postgres.enabled() {
        return;
    }
    let _turn = TURN.lock().await;
    let primary = PostgresServer::start_private(&[]).await.unwrap();
    let standby = primary.standby(Replication::Synchronous, &[]).await.unwrap();
    let [led, left] = [(); 2].map(|()| Proxy::start(primary.address()).unwrap());
    let urls = [led.url_of(primary.url()), left.url_of(primary.url())];
    let clients = Clients::<PgStore>::start(&urls).await;
    clients.go_on(100).await;

    standby.detach().await.unwrap();
    standby.promote().await.unwrap();
    led.point_to(standby.address());
    // Who is left writes, and waits.
    let mut looker = PgConnection::connect(primary.url()).await.unwrap();
    let waits = "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE wait_event = 'SyncRep')";
    let mut tick = tokio::time::interval(Duration::from_millis(10));
    while !sqlx::query_scalar::<_, bool>(waits).fetch_one(&mut looker).await.unwrap() {
        tick.tick().await;
    }
    let informs = clients.acknowledged.informs();
    clients.go_on(100).await;
    assert!(clients.acknowledged.informs() > informs);

    left.point_to(standby.address());
    clients.go_on(100).await;
    finish(clients).await;
}

/// What was acknowledged may be gone then. What is there is whole, and all goes on; a call whose claim is gone may still go on
/// beside the one that repeats it, until its client finds out when it renews its lease.
#[tokio::test(flavor = "multi_thread")]
async fn after_a_failover_to_a_standby_that_was_behind_all_goes_on_with_what_is_there() {
    if !Backend::Postgres.enabled() {
        return;
    }
    let _turn = TURN.lock().await;
    let primary = PostgresServer::start_private(&[]).await.unwrap();
    let standby = primary.standby(Replication::Asynchronous, &[]).await.unwrap();
    let proxy = Proxy::start(primary.address()).unwrap();
    let url = proxy.url_of(primary.url());
    let mut clients = Clients::<PgStore>::start(&[url.clone(), url]).await;
    clients.go_on(100).await;
    standby.detach().await.unwrap();
    clients.go_on(100).await;

    primary.kill9().unwrap();
    let killed = instant();
    standby.promote().await.unwrap();
    proxy.point_to(standby.address());
    clients.go_on(100).await;
    clients.settle().await;
    let client = clients.each[0].clone();
    let (acknowledged, calls, _) = clients.stop().await;
    assert!(!acknowledged.missing(&log(&client).await).is_empty(), "nothing was lost, which shows nothing");
    log_explains_rows(&client).await;
    let overlaps = calls.overlaps();
    let late = overlaps.iter().filter(|[earlier, _]| earlier.began > killed).count();
    println!("{} calls went on beside their repetition", overlaps.len());
    assert_eq!(late, 0, "{overlaps:?}");
}

pub(crate) async fn finish<S: Place>(mut clients: Clients<S>) {
    clients.settle().await;
    let client = clients.each[0].clone();
    let expected = log(&client).await;
    let positions: Vec<i64> = expected.iter().map(|event| event.position.get()).collect();
    wait_until("everything is read", async || {
        clients.streamed.events().len() >= expected.len() && effects(client.store()).await.len() >= expected.len()
    })
    .await;
    let (acknowledged, calls, streamed) = clients.stop().await;
    assert_eq!(streamed.events(), expected);
    assert_eq!(effects(client.store()).await, positions);
    let overlaps = calls.overlaps();
    assert!(overlaps.is_empty(), "{overlaps:?}");
    nothing_is_lost(&client, &acknowledged, &calls).await;
    log_explains_rows(&client).await;
    let errors = streamed.errors(ToString::to_string).len();
    println!(
        "{}: {} informs, {} events, {} calls, {errors} errors of the stream",
        S::NAME,
        acknowledged.informs(),
        expected.len(),
        calls.count()
    );
}
