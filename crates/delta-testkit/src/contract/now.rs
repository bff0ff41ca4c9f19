//! The database's own time.

use delta_core::{Store, Timestamp};

use super::fixture::Fixture;
use super::kit::Kit;

/// It is of this age, and does not go back.
pub async fn now_is_a_time_that_goes_on<F: Fixture>(kit: Kit<F>) {
    let year_2020 = Timestamp::from_micros(1_577_836_800_000_000);
    let year_2200 = Timestamp::from_micros(7_258_118_400_000_000);
    let mut conn = kit.reader().await;
    let mut last = kit.store().now(&mut conn).await.expect("the time");
    assert!(last > year_2020 && last < year_2200, "{last}");
    for _ in 0..10 {
        let now = kit.store().now(&mut conn).await.expect("the time");
        assert!(now >= last, "{now} after {last}");
        last = now;
    }
}

/// It moves on within a transaction too: it is the clock's time, and not that of the transaction's start.
pub async fn now_moves_on_within_a_transaction<F: Fixture>(kit: Kit<F>) {
    let mut tx = kit.begin().await;
    let start = kit.store().now(&mut tx).await.expect("the time");
    super::kit::soon("the time moves on", async {
        while kit.store().now(&mut tx).await.expect("the time") <= start {
            tokio::task::yield_now().await;
        }
    })
    .await;
    kit.end(tx, super::fixture::Keep::Rollback).await;
}
