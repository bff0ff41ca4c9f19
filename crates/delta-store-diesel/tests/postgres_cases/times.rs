//! Times that one side or the other cannot hold.

use delta_core::{Access, ErrorKind, Store, Timestamp};
use delta_store_diesel::PgSettings;
use delta_testkit::contract::Fixture;

use super::rows::{insert, inserts, load, row};
use crate::postgres_support::Server;

#[tokio::test]
async fn times_that_postgres_does_not_know_are_invalid_and_others_come_back() {
    let server = Server::fixture(PgSettings::new()).await;
    // The first day that Postgres knows.
    let first = -210_866_803_200_000_000;
    for (micros, fits) in [(i64::MIN, false), (first - 1, false), (first, true), (i64::MAX, true)] {
        let time = Some(Timestamp::from_micros(micros));
        let mut one = row(&format!("at {micros}"));
        one.external_created_at = time;
        let mut tx = server.begin().await.expect("a transaction");
        match server.store.commit(&mut tx, &inserts([one])).await {
            Ok(_) => {
                assert!(fits, "{micros}");
                let stored = load(&server.store, &mut tx, &format!("at {micros}")).await.expect("a load").remove(0);
                assert_eq!(stored.external_created_at, time);
            }
            Err(error) => {
                assert!(!fits && error.kind() == ErrorKind::Invalid, "{micros}: {error}");
                server.store.now(&mut tx).await.expect("a transaction that is still usable");
            }
        }
    }
}

#[tokio::test]
async fn an_infinite_time_is_corrupt() {
    let server = Server::fixture(PgSettings::new()).await;
    insert(&server.store, "a").await.expect("a row");
    for infinity in [
        "UPDATE delta.resource SET run_at = 'infinity'",
        "UPDATE delta.resource SET run_at = '-infinity'",
        "UPDATE delta.resource SET run_at = '294276-12-31'",
    ] {
        server.run(infinity).await;
        let mut conn = server.store.acquire(Access::Read).await.expect("a connection");
        let error = load(&server.store, &mut conn, "a").await.expect_err(infinity);
        assert_eq!(error.kind(), ErrorKind::Corrupt, "{error}");
    }
}
