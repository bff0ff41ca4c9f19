//! What a heartbeat does.

use delta_core::{LeaseWrite, State};

use super::fixture::{Fixture, Keep};
use super::kit::{Kit, applied};
use super::rows::{at, changeset, renew, rescue, row, settle, update};

/// It moves the lease's end, and nothing else.
pub async fn renew_moves_the_end_of_the_lease_only<F: Fixture>(kit: Kit<F>) {
    let claimed = kit.claimed(row("a"), at(1)).await;
    let events = kit.events().await;
    let done = applied(&kit.apply(at(30), renew(&claimed, at(90))).await);
    assert_eq!((done.id, done.moved, done.cancel_requested), (claimed.id, false, false));
    let mut expected = claimed.clone();
    expected.lease.as_mut().expect("a lease").until = at(90);
    assert_eq!(kit.row(claimed.id).await, expected);
    assert_eq!(kit.events().await, events);
    applied(&kit.apply(at(31), renew(&claimed, at(91))).await);
}

/// It tells whether somebody asked for the attempt to be ended.
pub async fn renew_tells_of_a_wish_to_cancel<F: Fixture>(kit: Kit<F>) {
    let claimed = kit.claimed(row("a"), at(1)).await;
    let other = kit.claimed(row("b"), at(1)).await;
    let mut cancel = update(&claimed, at(2));
    cancel.lease = LeaseWrite::RequestCancel;
    applied(&kit.apply(at(2), cancel).await);
    let receipt = kit.commit(&changeset(at(3), [renew(&claimed, at(90)), renew(&other, at(90))])).await;
    assert!(applied(&receipt.outcomes[0]).cancel_requested);
    assert!(!applied(&receipt.outcomes[1]).cancel_requested);
    assert!(applied(&kit.apply(at(4), renew(&claimed, at(91))).await).cancel_requested, "until the attempt ends");
    let touched = kit.row(claimed.id).await;
    assert_eq!(touched.lease.map(|lease| lease.cancel_requested), Some(true));
    applied(&kit.apply(at(5), update(&touched, at(5))).await);
    let kept = kit.row(claimed.id).await.lease.expect("a lease");
    assert!(kept.cancel_requested, "a write that keeps the lease keeps the wish");
    assert_eq!(kept.until, at(91));
}

/// A lease that is over, and that nobody has rescued, is still its holder's.
pub async fn renew_revives_a_lease_that_is_over<F: Fixture>(kit: Kit<F>) {
    let claimed = kit.claimed(row("a"), at(1)).await;
    applied(&kit.apply(at(200), renew(&claimed, at(260))).await);
    assert_eq!(kit.apply(at(201), rescue(&claimed, at(201))).await, delta_core::Outcome::Lost);
    applied(&kit.apply(at(202), settle(&claimed)).await);
    assert_eq!(kit.row(claimed.id).await.state, State::Synced);
}

/// A write that was decided before a heartbeat does not take it back.
pub async fn renew_is_not_undone_by_a_write_that_read_the_row_before<F: Fixture>(kit: Kit<F>) {
    let claimed = kit.claimed(row("a"), at(1)).await;
    applied(&kit.apply(at(30), renew(&claimed, at(90))).await);
    applied(&kit.apply(at(31), update(&claimed, at(31))).await);
    assert_eq!(kit.row(claimed.id).await.lease.map(|lease| lease.until), Some(at(90)));
}

/// In a transaction it is seen by others once that commits.
pub async fn renew_joins_a_transaction<F: Fixture>(kit: Kit<F>) {
    let claimed = kit.claimed(row("a"), at(1)).await;
    for (keep, until) in [(Keep::Rollback, at(61)), (Keep::Commit, at(90))] {
        let mut tx = kit.begin().await;
        applied(&kit.apply_in(&mut tx, at(30), renew(&claimed, at(90))).await);
        assert_eq!(kit.row(claimed.id).await, claimed);
        kit.end(tx, keep).await;
        assert_eq!(kit.row(claimed.id).await.lease.map(|lease| lease.until), Some(until));
    }
}
