use delta::core::{Cursor, Owner};
use delta::{ErrorKind, InformOutcome, ScheduleInform, Timestamp};

use crate::kit::*;

fn asked() -> ScheduleInform {
    ScheduleInform::new()
}

#[tokio::test(start_paused = true)]
async fn a_request_in_the_background_is_run_once_by_any_client_with_the_controller() {
    let store = store();
    let outside = Outside::<Seldom>::new(&store);
    outside.gives([item("a")]);
    let other = client(&store, &Outside::<Plain>::new(&store));
    assert_eq!(other.schedule_inform("seldom", asked()).await.unwrap(), None);
    let running_other = other.start().await.unwrap();
    pass(MINUTE).await;
    assert_eq!(cursors(&store, "inform/request/").await.len(), 1);
    let clients = [client(&store, &outside), client(&store, &outside)];
    let running = (clients[0].start().await.unwrap(), clients[1].start().await.unwrap());
    until("the run", async || cursors(&store, "inform/request/").await.is_empty()).await;
    pass(HOUR).await;
    assert_eq!(outside.runs(), 1);
    assert_eq!(rows(&other).await.len(), 1);
    running_other.stop().await;
    running.0.stop().await;
    running.1.stop().await;
}

#[tokio::test(start_paused = true)]
async fn what_was_asked_for_reaches_the_informer_in_another_client() {
    let store = store();
    let outside = Outside::<Seldom>::new(&store);
    let client = client(&store, &outside);
    let request = asked().namespace("eu").after(START - HOUR).label("label", "x").limit(3).order("name");
    client.schedule_inform("seldom", request).await.unwrap();
    let running = client.start().await.unwrap();
    until("the run", async || outside.runs() == 1).await;
    let seen = &outside.asked()[0];
    assert_eq!((seen.namespace.as_str(), seen.after, seen.limit), ("eu", Some(START - HOUR), Some(3)));
    assert_eq!((seen.label.as_deref(), seen.order.as_deref(), seen.full), (Some("x"), Some("name"), false));
    client.schedule_inform("seldom", asked().full()).await.unwrap();
    until("the full run", async || outside.runs() == 2).await;
    assert!(outside.asked()[1].full);
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_request_that_fails_is_tried_again_ten_times_and_then_given_up() {
    let store = store();
    let outside = Outside::<Seldom>::new(&store);
    for _ in 0..20 {
        outside.then([Step::Fail]);
    }
    let client = client(&store, &outside);
    client.schedule_inform("seldom", asked()).await.unwrap();
    let running = client.start().await.unwrap();
    until("it is given up", async || cursors(&store, "inform/request/").await.is_empty()).await;
    pass(HOUR).await;
    assert_eq!(outside.runs(), 11);
    assert!(schedule_of::<Seldom>(&store).await.holder.is_none());
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_request_outlives_the_client_that_ran_it() {
    let store = store();
    let outside = Outside::<Seldom>::new(&store);
    outside.then([Step::Give(item("a")), Step::Hang]).gives([item("a")]);
    let (one, two) = (client(&store, &outside), client(&store, &outside));
    one.schedule_inform("seldom", asked()).await.unwrap();
    let running = one.start().await.unwrap();
    until("the run", async || outside.runs() == 1).await;
    running.stop().await;
    assert_eq!(cursors(&store, "inform/request/").await.len(), 1);
    let running = two.start().await.unwrap();
    until("the second run", async || cursors(&store, "inform/request/").await.is_empty()).await;
    assert_eq!(outside.runs(), 2);
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_run_in_the_foreground_waits_for_the_one_that_is_on() {
    let store = store();
    let outside = Outside::<Plain>::new(&store);
    overwrite(&store, "inform/schedule/plain", |schedule| Cursor {
        holder: Some(Owner::new(99)),
        lease_until: Some(START + MINUTE),
        ..schedule
    })
    .await;
    let client = client(&store, &outside);
    inform::<Plain>(&client, here()).await.unwrap();
    let waited = now(&store).await.since(START);
    assert!((MINUTE..MINUTE + SECOND).contains(&waited), "{waited:?}");
}

#[tokio::test(start_paused = true)]
async fn two_runs_in_the_foreground_of_one_client_follow_each_other() {
    let store = store();
    let outside = Outside::<Plain>::new(&store);
    let client = client(&store, &outside);
    outside.then([Step::Wait(10 * SECOND)]).then([Step::Wait(10 * SECOND)]);
    let (one, two) = tokio::join!(inform::<Plain>(&client, here()), inform::<Plain>(&client, here()));
    assert!(one.is_ok() && two.is_ok());
    let begins: Vec<Timestamp> = outside.asked().iter().map(|asked| asked.at).collect();
    assert!(begins[1].since(begins[0]) >= 10 * SECOND);
}

#[tokio::test(start_paused = true)]
async fn a_run_in_the_foreground_that_is_dropped_gives_its_lease_back() {
    let store = store();
    let outside = Outside::<Plain>::new(&store);
    let client = client(&store, &outside);
    outside.then([Step::Give(item("a")), Step::Hang]);
    let run = inform::<Plain>(&client, here());
    assert!(tokio::time::timeout(10 * SECOND, run).await.is_err());
    assert!(outside.asked()[0].cancellation.is_cancelled());
    until("the lease is free", async || schedule_of::<Plain>(&store).await.holder.is_none()).await;
    assert!(now(&store).await.since(START) < 12 * SECOND);
    assert_eq!((rows(&client).await.len(), mark::<Plain>(&store, "default").await), (1, None));
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_run_is_refused() {
    let store = store();
    let client = client(&store, &Outside::<Plain>::new(&store));
    let cases = [
        ("other", here(), "controller"),
        ("Plain", here(), "name"),
        ("plain", here().namespace("No"), "name"),
        ("plain", here().full().limit(1), "full run"),
        ("plain", asked().full().label("a", "b"), "full run"),
        ("plain", asked().full().after(START), "full run"),
    ];
    for (kind, request, says) in cases {
        let error = client.schedule_inform(kind, request).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid);
        assert!(error.to_string().contains(says), "{error}");
    }
    assert_eq!(cursors(&store, "inform/").await, []);
}

#[tokio::test(start_paused = true)]
async fn a_limit_holds_even_if_the_informer_does_not_keep_it() {
    let store = store();
    let outside = Outside::<Plain>::new(&store);
    let client = client(&store, &outside);
    outside.then((0..5).map(|number| Step::Give(item(&format!("i{number}")))).chain([Step::Hang]));
    let summary = inform::<Plain>(&client, here().limit(3)).await.unwrap();
    assert_eq!(summary.outcomes.get(&InformOutcome::Created), Some(&3));
}

#[tokio::test(start_paused = true)]
async fn requests_that_nobody_can_run_do_not_hide_others() {
    let store = store();
    let outside = Outside::<Seldom>::new(&store);
    let client = client(&store, &outside);
    for _ in 0..120 {
        client.schedule_inform("nobodys", asked()).await.unwrap();
    }
    pass(SECOND).await;
    client.schedule_inform("seldom", asked()).await.unwrap();
    let running = client.start().await.unwrap();
    pass(5 * SECOND).await;
    assert_eq!(outside.runs(), 1);
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_request_of_another_version_is_left_alone_and_in_nobodys_way() {
    let store = store();
    let outside = Outside::<Seldom>::new(&store);
    let client = client(&store, &outside);
    overwrite(&store, "inform/request/seldom/0000000000000001", |request| Cursor {
        next_at: Some(START - HOUR),
        data: Some(r#"{"tries":0,"request":{"limit":"many"}}"#.to_owned()),
        ..request
    })
    .await;
    client.schedule_inform("seldom", asked()).await.unwrap();
    let running = client.start().await.unwrap();
    pass(MINUTE).await;
    assert_eq!((outside.runs(), cursors(&store, "inform/request/").await.len()), (1, 1));
    running.stop().await;
}
