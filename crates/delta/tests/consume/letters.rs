//! Dead letters, and consumers in the transaction that moves their cursor.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use delta::core::{DeadLetter, DeadLetterStatus, LogStore as _, WakeUpSignal};
use delta::{
    Batch, Consumer, CursorWrites, Error, ErrorKind, Event, GiveUp, MemoryStore, RecordErrors, RecordOnly, Result,
};
use futures::FutureExt as _;
use futures::future::BoxFuture;

use crate::kit::{Item, Mail, Seen, error, position, with_events};

/// Fails with every third event while `broken`.
fn every_third(seen: &Seen, broken: &Arc<AtomicBool>) -> Mail {
    let (seen, broken) = (seen.clone(), broken.clone());
    Consumer::new("mailer", move |_, event: Event| {
        let (seen, broken) = (seen.clone(), broken.clone());
        async move {
            if event.position.get() % 3 == 0 && broken.load(Ordering::SeqCst) {
                return Err(error("no such address"));
            }
            seen.note(&event);
            Ok(())
        }
    })
}

#[tokio::test(start_paused = true)]
async fn what_is_given_up_on_is_kept_with_its_consumer_position_error_and_event() {
    // Regression: consumer and position were swapped.
    let client = with_events(7).await;
    let (seen, broken) = (Seen::new(), Arc::new(AtomicBool::new(true)));
    let consumer = every_third(&seen, &broken).give_up_after(2, GiveUp::DeadLetter);
    let summary = client.log().consumer(consumer).to_head().run(std::future::pending()).await.unwrap();
    assert_eq!((summary.handled, summary.dead_lettered, summary.failed_attempts), (5, 2, 4));
    assert_eq!((seen.all(), position(&client, "mailer").await), (vec![1, 2, 4, 5, 7], 7));
    let letters = client.log().dead_letters("mailer").list(None, 0, 10).await.unwrap();
    let told: Vec<_> =
        letters.iter().map(|it| (it.consumer.as_str(), it.position.get(), it.message.as_str(), it.attempts)).collect();
    let of = |position| ("mailer", position, "no such address", Some(2));
    assert_eq!(told, [of(3), of(6)]);
    assert_eq!(letters[0].status, DeadLetterStatus::Dead);
    let event: Event = client.log().dead_letters("mailer").event(&letters[0]).await.unwrap();
    assert_eq!(event.position.get(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_running_consumer_replays_what_it_is_asked_to_and_once() {
    let client = with_events(3).await;
    let (seen, broken) = (Seen::new(), Arc::new(AtomicBool::new(true)));
    let consumer = || every_third(&seen, &broken).give_up_after(1, GiveUp::DeadLetter);
    client.log().consumer(consumer()).to_head().run_once().await.unwrap();
    let letters = client.log().dead_letters("mailer");
    let id = letters.list(None, 0, 10).await.unwrap()[0].id;
    let log = client.log();
    let running = {
        let consumer = consumer();
        crate::kit::spawn(async move { log.consumer(consumer).run(std::future::pending()).await })
    };
    crate::kit::sleep(Duration::from_mins(1)).await;
    assert_eq!(seen.all(), [1, 2], "a dead one is left alone");
    assert_eq!(letters.replay(&[id]).await.unwrap(), 1);
    crate::kit::sleep(Duration::from_mins(1)).await;
    let again = letters.show(id).await.unwrap().unwrap();
    assert_eq!((again.status, again.attempts), (DeadLetterStatus::Dead, Some(2)), "it has failed again");
    broken.store(false, Ordering::SeqCst);
    letters.replay(&[id]).await.unwrap();
    crate::kit::sleep(Duration::from_mins(1)).await;
    assert_eq!(letters.show(id).await.unwrap().unwrap().status, DeadLetterStatus::Resolved);
    assert_eq!(seen.all(), [1, 2, 3], "and is handled once");
    running.abort();
}

#[tokio::test(start_paused = true)]
async fn a_replay_that_was_asked_for_before_is_done_when_a_run_begins() {
    let client = with_events(3).await;
    let (seen, broken) = (Seen::new(), Arc::new(AtomicBool::new(true)));
    let consumer = || every_third(&seen, &broken).give_up_after(1, GiveUp::DeadLetter);
    client.log().consumer(consumer()).to_head().run_once().await.unwrap();
    broken.store(false, Ordering::SeqCst);
    let letters = client.log().dead_letters("mailer");
    letters.replay(&[letters.list(None, 0, 10).await.unwrap()[0].id]).await.unwrap();
    let summary = client.log().consumer(consumer()).to_head().run_once().await.unwrap();
    assert_eq!((summary.replayed, seen.all()), (1, vec![1, 2, 3]));
}

/// Cannot record anything for a while.
#[derive(Debug)]
struct Full(AtomicU32);

impl RecordErrors<MemoryStore> for Full {
    fn record<'a>(
        &'a self,
        store: &'a MemoryStore,
        conn: &'a mut <MemoryStore as delta::Store>::Conn,
        letter: &'a DeadLetter,
    ) -> BoxFuture<'a, Result<Vec<WakeUpSignal>>> {
        async move {
            if self.0.fetch_add(1, Ordering::SeqCst) < 3 {
                return Err(Error::new(ErrorKind::Invalid, "record", "the disk is full"));
            }
            let table = delta::core::LogStore::dead_letter_table(store);
            delta::core::LogStore::put_dead_letter(store, conn, &table, letter).await?;
            Ok(Vec::new())
        }
        .boxed()
    }
}

#[tokio::test(start_paused = true)]
async fn an_event_whose_letter_cannot_be_written_is_tried_again_and_not_passed() {
    let client = with_events(4).await;
    let (seen, broken) = (Seen::new(), Arc::new(AtomicBool::new(true)));
    let consumer =
        every_third(&seen, &broken).give_up_after(1, GiveUp::DeadLetter).record_errors(Full(AtomicU32::new(0)));
    let summary = client.log().consumer(consumer).to_head().run(std::future::pending()).await.unwrap();
    assert_eq!((summary.dead_lettered, summary.failed_attempts, seen.all()), (1, 4, vec![1, 2, 4]));
    assert_eq!(client.log().dead_letters("mailer").list(None, 0, 10).await.unwrap().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_batch_is_kept_event_by_event() {
    let client = with_events(5).await;
    let consumer = Consumer::batch("mailer", Batch::new().size(2), |_, events: Vec<Event>| async move {
        if events[0].position.get() == 3 { Err(error("no")) } else { Ok(()) }
    });
    let consumer = consumer.give_up_after(2, GiveUp::DeadLetter);
    let summary = client.log().consumer(consumer).to_head().run(std::future::pending()).await.unwrap();
    assert_eq!((summary.handled, summary.dead_lettered), (3, 2));
    let letters = client.log().dead_letters("mailer").list(None, 0, 10).await.unwrap();
    assert_eq!(letters.iter().map(|letter| letter.position.get()).collect::<Vec<_>>(), [3, 4]);
}

/// Copies each event into an item of its own, in the transaction of the cursor; fails after its write when `fails` says so.
fn copying(name: &str, fails: impl Fn(i64) -> bool + Send + Sync + 'static) -> Mail {
    let fails = Arc::new(fails);
    Consumer::transactional(name, move |conn: &mut <MemoryStore as delta::Store>::Conn, event: &Event| {
        let fails = fails.clone();
        async move {
            let store = conn_store();
            let client = crate::kit::client(&store);
            let copy = Item { id: format!("copy-{}", event.position) };
            let (_, _wake) = client.inform_in(conn, &copy).await?;
            if fails(event.position.get()) { Err(error("after the write")) } else { Ok(()) }
        }
        .boxed()
    })
}

thread_local! {
    static STORE: std::cell::RefCell<Option<MemoryStore>> = const { std::cell::RefCell::new(None) };
}

fn conn_store() -> MemoryStore {
    STORE.with(|store| store.borrow().clone().unwrap())
}

async fn copies(client: &delta::Client<MemoryStore>) -> Vec<i64> {
    let filter = delta::Filter { object_id_prefix: Some("copy-".to_owned()), ..delta::Filter::default() };
    let query =
        delta::ListQuery { filter, after: delta::ResourceId::new(0), limit: 10_000, depth: delta::core::Depth::Head };
    let found = client.list(&query).await.unwrap();
    found.iter().map(|row| row.key.object_id.as_str()[5..].parse().unwrap()).collect()
}

#[tokio::test(start_paused = true)]
async fn what_a_transactional_consumer_writes_is_there_exactly_if_the_cursor_has_passed() {
    let client = with_events(5).await;
    STORE.with(|store| *store.borrow_mut() = Some(client.store().clone()));
    let only_once = Arc::new(AtomicU32::new(0));
    let counted = only_once.clone();
    let consumer = copying("ledger", move |at| at == 3 && counted.fetch_add(1, Ordering::SeqCst) == 0);
    let failure = client.log().consumer(consumer).to_head().run_once().await.unwrap_err();
    assert!(failure.to_string().contains("after the write"), "{failure}");
    assert_eq!((copies(&client).await, position(&client, "ledger").await), (vec![1, 2], 2));
    let kinds = delta::EventFilter { object_id_prefix: Some("copy-".to_owned()), ..delta::EventFilter::default() };
    let copied = client.log().page(delta::Position::START, 100, &kinds).await.unwrap().events.len();
    assert_eq!(copied, 2, "nor is its event");
    let consumer = copying("ledger", |_| false).filter_with(|event| Ok(event.position.get() <= 5));
    client.log().consumer(consumer).to_head().run_once().await.unwrap();
    assert_eq!(copies(&client).await, [1, 2, 3, 4, 5]);
}

#[tokio::test(start_paused = true)]
async fn a_transactional_consumer_that_is_dropped_at_any_point_has_each_effect_once() {
    let client = with_events(12).await;
    STORE.with(|store| *store.borrow_mut() = Some(client.store().clone()));
    let mut polls = 0_u32;
    while position(&client, "ledger").await < 12 {
        polls += 1;
        let consumer = copying("ledger", |_| false).filter_with(|event| Ok(event.position.get() <= 12));
        let mut run = Box::pin(client.log().consumer(consumer).to_head().run_once());
        for _ in 0..polls {
            if futures::poll!(&mut run).is_ready() {
                break;
            }
            tokio::task::yield_now().await;
        }
        drop(run);
        crate::kit::settle().await;
        let copies = copies(&client).await;
        let reached = i64::try_from(copies.len()).unwrap();
        assert_eq!(copies, (1..=reached).collect::<Vec<i64>>());
        assert!(reached >= position(&client, "ledger").await.min(12));
    }
    assert_eq!(copies(&client).await.len(), 12);
}

#[tokio::test(start_paused = true)]
async fn patterns_that_contradict_each_other_are_refused() {
    let client = with_events(1).await;
    STORE.with(|store| *store.borrow_mut() = Some(client.store().clone()));
    let refused = |consumer: Mail| client.log().consumer(consumer).to_head().run(std::future::pending());
    for consumer in [
        copying("a", |_| false).max_in_flight(2),
        copying("a", |_| false).ordered_by_key(2),
        Seen::new().consumer("a").max_in_flight(0),
        Seen::new().consumer("a").give_up_after(0, GiveUp::BestEffort),
        Seen::new().consumer("a/b"),
    ] {
        assert_eq!(refused(consumer).await.unwrap_err().kind(), ErrorKind::Invalid);
    }
    let zero = client.log().consumer(Seen::new().consumer("a")).cursor(CursorWrites::Every(Duration::ZERO));
    assert_eq!(zero.run(std::future::pending()).await.unwrap_err().kind(), ErrorKind::Invalid);
    assert!(crate::kit::cursor(&client, "consumer/delta/a").await.is_none());
}

/// Records, but takes a second.
#[derive(Debug)]
struct Slow(RecordOnly);

impl RecordErrors<MemoryStore> for Slow {
    fn record<'a>(
        &'a self,
        store: &'a MemoryStore,
        conn: &'a mut <MemoryStore as delta::Store>::Conn,
        letter: &'a DeadLetter,
    ) -> BoxFuture<'a, Result<Vec<WakeUpSignal>>> {
        async move {
            crate::kit::sleep(Duration::from_secs(1)).await;
            self.0.record(store, conn, letter).await
        }
        .boxed()
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_handled_while_a_dead_letter_is_written_is_handled_once() {
    // Regression: its end took the cursor from the dead letter, whose write then looked like somebody else's.
    let client = with_events(5).await;
    let seen = Seen::new();
    let handler = {
        let seen = seen.clone();
        move |_, event: Event| {
            let seen = seen.clone();
            async move {
                if event.position.get() == 1 {
                    return Err(error("no such address"));
                }
                crate::kit::sleep(Duration::from_millis(500)).await;
                seen.note(&event);
                Ok(())
            }
        }
    };
    let recorder = Slow(RecordOnly::new(client.store().dead_letter_table()).unwrap());
    let consumer = Consumer::new("mailer", handler).give_up_after(1, GiveUp::DeadLetter).record_errors(recorder);
    let run = client.log().consumer(consumer.max_in_flight(2)).cursor(CursorWrites::Sync).to_head();
    let summary = run.run(std::future::pending()).await.unwrap();
    assert_eq!((summary.handled, summary.dead_lettered, seen.all()), (4, 1, vec![2, 3, 4, 5]));
    assert_eq!(position(&client, "mailer").await, 5);
}
