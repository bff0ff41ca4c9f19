use std::time::Duration;

use delta::core::{Cursor, Owner};

use crate::kit::*;

#[tokio::test(start_paused = true)]
async fn two_clients_run_one_run_per_turn() {
    let store = store();
    let outside = Outside::<Plain>::new(&store);
    let client = || client_with(&store, &outside, settings().inform_interval(5 * MINUTE));
    let clients = [client(), client(), client()];
    let mut running = Vec::new();
    for client in &clients {
        running.push(client.start().await.unwrap());
    }
    pass(26 * MINUTE).await;
    let begins: Vec<u64> = outside.asked().iter().map(|asked| asked.at.since(START).as_secs() / 300).collect();
    assert_eq!(begins, [0, 1, 2, 3, 4, 5]);
    for running in running {
        running.stop().await;
    }
}

#[tokio::test(start_paused = true)]
async fn the_lease_of_a_long_run_is_renewed_and_nobody_else_runs_meanwhile() {
    let store = store();
    let outside = Outside::<Patient>::new(&store);
    outside.then([Step::Wait(10 * MINUTE), Step::Give(item("a"))]);
    let (one, two) = (client(&store, &outside), client(&store, &outside));
    let running = (one.start().await.unwrap(), two.start().await.unwrap());
    pass(9 * MINUTE).await;
    let held = schedule_of::<Patient>(&store).await;
    assert!(held.lease_until.unwrap() > now(&store).await);
    until("the end of the run", async || mark::<Patient>(&store, "default").await.is_some()).await;
    assert_eq!(outside.runs(), 1);
    assert_eq!(schedule_of::<Patient>(&store).await.holder, None);
    running.0.stop().await;
    running.1.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_run_of_a_crashed_client_is_taken_over_when_its_lease_is_over() {
    let store = store();
    let outside = Outside::<Plain>::new(&store);
    overwrite(&store, "inform/schedule/plain", |schedule| Cursor {
        holder: Some(Owner::new(99)),
        lease_until: Some(START + MINUTE),
        next_at: Some(START),
        data: Some(r#"{"tries":1}"#.to_owned()),
        ..schedule
    })
    .await;
    let running = client(&store, &outside).start().await.unwrap();
    pass(Duration::from_secs(59)).await;
    assert_eq!(outside.runs(), 0);
    pass(3 * SECOND).await;
    assert_eq!(outside.runs(), 1);
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_failing_run_is_tried_again_ten_times_also_by_other_clients_and_then_waits_for_its_turn() {
    let store = store();
    let outside = Outside::<Plain>::new(&store);
    for _ in 0..11 {
        outside.then([Step::Fail]);
    }
    let running = client(&store, &outside).start().await.unwrap();
    until("a few failures", async || outside.runs() == 4).await;
    running.stop().await;
    let running = client(&store, &outside).start().await.unwrap();
    until("all failures", async || outside.runs() == 11).await;
    let last = outside.asked()[10].at;
    // Full jitter: the nth delay is up to 2^(n - 1) seconds.
    assert!(last.since(START) < Duration::from_secs(1 << 10) + MINUTE);
    pass(Duration::from_secs(3_590)).await;
    assert_eq!(outside.runs(), 11);
    until("the next turn", async || outside.runs() == 12).await;
    assert_eq!(delta::core::plan::schedule::tries(&schedule_of::<Plain>(&store).await), 0);
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_stop_ends_a_run_at_once_and_leaves_it_due_to_others() {
    let store = store();
    let outside = Outside::<Patient>::new(&store);
    outside.then([Step::Give(item("a")), Step::Hang]).gives([item("a")]);
    let (one, two) = (client(&store, &outside), client(&store, &outside));
    let running = one.start().await.unwrap();
    until("the run", async || outside.runs() == 1).await;
    pass(MINUTE).await;
    let before = now(&store).await;
    running.stop().await;
    assert!(now(&store).await.since(before) < SECOND);
    assert!(outside.asked()[0].cancellation.is_cancelled());
    assert_eq!(mark::<Patient>(&store, "default").await, None);
    let schedule = schedule_of::<Patient>(&store).await;
    assert_eq!((schedule.holder, delta::core::plan::schedule::tries(&schedule)), (None, 0));
    let running = two.start().await.unwrap();
    pass(2 * SECOND).await;
    assert_eq!(outside.runs(), 2);
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn an_informer_without_an_interval_runs_by_request_only() {
    let store = store();
    let outside = Outside::<Seldom>::new(&store);
    let client = client(&store, &outside);
    let running = client.start().await.unwrap();
    pass(2 * HOUR).await;
    assert_eq!(outside.runs(), 0);
    client.schedule_inform("seldom", here()).await.unwrap();
    assert_eq!(outside.runs(), 1);
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_shorter_interval_holds_from_the_next_start_on() {
    let store = store();
    let outside = Outside::<Plain>::new(&store);
    let running = client(&store, &outside).start().await.unwrap();
    until("the first run", async || outside.runs() == 1).await;
    running.stop().await;
    let often = client_with(&store, &outside, settings().inform_interval(MINUTE));
    let running = often.start().await.unwrap();
    pass(10 * MINUTE + 30 * SECOND).await;
    assert_eq!(outside.runs(), 11);
    running.stop().await;
    let never = client_with(&store, &outside, settings().inform_interval(None));
    let running = never.start().await.unwrap();
    pass(HOUR).await;
    assert_eq!(outside.runs(), 11);
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn turns_are_put_off_by_a_random_time_up_to_the_jitter() {
    let store = store();
    let outside = Outside::<Plain>::new(&store);
    let client = client_with(&store, &outside, settings().inform_interval(MINUTE).inform_jitter(5 * MINUTE));
    let running = client.start().await.unwrap();
    until("many runs", async || outside.runs() == 20).await;
    running.stop().await;
    let begins: Vec<_> = outside.asked().iter().map(|asked| asked.at).collect();
    let gaps: Vec<Duration> = begins.windows(2).map(|pair| pair[1].since(pair[0])).collect();
    assert!(gaps.iter().all(|gap| (MINUTE..6 * MINUTE + 2 * SECOND).contains(gap)), "{gaps:?}");
    assert!(gaps.iter().max().unwrap().abs_diff(*gaps.iter().min().unwrap()) > MINUTE, "{gaps:?}");
}

#[tokio::test(start_paused = true)]
async fn an_informer_times_out_when_no_object_came_for_a_while_not_after_a_total() {
    let store = store();
    let outside = Outside::<Plain>::new(&store);
    let client = client(&store, &outside);
    outside.then(
        (0..20).flat_map(|number| [Step::Give(item(&format!("i{number}"))), Step::Wait(Duration::from_secs(59))]),
    );
    let summary = inform::<Plain>(&client, here()).await.unwrap();
    assert_eq!(summary.outcomes.values().sum::<u64>(), 20);
    outside.then([Step::Wait(MINUTE + SECOND), Step::Give(item("late"))]);
    assert!(inform::<Plain>(&client, here()).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn an_informer_without_a_timeout_may_take_its_time() {
    let store = store();
    let outside = Outside::<Patient>::new(&store);
    let client = client(&store, &outside);
    outside.then([Step::Wait(5 * HOUR), Step::Give(item("a"))]);
    let summary = inform::<Patient>(&client, here()).await.unwrap();
    assert_eq!(summary.outcomes.values().sum::<u64>(), 1);
}

#[tokio::test(start_paused = true)]
async fn objects_are_informed_in_batches_and_within_a_moment_after_they_came() {
    let store = store();
    let outside = Outside::<Plain>::new(&store);
    let client = client(&store, &outside);
    let look = client.clone();
    let seen = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let note = seen.clone();
    let count = move || {
        let rows = futures::FutureExt::now_or_never(rows(&look)).unwrap();
        note.lock().unwrap().push(rows.len());
    };
    let mut steps: Vec<Step<Plain>> = (0..499).map(|number| Step::Give(item(&format!("i{number}")))).collect();
    steps.push(Step::Do(Box::new(count.clone())));
    steps.extend([Step::Give(item("j")), Step::Do(Box::new(count.clone()))]);
    steps.extend([Step::Give(item("k")), Step::Wait(Duration::from_millis(50)), Step::Do(Box::new(count.clone()))]);
    steps.extend([Step::Wait(Duration::from_millis(60)), Step::Do(Box::new(count))]);
    outside.then(steps);
    inform::<Plain>(&client, here()).await.unwrap();
    assert_eq!(*seen.lock().unwrap(), [0, 500, 500, 501]);
}

#[tokio::test(start_paused = true)]
async fn all_kinds_of_a_client_run_side_by_side() {
    let store = store();
    let (slow, quick) = (Outside::<Patient>::new(&store), Outside::<Plain>::new(&store));
    slow.then([Step::Hang]);
    let client = delta::Client::builder(store.clone())
        .controller(Scripted(slow.clone()))
        .controller(Scripted(quick.clone()))
        .settings(settings());
    let running = client.build().unwrap().start().await.unwrap();
    pass(2 * HOUR + MINUTE).await;
    assert_eq!((slow.runs(), quick.runs()), (1, 3));
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn an_informer_that_panics_before_it_gives_a_stream_fails_its_run_like_any() {
    let store = store();
    let outside = Outside::<Plain>::new(&store);
    outside.then([Step::PanicAtOnce]).gives([item("a")]);
    let client = client(&store, &outside);
    let running = client.start().await.unwrap();
    until("the next try", async || mark::<Plain>(&store, "default").await.is_some()).await;
    assert_eq!(outside.runs(), 2);
    assert!(now(&store).await.since(START) < 5 * SECOND);
    running.stop().await;
}
