//! S16: what counts up a row's version, and what moves its times.

use delta_core::{LeaseWrite, State};

use super::fixture::Fixture;
use super::kit::{Kit, applied};
use super::rows::{at, inform, renew, row, settle, update};

/// One more with each write, heartbeats left out.
pub async fn s16_each_write_but_a_heartbeat_counts_up_the_version<F: Fixture>(kit: Kit<F>) {
    let id = kit.insert(row("a")).await.id;
    let versions = async |expected: i64, updated_at| {
        let row = kit.row(id).await;
        assert_eq!((row.version, row.updated_at), (expected, updated_at));
        row
    };
    versions(1, at(0)).await;
    let claimed = kit.claim(at(1), 1).await.remove(0);
    assert_eq!(versions(2, at(1)).await, claimed);
    applied(&kit.apply(at(2), renew(&claimed, at(99))).await);
    applied(&kit.apply(at(3), renew(&claimed, at(100))).await);
    let renewed = versions(2, at(1)).await;
    applied(&kit.apply(at(4), inform(&renewed, at(4))).await);
    let mut cancel = update(&versions(3, at(4)).await, at(5));
    cancel.lease = LeaseWrite::RequestCancel;
    applied(&kit.apply(at(5), cancel).await);
    versions(4, at(5)).await;
    applied(&kit.apply(at(6), settle(&claimed)).await);
    let settled = versions(5, at(6)).await;
    applied(&kit.apply(at(7), update(&settled, at(7))).await);
    versions(6, at(7)).await;
}

/// `state_since` moves where the state changes, and a heartbeat moves nothing but the lease's end.
pub async fn s16_the_times_of_a_row_move_with_its_state<F: Fixture>(kit: Kit<F>) {
    let claimed = kit.claimed(row("a"), at(1)).await;
    applied(&kit.apply(at(2), renew(&claimed, at(99))).await);
    let mut expected = claimed.clone();
    expected.lease.as_mut().expect("a lease").until = at(99);
    assert_eq!(kit.row(claimed.id).await, expected);
    applied(&kit.apply(at(3), settle(&claimed)).await);
    let settled = kit.row(claimed.id).await;
    assert_eq!((settled.state, settled.state_since, settled.updated_at), (State::Synced, at(3), at(3)));
    assert_eq!((settled.attempted_at, settled.synced_at, settled.created_at), (Some(at(1)), Some(at(3)), at(0)));
}
