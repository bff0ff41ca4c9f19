//! Limits hold exactly, and nobody waits for ever behind somebody else's backlog.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use delta::core::{Event, EventKind, Reason};
use delta::{Action, EventFilter, Filter, Inform, InformOptions, NamespaceSettings, ObjectSettings, Position, State};

use crate::support::{Fake, Item, Tally, builder, item, kind_settings, pass, settings, store, until_count};

/// A worker that takes a while, different from object to object.
fn busy(tally: &Tally) -> Fake {
    let tally = tally.clone();
    Fake::new(move |_, item| {
        let namespace = item.row().key.namespace.to_string();
        let happening = tally.begin(["all".to_owned(), namespace, item.object.id.clone()]);
        async move {
            let _happening = happening;
            pass(Duration::from_millis(u64::from(1 + item.object.value % 7))).await;
            Ok(Action::Synced)
        }
    })
}

fn within(namespace: &str, objects: impl IntoIterator<Item = Item>) -> Vec<Inform<Item>> {
    let options = InformOptions::new().namespace(namespace);
    objects.into_iter().map(|object| Inform::new(object).options(options.clone())).collect()
}

#[tokio::test(start_paused = true)]
async fn no_more_of_a_kind_are_worked_at_once_than_allowed_and_as_many() {
    kind_settings(ObjectSettings::new().parallelism(17));
    let tally = Tally::default();
    let client = builder(&store(), busy(&tally)).build().unwrap();
    client.inform_many((0..500).map(|n| item(n, n))).await.unwrap();
    let running = client.start().await.unwrap();
    until_count(&client, State::Synced, 500).await;
    assert_eq!((tally.most("all"), tally.total("all")), (17, 500));
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn no_more_of_a_namespace_are_worked_at_once_than_allowed_and_as_many() {
    kind_settings(ObjectSettings::new().parallelism(20));
    let tally = Tally::default();
    let client = builder(&store(), busy(&tally)).namespace("small", NamespaceSettings::new().max_workers(3));
    let client = client.build().unwrap();
    client.inform_many(within("small", (0..100).map(|n| item(n, n)))).await.unwrap();
    client.inform_many(within("large", (0..300).map(|n| item(n, n)))).await.unwrap();
    let running = client.start().await.unwrap();
    until_count(&client, State::Synced, 400).await;
    assert_eq!((tally.most("small"), tally.most("all"), tally.total("all")), (3, 20, 400));
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn more_may_run_at_once_than_one_claim_takes() {
    kind_settings(ObjectSettings::new().parallelism(2_500));
    let tally = Tally::default();
    let slow = {
        let tally = tally.clone();
        Fake::new(move |_, _| {
            let happening = tally.begin(["all".to_owned()]);
            async move {
                let _happening = happening;
                pass(Duration::from_secs(10)).await;
                Ok(Action::Synced)
            }
        })
    };
    let client = builder(&store(), slow).namespace("default", NamespaceSettings::new().max_workers(10_000));
    let client = client.build().unwrap();
    client.inform_many((0..2_600).map(|n| item(n, n))).await.unwrap();
    let running = client.start().await.unwrap();
    until_count(&client, State::Synced, 2_600).await;
    assert_eq!((tally.most("all"), tally.total("all")), (2_500, 2_600));
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_long_backlog_of_one_namespace_does_not_hold_up_another() {
    kind_settings(ObjectSettings::new().parallelism(4));
    let order = Arc::new(Mutex::new(Vec::new()));
    let worker = {
        let order = order.clone();
        Fake::new(move |_, item| {
            order.lock().unwrap().push(item.row().key.namespace.to_string());
            async {
                pass(Duration::from_millis(10)).await;
                Ok(Action::Synced)
            }
        })
    };
    let client = builder(&store(), worker).build().unwrap();
    client.inform_many(within("long", (0..400).map(|n| item(n, n)))).await.unwrap();
    let running = client.start().await.unwrap();
    until_count(&client, State::Synced, 100).await;
    client.inform_many(within("short", (0..20).map(|n| item(n, n)))).await.unwrap();
    let before = order.lock().unwrap().len();
    until_count(&client, State::Synced, 420).await;
    let last = order.lock().unwrap().iter().rposition(|namespace| namespace == "short").unwrap();
    assert!(last - before <= 60, "20 of one namespace waited for {} of another", last - before - 19);
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn the_most_urgent_is_worked_first() {
    kind_settings(ObjectSettings::new().parallelism(1));
    let order = Arc::new(Mutex::new(Vec::new()));
    let worker = {
        let order = order.clone();
        Fake::new(move |_, item| {
            order.lock().unwrap().push(item.row().priority.get());
            async { Ok(Action::Synced) }
        })
    };
    let client = builder(&store(), worker).build().unwrap();
    let urgent = |n: u32| {
        let priority = u8::try_from(n % 4 + 1).unwrap();
        Inform::new(item(n, n)).options(InformOptions::new().priority(priority))
    };
    client.inform_many((0..40).map(urgent)).await.unwrap();
    let running = client.start().await.unwrap();
    until_count(&client, State::Synced, 40).await;
    let order = order.lock().unwrap().clone();
    assert!(order.is_sorted() && order.len() == 40, "{order:?}");
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn only_the_listed_namespaces_are_worked() {
    let store = store();
    let tally = Tally::default();
    let client = builder(&store, busy(&tally)).namespace("mine", NamespaceSettings::new()).namespaces_only();
    let client = client.build().unwrap();
    let running = client.start().await.unwrap();
    client.inform_many(within("mine", (0..5).map(|n| item(n, n)))).await.unwrap();
    client.inform_many(within("other", (0..5).map(|n| item(n, n)))).await.unwrap();
    until_count(&client, State::Synced, 5).await;
    pass(Duration::from_secs(10)).await;
    let counts = client.count(&Filter::default()).await.unwrap();
    let states: BTreeSet<_> =
        counts.into_iter().map(|count| (count.lane.namespace.to_string(), count.state, count.count)).collect();
    let expected = [("mine".to_owned(), State::Synced, 5), ("other".to_owned(), State::Scheduled, 5)];
    assert_eq!(states, BTreeSet::from(expected));
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn two_clients_on_one_store_share_the_work_and_never_the_same_resource() {
    kind_settings(ObjectSettings::new().parallelism(8));
    let (store, tally) = (store(), Tally::default());
    let client = |seed, tally: &Tally| builder(&store, busy(tally)).settings(settings().seed(seed)).build().unwrap();
    let (one, two) = (client(1, &tally), client(2, &tally));
    one.inform_many((0..400).map(|n| item(n, n))).await.unwrap();
    let (running_one, running_two) = (one.start().await.unwrap(), two.start().await.unwrap());
    until_count(&one, State::Synced, 400).await;
    assert_eq!((tally.most("all"), tally.total("all")), (16, 400));
    assert!((0..400).all(|n: u32| tally.total(&n.to_string()) == 1));
    running_one.stop().await;
    running_two.stop().await;
}

#[tokio::test(start_paused = true)]
async fn what_is_claimed_ahead_of_workers_that_become_slow_is_given_back() {
    kind_settings(ObjectSettings::new().parallelism(1));
    let tally = Tally::default();
    let worker = {
        let tally = tally.clone();
        Fake::new(move |_, _| {
            let happening = tally.begin(["all".to_owned()]);
            let slow = tally.total("all") > 30;
            async move {
                let _happening = happening;
                if slow {
                    pass(Duration::from_secs(20)).await;
                }
                Ok(Action::Synced)
            }
        })
    };
    let client = builder(&store(), worker).build().unwrap();
    client.inform_many((0..200).map(|n| item(n, n))).await.unwrap();
    let running = client.start().await.unwrap();
    until_count(&client, State::Synced, 30).await;
    let events = async || client.log().page(Position::START, 10_000, &EventFilter::default()).await.unwrap().events;
    pass(Duration::from_secs(2)).await;
    // One runs; what waited behind it is free for others.
    until_count(&client, State::Pending, 1).await;
    until_count(&client, State::Scheduled, 169).await;
    let released = |event: &Event| event.kind == EventKind::Scheduled(Reason::Released);
    assert!(events().await.iter().any(released), "nothing was claimed ahead");
    assert_eq!(tally.most("all"), 1);
    drop(running);
}
