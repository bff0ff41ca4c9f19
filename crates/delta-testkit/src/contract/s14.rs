//! S14: the object of a loaded or claimed row is the one of its generation.

use delta_core::{Access, Depth, Load, LoadBy, ObjectHash, Outcome, Resource, Store};
use tokio::task::JoinSet;

use super::fixture::{Fixture, Keep};
use super::kit::{Kit, applied, soon};
use super::rows::{at, inform, key, row, settle};

#[track_caller]
fn is_of_one_generation(row: &Resource) {
    let text = &row.detail.as_ref().expect("a row loaded whole").object;
    let object: serde_json::Value = serde_json::from_str(text).expect("JSON");
    assert_eq!(object["generation"], row.generation, "{row:?}");
    assert_eq!(row.hash, ObjectHash::of(text), "{row:?}");
}

/// Changes the object again and again until the others are done.
async fn keep_informing<F: Fixture>(kit: Kit<F>, until: tokio::sync::watch::Receiver<bool>) {
    while !*until.borrow() {
        let read = kit.find(&key("a")).await.expect("the row");
        is_of_one_generation(&read);
        kit.apply(at(2), inform(&read, at(2))).await;
        tokio::task::yield_now().await;
    }
}

/// Informs commit while the row is being claimed.
pub async fn s14_a_claimed_object_is_of_its_generation<F: Fixture>(kit: Kit<F>) {
    kit.insert(row("a")).await;
    let (done, until) = tokio::sync::watch::channel(false);
    let informers =
        JoinSet::from_iter([keep_informing(kit.clone(), until.clone()), keep_informing(kit.clone(), until)]);
    soon("a row that is informed is claimed", async {
        let mut claims = 0;
        while claims < 60 {
            for claimed in kit.claim(at(3), 1).await {
                is_of_one_generation(&claimed);
                assert_eq!(claimed.lease.expect("a lease").generation, claimed.generation);
                let mut back = settle(&claimed);
                back.unmoved = back.moved.clone();
                applied(&kit.apply(at(2), back).await);
                claims += 1;
            }
            tokio::task::yield_now().await;
        }
    })
    .await;
    done.send_replace(true);
    soon("the informers", informers.join_all()).await;
}

/// Informs commit while the row is being loaded under a lock.
pub async fn s14_a_locked_object_is_of_its_generation<F: Fixture>(kit: Kit<F>) {
    kit.insert(row("a")).await;
    let (done, until) = tokio::sync::watch::channel(false);
    let informers =
        JoinSet::from_iter([keep_informing(kit.clone(), until.clone()), keep_informing(kit.clone(), until)]);
    soon("a row that is informed is locked", async {
        for turn in 0..40 {
            let mut tx = kit.begin().await;
            let load = Load { by: LoadBy::Keys(vec![key("a")]), depth: Depth::Full, access: Access::Write };
            let locked = kit.store().load(&mut tx, &load).await.expect("a locking load").remove(0);
            is_of_one_generation(&locked);
            let outcome = kit.apply_in(&mut tx, at(2), inform(&locked, at(2))).await;
            assert!(matches!(outcome, Outcome::Applied(_)), "turn {turn}: {outcome:?}");
            kit.end(tx, Keep::Commit).await;
        }
    })
    .await;
    done.send_replace(true);
    soon("the informers", informers.join_all()).await;
}
