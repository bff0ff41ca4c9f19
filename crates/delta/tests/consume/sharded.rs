//! Slices, and the members that share them.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use delta::core::plan::consume::{SLICES, Standing, member_name};
use delta::core::{Access, Changeset, Cursor, CursorChange, CursorQuery, LogName, Owner, Store as _};
use delta::{Client, ConsumeError, Consumer, Event, GiveUp, MemoryStore, ShardBy};
use tokio_util::sync::CancellationToken;

use crate::kit::{HOUR, Mail, Seen, append, client, error, settle, with_events};

async fn slices(client: &Client<MemoryStore>, name: &str) -> Vec<Cursor> {
    let store = client.store();
    let mut conn = store.acquire(Access::Read).await.unwrap();
    store.cursors(&mut conn, &CursorQuery::Prefix(format!("consumer/delta/{name}/"))).await.unwrap()
}

/// How many slices each holder has.
async fn shares(client: &Client<MemoryStore>, name: &str) -> Vec<usize> {
    let mut shares = BTreeMap::new();
    for slice in slices(client, name).await {
        *shares.entry(slice.holder.map(delta::core::Owner::get)).or_insert(0) += 1;
    }
    let mut shares: Vec<usize> = shares.into_values().collect();
    shares.sort_unstable();
    shares
}

fn sharded(seen: &Seen) -> Mail {
    seen.consumer("shards").sharded(ShardBy::Key)
}

#[tokio::test(start_paused = true)]
async fn one_member_handles_all_slices_and_leaves_nothing_behind() {
    let client = with_events(500).await;
    let seen = Seen::new();
    let summary = client.log().consumer(sharded(&seen)).to_head().run_once().await.unwrap();
    let mut handled = seen.all();
    handled.sort_unstable();
    assert_eq!((handled, summary.handled), ((1..=500).collect::<Vec<i64>>(), 500));
    let slices = slices(&client, "shards").await;
    assert_eq!(slices.len(), usize::from(SLICES));
    for slice in &slices {
        assert_eq!((slice.holder, slice.position.as_deref()), (None, Some("500")), "{slice:?}");
    }
    let parent = crate::kit::cursor(&client, "consumer/delta/shards").await.unwrap();
    assert_eq!(parent.position, None);
    let store = client.store();
    let mut conn = store.acquire(Access::Read).await.unwrap();
    let members = store.cursors(&mut conn, &CursorQuery::Prefix("consumer-member/".to_owned())).await.unwrap();
    assert_eq!(members, [], "members leave");
    drop(conn);
    client.log().consumer(sharded(&seen)).to_head().run_once().await.unwrap();
    assert_eq!(seen.all().len(), 500);
}

#[tokio::test(start_paused = true)]
async fn members_come_and_go_and_share_evenly_without_skipping_or_repeating() {
    let client = with_events(100).await;
    let clients: Vec<_> = (0..3).map(|_| self::client(client.store())).collect();
    let seen = Seen::new();
    let start = |number: usize, stop: &CancellationToken| {
        let (log, consumer, stop) = (clients[number].log(), sharded(&seen), stop.clone());
        crate::kit::spawn(async move { log.consumer(consumer).run(stop.cancelled()).await })
    };
    let stops: Vec<_> = (0..3).map(|_| CancellationToken::new()).collect();
    let first = start(0, &stops[0]);
    seen.wait(100).await;
    assert_eq!(shares(&client, "shards").await, [1_024]);
    let second = start(1, &stops[1]);
    crate::kit::sleep(Duration::from_mins(1)).await;
    assert_eq!(shares(&client, "shards").await, [512, 512]);
    let third = start(2, &stops[2]);
    append(&client, 101, 100).await;
    crate::kit::sleep(Duration::from_mins(1)).await;
    assert_eq!(shares(&client, "shards").await, [340, 342, 342]);
    append(&client, 201, 100).await;
    seen.wait(300).await;
    stops[1].cancel();
    second.await.unwrap().unwrap();
    append(&client, 301, 100).await;
    crate::kit::sleep(Duration::from_mins(1)).await;
    assert_eq!(shares(&client, "shards").await, [512, 512]);
    stops[0].cancel();
    first.await.unwrap().unwrap();
    append(&client, 401, 100).await;
    crate::kit::sleep(Duration::from_mins(1)).await;
    stops[2].cancel();
    third.await.unwrap().unwrap();
    let mut handled = seen.all();
    handled.sort_unstable();
    assert_eq!(handled, (1..=500).collect::<Vec<i64>>(), "each is handled once, as all went in order");
}

#[tokio::test(start_paused = true)]
async fn the_slices_of_a_member_that_dies_are_taken_over() {
    let client = with_events(50).await;
    let other = self::client(client.store());
    let (dying, seen) = (Seen::new(), Seen::new());
    let also = dying.clone();
    let hanging = Consumer::new("shards", move |_, event: Event| {
        also.note(&event);
        std::future::pending::<Result<(), ConsumeError>>()
    });
    let mut run = Box::pin(other.log().consumer(hanging.sharded(ShardBy::Key)).run(std::future::pending()));
    while dying.all().is_empty() {
        assert!(futures::poll!(&mut run).is_pending());
        tokio::task::yield_now().await;
    }
    // A process that is killed gives nothing back.
    std::mem::forget(run);
    assert_eq!(shares(&client, "shards").await, [1_024]);
    let summary = client.log().consumer(sharded(&seen)).to_head().run_once().await.unwrap();
    let mut handled = seen.all();
    handled.sort_unstable();
    assert_eq!((summary.handled, handled), (50, (1..=50).collect::<Vec<i64>>()));
}

/// A run that begins again after it could not reach its store still holds, by the store, what it had before.
#[tokio::test(start_paused = true)]
async fn what_a_member_holds_beyond_its_share_without_working_it_is_given_back() {
    async fn write(client: &Client<MemoryStore>, cursors: Vec<CursorChange>) {
        let mut conn = client.store().acquire(Access::Write).await.unwrap();
        let now = client.store().now(&mut conn).await.unwrap();
        let receipt = client.store().commit(&mut conn, &Changeset { cursors, ..Changeset::new(now) }).await.unwrap();
        assert_eq!(receipt.lost_cursor, None);
    }
    async fn comes_to(client: &Client<MemoryStore>, expected: &[usize]) {
        for _ in 0..600 {
            if shares(client, "shards").await == expected {
                return;
            }
            crate::kit::sleep(Duration::from_millis(100)).await;
        }
        panic!("expected {expected:?}, found {:?}", shares(client, "shards").await);
    }
    let client = with_events(1).await;
    let seen = Seen::new();
    client.log().consumer(sharded(&seen)).to_head().run_once().await.unwrap();
    let mut conn = client.store().acquire(Access::Read).await.unwrap();
    let until = client.store().now(&mut conn).await.unwrap() + HOUR;
    drop(conn);
    let member = |owner: Owner| Cursor {
        holder: Some(owner),
        lease_until: Some(until),
        ..Cursor::new(member_name(&LogName::own(), "shards", owner))
    };
    let [first, second] = [7, 8].map(|owner| member(Owner::new(owner)));
    write(&client, vec![first.put(), second.clone().put()]).await;
    let stop = CancellationToken::new();
    let (log, consumer, stopped) = (client.log(), sharded(&seen), stop.clone());
    let running = crate::kit::spawn(async move { log.consumer(consumer).run(stopped.cancelled()).await });
    comes_to(&client, &[342, 682]).await;
    let slices = slices(&client, "shards").await;
    let owner = slices.iter().find_map(|slice| slice.holder);
    let free = slices.into_iter().filter(|slice| slice.holder.is_none()).take(600);
    let held = |slice: Cursor| Cursor { holder: owner, lease_until: Some(until), ..slice }.put();
    write(&client, free.map(held).collect()).await;
    comes_to(&client, &[82, 942]).await;
    write(&client, vec![Cursor { version: 1, ..second }.remove()]).await;
    comes_to(&client, &[512, 512]).await;
    stop.cancel();
    running.await.unwrap().unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_slice_that_fails_does_not_keep_the_others_back() {
    let client = with_events(200).await;
    let seen = Seen::new();
    let also = seen.clone();
    let consumer = Consumer::new("shards", move |_, event: Event| {
        let seen = also.clone();
        async move {
            if event.position.get() == 7 {
                return Err(error("never"));
            }
            seen.note(&event);
            Ok(())
        }
    });
    let consumer = consumer.sharded(ShardBy::Position).give_up_after(20, GiveUp::DeadLetter);
    let log = client.log();
    let stop = CancellationToken::new();
    let stopped = stop.clone();
    let running = crate::kit::spawn(async move { log.consumer(consumer).run(stopped.cancelled()).await });
    seen.wait(190).await;
    crate::kit::sleep(HOUR).await;
    stop.cancel();
    let summary = running.await.unwrap().unwrap();
    assert_eq!((summary.handled, summary.dead_lettered, summary.failed_attempts), (199, 1, 20));
}

#[tokio::test(start_paused = true)]
async fn a_slice_that_is_moved_by_hand_is_followed_and_the_others_go_on() {
    let client = with_events(100).await;
    let seen = Seen::new();
    let (log, consumer) = (client.log(), sharded(&seen));
    let running = crate::kit::spawn(async move { log.consumer(consumer).run(std::future::pending()).await });
    seen.wait(100).await;
    crate::kit::sleep(Duration::from_secs(20)).await;
    let slice = delta::core::plan::consume::slice_of("default/item/1");
    crate::kit::by_hand(&client, &format!("shards/{slice:04}"), |cursor| {
        let mut standing = Standing::of(&cursor).unwrap().unwrap();
        standing.reset(delta::Position::START);
        standing.into_cursor(cursor)
    })
    .await;
    append(&client, 101, 400).await;
    seen.wait(501).await;
    crate::kit::sleep(Duration::from_secs(20)).await;
    let handled = seen.all();
    let twice: Vec<i64> = (1..=500).filter(|it| handled.iter().filter(|at| *at == it).count() > 1).collect();
    assert!(twice.contains(&1) && twice.len() < 10, "{twice:?}");
    assert!((1..=500).all(|position| handled.contains(&position)));
    running.abort();
}

#[tokio::test(start_paused = true)]
async fn a_slice_whose_cursor_is_missing_is_not_passed_over_in_silence() {
    let client = with_events(5).await;
    let seen = Seen::new();
    client.log().consumer(sharded(&seen)).to_head().run_once().await.unwrap();
    let removed = slices(&client, "shards").await.remove(7);
    let store = client.store();
    let mut conn = store.acquire(Access::Write).await.unwrap();
    let cursors = vec![removed.remove()];
    let changes = delta::core::Changeset { cursors, ..delta::core::Changeset::new(delta::Timestamp::EPOCH) };
    store.commit(&mut conn, &changes).await.unwrap();
    drop(conn);
    let failure = client.log().consumer(sharded(&seen)).to_head().run_once().await.unwrap_err();
    assert_eq!(failure.kind(), Some(delta::ErrorKind::Corrupt), "{failure}");
}

#[tokio::test(start_paused = true)]
async fn two_members_that_end_at_the_head_end_once_all_slices_are_there() {
    let client = with_events(300).await;
    let other = self::client(client.store());
    let seen = Seen::new();
    let (one, two) = (client.log().consumer(sharded(&seen)).to_head(), other.log().consumer(sharded(&seen)).to_head());
    let (one, two) = tokio::join!(one.run(std::future::pending()), two.run(std::future::pending()));
    assert_eq!(one.unwrap().handled + two.unwrap().handled, 300);
    settle().await;
    assert!(slices(&client, "shards").await.iter().all(|slice| slice.position.as_deref() == Some("300")));
}

#[tokio::test(start_paused = true)]
async fn events_of_one_key_stay_in_order_in_batches_of_slices() {
    let client = with_events(300).await;
    let seen: Arc<Mutex<BTreeMap<u16, Vec<i64>>>> = Arc::default();
    let also = seen.clone();
    let by = ShardBy::with(|event: &Event| (event.position.get() % 10).to_string());
    let consumer = Consumer::batch("shards", delta::Batch::new().size(7), move |_, events: Vec<Event>| {
        let mut seen = also.lock().unwrap();
        let slice = |event: &Event| delta::core::plan::consume::slice_of(&(event.position.get() % 10).to_string());
        assert!(events.iter().all(|event| slice(event) == slice(&events[0])), "a batch is of one slice");
        for event in &events {
            seen.entry(slice(event)).or_default().push(event.position.get());
        }
        async { Ok::<(), ConsumeError>(()) }
    });
    client.log().consumer(consumer.sharded(by)).to_head().run_once().await.unwrap();
    let seen = seen.lock().unwrap();
    assert_eq!(seen.values().map(Vec::len).sum::<usize>(), 300);
    assert!(seen.values().all(|positions| positions.is_sorted()));
}
