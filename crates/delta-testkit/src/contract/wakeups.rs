//! Wake-ups: hints that something became claimable, where the store has any.

use std::time::Duration;

use delta_core::{Changeset, Lane, Resource, State, Store, WakeUp, WakeUpSignal, WakeupReach, Wakeups};
use futures::StreamExt;

use super::fixture::{Fixture, Keep};
use super::kit::{Kit, applied, skipped, soon};
use super::rows::{IntoChange, at, changeset, insert, key_in, lane_of, row_of, synced_row, update};

/// A listener that hears what is sent from now on.
async fn listening<F: Fixture>(kit: &Kit<F>) -> Option<Wakeups> {
    let mut wakeups = kit.store().wakeups()?;
    let ready = lane_of("default", "ready");
    // Listening may begin a while after the call: what is sent until something is heard may be lost.
    soon("a wake-up is heard", async {
        loop {
            kit.store().wake(&[ready.clone().into()]).await;
            let heard = tokio::time::timeout(Duration::from_millis(100), next_lane(&mut wakeups)).await;
            if heard.is_ok_and(|lane| lane == ready) {
                return;
            }
        }
    })
    .await;
    Some(wakeups)
}

/// The next lane that is woken; looking everywhere is always allowed, and says nothing here.
async fn next_lane(wakeups: &mut Wakeups) -> Lane {
    loop {
        match wakeups.next().await.expect("wake-ups never end") {
            WakeUpSignal::Lane(lane) => return lane,
            WakeUpSignal::All | WakeUpSignal::Log(_) => {}
        }
    }
}

/// The lanes that are heard of before the last one is.
async fn heard_before(wakeups: &mut Wakeups, last: &Lane) -> Vec<Lane> {
    soon("the last wake-up is heard", async {
        let mut heard = Vec::new();
        loop {
            let lane = next_lane(wakeups).await;
            if lane == *last {
                return heard;
            }
            if lane.kind.as_str() != "ready" && !heard.contains(&lane) {
                heard.push(lane);
            }
        }
    })
    .await
}

fn has_none<F: Fixture>(kit: &Kit<F>) -> bool {
    let none = kit.store().capabilities().wakeups == WakeupReach::None;
    assert_eq!(kit.store().wakeups().is_none(), none, "there is a stream exactly if the capabilities say so");
    if none {
        skipped("the store says that it has no wake-ups");
    }
    none
}

/// What the capabilities say is so, and waking is harmless.
pub async fn wakeups_are_there_exactly_if_the_store_says_so<F: Fixture>(kit: Kit<F>) {
    kit.store().wake(&[lane_of("default", "nobody-listens").into()]).await;
    kit.store().wake(&[]).await;
    has_none(&kit);
}

/// Each lane that is woken is heard of, by everybody who listens.
pub async fn wakeups_reach_every_listener<F: Fixture>(kit: Kit<F>) {
    if has_none(&kit) {
        return;
    }
    let mut listeners = Vec::new();
    for _ in 0..2 {
        listeners.push(listening(&kit).await.expect("wake-ups"));
    }
    let lanes = [lane_of("one", "cat"), lane_of("two", "dog"), lane_of("two", "last")];
    kit.store().wake(&lanes[..2].iter().cloned().map(Into::into).collect::<Vec<_>>()).await;
    kit.store().wake(&[lanes[2].clone().into()]).await;
    for listener in &mut listeners {
        let mut heard = heard_before(listener, &lanes[2]).await;
        heard.sort();
        assert_eq!(heard, lanes[..2]);
    }
}

/// A commit that carries its wake-up wakes the lanes of what it made claimable, and no others.
pub async fn wakeups_travel_with_a_commit_that_carries_them<F: Fixture>(kit: Kit<F>) {
    if has_none(&kit) {
        return;
    }
    let mut wakeups = listening(&kit).await.expect("wake-ups");
    let of = |kind: &str| row_of(key_in("default", kind, "x"));
    let paused = kit.insert(Resource { paused: true, ..of("resumed") }).await;
    let mut resumed = update(&paused, at(1));
    resumed.row.paused = false;
    let quiet = kit.insert(of("quiet")).await;
    let mut pausing = update(&quiet, at(1));
    pausing.row.paused = true;
    let changes = [
        insert(of("new")),
        insert(synced_row(key_in("default", "synced", "x"), at(0))),
        insert(Resource { paused: true, ..of("paused") }),
        resumed.into_change(),
        pausing.into_change(),
        insert(Resource { state: State::Failed, ..of("failed") }),
    ];
    let carrying = Changeset { wake: WakeUp::InTransaction, ..changeset(at(1), changes) };
    let receipt = kit.commit(&carrying).await;
    assert!(receipt.outcomes.iter().all(|outcome| outcome.applied().is_some()), "{receipt:?}");
    let last = lane_of("default", "last");
    kit.store().wake(&[last.clone().into()]).await;
    let mut heard = heard_before(&mut wakeups, &last).await;
    heard.sort();
    assert_eq!(heard, ["failed", "new", "resumed"].map(|kind| lane_of("default", kind)));
}

/// A wake-up that travels in a transaction leaves with its commit, and falls with its rollback.
pub async fn wakeups_in_a_transaction_leave_with_its_commit<F: Fixture>(kit: Kit<F>) {
    if has_none(&kit) {
        return;
    }
    let mut wakeups = listening(&kit).await.expect("wake-ups");
    let carrying = |kind: &str| Changeset {
        wake: WakeUp::InTransaction,
        ..changeset(at(1), [insert(row_of(key_in("default", kind, "x")))])
    };
    let mut tx = kit.begin().await;
    applied(&kit.commit_in(&mut tx, &carrying("rolled-back")).await.outcomes[0]);
    kit.end(tx, Keep::Rollback).await;
    let mut tx = kit.begin().await;
    applied(&kit.commit_in(&mut tx, &carrying("committed")).await.outcomes[0]);
    kit.end(tx, Keep::Commit).await;
    let last = lane_of("default", "last");
    let heard = heard_or_woken(&kit, &mut wakeups, &last).await;
    assert_eq!(heard, [lane_of("default", "committed")]);
}

async fn heard_or_woken<F: Fixture>(kit: &Kit<F>, wakeups: &mut Wakeups, last: &Lane) -> Vec<Lane> {
    kit.store().wake(&[last.clone().into()]).await;
    heard_before(wakeups, last).await
}

/// A commit that leaves waking to its caller wakes nobody.
pub async fn wakeups_do_not_leave_with_a_commit_that_carries_none<F: Fixture>(kit: Kit<F>) {
    if has_none(&kit) {
        return;
    }
    let mut wakeups = listening(&kit).await.expect("wake-ups");
    kit.insert(row_of(key_in("default", "silent", "x"))).await;
    let last = lane_of("default", "last");
    assert_eq!(heard_or_woken(&kit, &mut wakeups, &last).await, []);
}
