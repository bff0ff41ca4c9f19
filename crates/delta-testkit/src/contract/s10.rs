//! S10: every write is bounded; a changeset of 10,000 changes works.

use std::collections::BTreeSet;

use delta_core::{Changeset, Cursor, CursorQuery, LoadBy, Outcome, Receipt, ResourceId, Returning, State};

use super::fixture::{Fixture, Keep};
use super::kit::Kit;
use super::rows::{at, changeset, inform, insert, key, lane, remove, renew, row, settle};

const MANY: usize = 10_000;

#[track_caller]
fn all_applied(receipt: &Receipt) -> Vec<ResourceId> {
    let ids: Vec<ResourceId> = receipt.outcomes.iter().filter_map(Outcome::applied).map(|applied| applied.id).collect();
    assert_eq!((receipt.outcomes.len(), ids.len()), (MANY, MANY));
    ids
}

/// The whole life of 10,000 resources, each step one call.
pub async fn s10_ten_thousand_changes_are_one_changeset<F: Fixture>(kit: Kit<F>) {
    let names: Vec<String> = (0..MANY).map(|n| format!("resource {n}")).collect();
    let inserts =
        Changeset { returning: Returning::Events, ..changeset(at(0), names.iter().map(|name| insert(row(name)))) };
    let receipt = kit.commit(&inserts).await;
    let ids = all_applied(&receipt);
    assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), MANY);
    assert_eq!(receipt.events.len(), MANY);
    let by_key = kit.load(LoadBy::Keys(names.iter().map(|name| key(name)).collect())).await;
    assert_eq!(by_key.len(), MANY);

    let updates = changeset(at(1), by_key.iter().map(|row| inform(row, at(1))));
    all_applied(&kit.commit(&updates).await);
    let claimed = kit.claim_lanes(at(2), [(lane(), 10_000)]).await;
    assert_eq!(claimed.len(), MANY);
    all_applied(&kit.commit(&changeset(at(3), claimed.iter().map(|row| renew(row, at(500))))).await);
    let request = kit.request(at(4), [(lane(), 10_000)]);
    let settled = kit.try_claim(&changeset(at(4), claimed.iter().map(settle)), &request).await.expect("a claim");
    all_applied(&settled.receipt);
    assert_eq!(settled.resources, []);
    let rows = kit.load(LoadBy::Ids(ids)).await;
    assert_eq!(rows.len(), MANY);
    assert!(rows.iter().all(|row| row.state == State::Synced && row.synced_generation == 2));
    all_applied(&kit.commit(&changeset(at(5), rows.iter().map(remove))).await);
    assert_eq!(kit.load(LoadBy::Keys(names.iter().map(|name| key(name)).collect())).await, []);
    assert_eq!(kit.events().await.len(), 4 * MANY);
}

/// In a caller's transaction, with every second one stale.
pub async fn s10_ten_thousand_changes_join_a_transaction<F: Fixture>(kit: Kit<F>) {
    let names: Vec<String> = (0..MANY).map(|n| format!("{n}")).collect();
    kit.commit(&changeset(at(0), names.iter().step_by(2).map(|name| insert(row(name))))).await;
    let mut tx = kit.begin().await;
    let receipt = kit.commit_in(&mut tx, &changeset(at(1), names.iter().map(|name| insert(row(name))))).await;
    kit.end(tx, Keep::Commit).await;
    for (number, outcome) in receipt.outcomes.iter().enumerate() {
        assert_eq!(*outcome == Outcome::Stale, number % 2 == 0, "{number}: {outcome:?}");
        assert_eq!(outcome.applied().is_some(), number % 2 == 1, "{number}: {outcome:?}");
    }
    assert_eq!(kit.events().await.len(), MANY);
}

/// 10,000 cursors, as a run over many shards keeps them.
pub async fn s10_ten_thousand_cursors_are_one_changeset<F: Fixture>(kit: Kit<F>) {
    let cursors = (0..MANY).map(|n| Cursor::new(format!("shard/{n:05}")).put()).collect();
    assert_eq!(kit.commit(&Changeset { cursors, ..Changeset::new(at(1)) }).await.lost_cursor, None);
    let stored = kit.cursors(&CursorQuery::Prefix("shard/".to_owned())).await;
    assert_eq!(stored.len(), MANY);
    let cursors = stored.into_iter().map(Cursor::put).collect();
    assert_eq!(kit.commit(&Changeset { cursors, ..Changeset::new(at(2)) }).await.lost_cursor, None);
    let stored = kit.cursors(&CursorQuery::Prefix("shard/0".to_owned())).await;
    assert!(stored.len() == 10_000.min(MANY) && stored.iter().all(|cursor| cursor.version == 2), "{}", stored.len());
}
