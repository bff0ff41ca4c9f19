use std::sync::atomic::Ordering;
use std::time::Duration;

use delta::core::{Access, Changeset, Cursor, EventTable, HeadCache, LogName, Notifier, Store as _, WakeUpSignal};
use delta::{Action, ClientSettings, Controller, Resource, Timestamp, WorkContext, WorkError};
use futures::{FutureExt as _, StreamExt as _};

use crate::counting::Counting;
use crate::kit::*;

/// An event that is committed and told after the read has looked, and before its answer is there.
async fn append_during_the_empty_read(cache: HeadCache) {
    let store = store();
    let client = patient(&store);
    // Told once: what comes back from the store would tell it again.
    let log = log_of(&client, table().cache(cache).notifier(Notifier::InProcess)).await;
    let (inside, within) = (store.clone(), log.clone());
    let log = log.clone().with_loader(Meddled::new(&log, move |query, page| {
        let (store, log, first) = (inside.clone(), within.clone(), query.after.get() == 0);
        async move {
            if first && page.as_ref().unwrap().events.is_empty() {
                append(&store, &log, "a").await;
            }
            page
        }
    }));
    let mut events = all(&log.log());
    let (taken, took) = took(take(&mut events, 1)).await;
    assert_eq!(taken, [1]);
    assert!(took < SECOND, "found by the poll, after {took:?}");
}

/// Defect 9 of the origin: up to 10 s until it looked again.
#[tokio::test(start_paused = true)]
async fn what_is_told_between_an_empty_read_and_the_wait_is_not_missed() {
    append_during_the_empty_read(HeadCache::default()).await;
}

#[tokio::test(start_paused = true)]
async fn what_is_told_between_an_empty_read_and_the_wait_is_not_missed_without_a_shared_head() {
    append_during_the_empty_read(HeadCache::Off).await;
}

struct Sync;

impl Controller for Sync {
    type Object = Item;

    async fn work(&self, _: &WorkContext, _: &Resource<Item>) -> Result<Action, WorkError> {
        Ok(Action::Synced)
    }
}

#[tokio::test(start_paused = true)]
async fn readers_hear_at_once_of_whatever_their_client_commits() {
    let store = store();
    let settings = ClientSettings::new().poll_interval(HOUR);
    let client = delta::Client::builder(store.clone()).settings(settings).controller(Sync).build().unwrap();
    let mut events = all(&client.log());
    assert!(events.next().now_or_never().is_none());
    let running = client.start().await.unwrap();
    client.inform(item("a")).await.unwrap();
    let (kinds, time) = took(async {
        let mut kinds = Vec::new();
        for _ in 0..2 {
            kinds.push(events.next().await.unwrap().unwrap().kind.as_str());
        }
        kinds
    })
    .await;
    assert_eq!(kinds, ["object_scheduled", "object_synced"]);
    assert!(time < SECOND, "{time:?}");
    let mut tx = store.begin().await.unwrap();
    let (_, wake) = client.inform_in(&mut tx, item("b")).await.unwrap();
    tx.commit().await.unwrap();
    wake.send();
    let (_, time) = took(take(&mut events, 2)).await;
    assert!(time < SECOND, "{time:?}");
    client.pause(&delta::Pausable::Kind(delta::Name::new("item").unwrap())).await.unwrap();
    let (_, time) = took(take(&mut events, 1)).await;
    assert!(time < SECOND, "{time:?}");
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn readers_of_other_clients_hear_through_the_store() {
    let store = store();
    let (one, other) = (patient(&store), patient(&store));
    let log = log_of(&one, table()).await;
    let mut events = all(&other.event_log(table()).unwrap().log());
    assert!(events.next().now_or_never().is_none());
    pass(SECOND).await;
    append(&store, &log, "a").await;
    let (_, time) = took(take(&mut events, 1)).await;
    assert!(time < SECOND, "{time:?}");
}

#[tokio::test(start_paused = true)]
async fn a_notifier_reaches_as_far_as_it_says() {
    for (notifier, here, there) in [(Notifier::None, false, false), (Notifier::InProcess, true, false)] {
        let store = store();
        let (one, other) = (patient(&store), patient(&store));
        let table = EventTable::new("user_events").poll_interval(10 * SECOND).notifier(notifier);
        let log = log_of(&one, table.clone()).await;
        let (mut near, mut far) = (all(&log.log()), all(&other.event_log(table).unwrap().log()));
        assert!(near.next().now_or_never().is_none() && far.next().now_or_never().is_none());
        pass(SECOND).await;
        append(&store, &log, "a").await;
        let (_, time) = took(take(&mut near, 1)).await;
        assert_eq!(time < SECOND, here, "{notifier:?}: {time:?}");
        if here {
            let (_, time) = took(take(&mut far, 1)).await;
            assert_eq!(time < SECOND, there, "{notifier:?}: {time:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn one_subscription_serves_all_logs_from_the_first_reader_to_the_last() {
    let store = Counting::new(store());
    let client = patient(&store);
    let subscribed = || store.asked.subscribed.load(Ordering::SeqCst);
    let unsubscribed = || store.asked.unsubscribed.load(Ordering::SeqCst);
    let (mut one, mut two) = (all(&client.log()), all(&client.log()));
    assert_eq!(subscribed(), 0, "nobody reads yet");
    assert!(one.next().now_or_never().is_none() && two.next().now_or_never().is_none());
    pass(SECOND).await;
    assert_eq!((subscribed(), unsubscribed()), (1, 0));
    drop(one);
    pass(SECOND).await;
    assert_eq!(unsubscribed(), 0);
    drop(two);
    pass(SECOND).await;
    assert_eq!((subscribed(), unsubscribed()), (1, 1));
    let mut three = all(&client.log());
    assert!(three.next().now_or_never().is_none());
    pass(SECOND).await;
    assert_eq!((subscribed(), unsubscribed()), (2, 1));
}

/// Whether a wake-up of Delta's own log leaves a client within a second.
async fn is_sent(client: &delta::Client<Counting>, store: &Counting, id: &str) -> bool {
    let mut wakeups = store.inner.wakeups().unwrap();
    client.inform(item(id)).await.unwrap();
    pass(SECOND).await;
    let mut sent = false;
    while let Some(Some(signal)) = wakeups.next().now_or_never() {
        sent |= signal == WakeUpSignal::Log(LogName::own());
    }
    sent
}

#[tokio::test(start_paused = true)]
async fn others_are_told_of_deltas_own_log_only_if_it_has_consumers() {
    let store = Counting::new(store());
    let client = patient(&store);
    let cursors = || store.asked.cursors.load(Ordering::SeqCst);
    assert!(!is_sent(&client, &store, "a").await);
    assert_eq!(cursors(), 1);
    assert!(!is_sent(&client, &store, "b").await);
    assert_eq!(cursors(), 1, "looked up once a minute at most");

    let mut conn = store.acquire(Access::Write).await.unwrap();
    let cursor = Cursor::new("consumer/delta/mailer").put();
    let changes = Changeset { cursors: vec![cursor], ..Changeset::new(Timestamp::EPOCH) };
    store.commit(&mut conn, &changes).await.unwrap();
    pass(Duration::from_mins(1)).await;
    assert!(
        is_sent(&client, &store, "c").await,
        "looked up by now, and sent for what was appended before the answer too"
    );
    assert!(is_sent(&client, &store, "d").await);
    assert_eq!(cursors(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_reads_the_log_itself_tells_others_from_then_on() {
    let store = Counting::new(store());
    let client = patient(&store);
    assert!(!is_sent(&client, &store, "a").await);
    let mut events = all(&client.log());
    assert_eq!(take(&mut events, 1).await, [1]);
    assert!(is_sent(&client, &store, "b").await);
}

#[tokio::test(start_paused = true)]
async fn the_second_of_two_wake_ups_is_held_back_for_less_than_a_reader_may_wait() {
    let store = store();
    let log = log_of(&patient(&store), table()).await;
    let mut wakeups = store.wakeups().unwrap();
    append(&store, &log, "a").await;
    wakeups.next().await.unwrap();
    append(&store, &log, "b").await;
    let (_, took) = took(wakeups.next()).await;
    assert!(took < Duration::from_millis(5), "{took:?}");
}
