//! L5: who holds the log back.

use std::time::Duration;

use delta_core::{Browse, LogHolder, LogStore};

use super::fixture::{Fixture, Keep};
use super::kit::{Kit, applied, before_another_look, skipped, soon};
use super::rows::{at, insert, row};

async fn holders<F: Fixture<Store: LogStore>>(kit: &Kit<F>) -> Vec<LogHolder> {
    let mut conn = kit.reader().await;
    kit.store().log_holders(&mut conn).await.expect("holders")
}

async fn until<F: Fixture<Store: LogStore>>(kit: &Kit<F>, count: usize) -> Vec<LogHolder> {
    let named = async {
        loop {
            let holders = holders(kit).await;
            if holders.len() == count {
                return holders;
            }
            before_another_look().await;
        }
    };
    soon("holders", named).await
}

fn has_one_writer<F: Fixture>(kit: &Kit<F>) -> bool {
    let one = !kit.has_many_writers();
    if one {
        skipped("the store has one writer: nobody holds its readers back");
    }
    one
}

/// From its first event to its end.
pub async fn l5_whoever_has_appended_and_not_ended_is_named<F: Fixture<Store: LogStore>>(kit: Kit<F>) {
    if has_one_writer(&kit) {
        return;
    }
    assert_eq!(holders(&kit).await, []);
    for keep in [Keep::Commit, Keep::Rollback] {
        let mut tx = kit.begin().await;
        applied(&kit.apply_in(&mut tx, at(1), insert(row(&format!("{keep:?}")))).await);
        let named = until(&kit, 1).await;
        assert!(!named[0].session.is_empty(), "{named:?}");
        assert!(named[0].age < Duration::from_mins(2), "{named:?}");
        kit.end(tx, keep).await;
        until(&kit, 0).await;
    }
}

/// A transaction that only reads, or writes without an event, keeps nobody waiting.
pub async fn l5_whoever_has_not_appended_is_not<F: Fixture<Store: LogStore>>(kit: Kit<F>) {
    if has_one_writer(&kit) {
        return;
    }
    let mut tx = kit.begin().await;
    let mut changes = delta_core::Changeset::new(at(1));
    changes.cursors.push(delta_core::Cursor::new("my/cursor").put());
    assert_eq!(kit.commit_in(&mut tx, &changes).await.lost_cursor, None);
    assert_eq!(holders(&kit).await, []);
    kit.end(tx, Keep::Commit).await;
}

/// Whoever began first.
pub async fn l5_the_oldest_is_named_first<F: Fixture<Store: LogStore>>(kit: Kit<F>) {
    if has_one_writer(&kit) {
        return;
    }
    let mut first = kit.begin().await;
    applied(&kit.apply_in(&mut first, at(1), insert(row("first"))).await);
    let one = until(&kit, 1).await;
    let mut second = kit.begin().await;
    applied(&kit.apply_in(&mut second, at(1), insert(row("second"))).await);
    let both = until(&kit, 2).await;
    assert_eq!(both[0].session, one[0].session, "{both:?}");
    assert_ne!(both[1].session, one[0].session, "{both:?}");
    kit.end(first, Keep::Commit).await;
    assert_eq!(until(&kit, 1).await[0].session, both[1].session);
    kit.end(second, Keep::Commit).await;
}
