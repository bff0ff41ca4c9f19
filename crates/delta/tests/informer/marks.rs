use delta::{Existing, MemoryStore, State, Timestamp};

use crate::kit::*;

/// Informs two objects whose newest was created a minute before the begin.
async fn two(store: &MemoryStore, outside: &Outside<Plain>) -> (delta::Client<MemoryStore>, Timestamp) {
    let client = client(store, outside);
    let newest = now(store).await - MINUTE;
    outside.gives([item("a").at(newest), item("b").at(newest - HOUR)]);
    inform::<Plain>(&client, here()).await.unwrap();
    (client, newest)
}

#[tokio::test(start_paused = true)]
async fn the_mark_moves_to_the_newest_object_and_the_next_run_begins_an_overlap_before_it() {
    let store = store();
    let outside = Outside::new(&store);
    let (client, newest) = two(&store, &outside).await;
    assert_eq!(outside.asked()[0].after, None);
    assert_eq!(mark::<Plain>(&store, "default").await, Some(newest));
    let summary = inform::<Plain>(&client, here()).await.unwrap();
    assert_eq!(outside.asked()[1].after, Some(newest - MINUTE));
    assert_eq!(summary.high_water, Some(newest));
}

#[tokio::test(start_paused = true)]
async fn the_overlap_can_be_set() {
    let store = store();
    let outside = Outside::new(&store);
    let (_, newest) = two(&store, &outside).await;
    let client = client_with(&store, &outside, settings().inform_overlap(HOUR));
    inform::<Plain>(&client, here()).await.unwrap();
    assert_eq!(outside.asked()[1].after, Some(newest - HOUR));
}

#[tokio::test(start_paused = true)]
async fn an_object_dated_after_the_begin_moves_the_mark_to_the_begin_only() {
    let store = store();
    let outside = Outside::<Plain>::new(&store);
    let client = client(&store, &outside);
    pass(HOUR).await;
    let began = now(&store).await;
    outside.then([Step::Wait(SECOND), Step::Give(item("a").at(began + HOUR)), Step::Wait(SECOND)]);
    let summary = inform::<Plain>(&client, here()).await.unwrap();
    assert_eq!(mark::<Plain>(&store, "default").await, Some(began));
    assert_eq!(summary.high_water, Some(began));
}

#[tokio::test(start_paused = true)]
async fn objects_without_a_date_move_the_mark_to_the_begin() {
    let store = store();
    let outside = Outside::<Plain>::new(&store);
    let client = client(&store, &outside);
    outside.then([Step::Wait(SECOND), Step::Give(item("a"))]);
    inform::<Plain>(&client, here()).await.unwrap();
    assert_eq!(mark::<Plain>(&store, "default").await, Some(START));
}

#[tokio::test(start_paused = true)]
async fn a_run_that_saw_nothing_leaves_the_mark() {
    let store = store();
    let outside = Outside::new(&store);
    let client_ = client(&store, &outside);
    inform::<Plain>(&client_, here()).await.unwrap();
    assert_eq!(mark::<Plain>(&store, "default").await, None);
    let (client, newest) = two(&store, &outside).await;
    pass(HOUR).await;
    inform::<Plain>(&client, here()).await.unwrap();
    assert_eq!(mark::<Plain>(&store, "default").await, Some(newest));
}

#[tokio::test(start_paused = true)]
async fn the_mark_never_moves_backwards() {
    let store = store();
    let outside = Outside::new(&store);
    let (client, newest) = two(&store, &outside).await;
    outside.gives([item("c").at(newest - HOUR)]);
    let summary = inform::<Plain>(&client, here()).await.unwrap();
    assert_eq!(mark::<Plain>(&store, "default").await, Some(newest));
    assert_eq!(summary.high_water, Some(newest));
}

#[tokio::test(start_paused = true)]
async fn an_error_a_timeout_or_a_panic_leaves_the_mark_and_keeps_what_was_informed() {
    for (ending, says) in
        [(Step::Fail, "outside is down"), (Step::Hang, "gave no object for 60s"), (Step::Panic, "informer of the test")]
    {
        let store = store();
        let outside = Outside::new(&store);
        let (client, newest) = two(&store, &outside).await;
        pass(HOUR).await;
        outside.then([Step::Give(item("c").at(now(&store).await)), ending, Step::Give(item("d"))]);
        let error = inform::<Plain>(&client, here()).await.unwrap_err();
        assert_eq!(error.kind(), delta::ErrorKind::Invalid);
        assert!(error.to_string().contains(says), "{error}");
        assert_eq!(mark::<Plain>(&store, "default").await, Some(newest));
        assert_eq!(states(&client).await.last().unwrap().0, "c");
        assert!(outside.asked()[1].cancellation.is_cancelled());
        // The lease was given back: the next run need not wait.
        let before = now(&store).await;
        inform::<Plain>(&client, here()).await.unwrap();
        assert!(now(&store).await.since(before) < SECOND);
    }
}

#[tokio::test(start_paused = true)]
async fn a_run_that_does_not_see_all_or_works_what_exists_leaves_the_mark() {
    let store = store();
    let outside = Outside::new(&store);
    let (client, newest) = two(&store, &outside).await;
    pass(HOUR).await;
    for request in
        [here().limit(5), here().label("label", "x"), here().existing(Existing::Process), here().after(newest - HOUR)]
    {
        outside.gives([item("a").at(now(&store).await)]);
        let summary = inform::<Plain>(&client, request).await.unwrap();
        assert_eq!(summary.high_water, Some(newest));
        assert_eq!(mark::<Plain>(&store, "default").await, Some(newest));
    }
    outside.gives([item("a").at(now(&store).await)]);
    inform::<Plain>(&client, here()).await.unwrap();
    assert_eq!(mark::<Plain>(&store, "default").await, Some(now(&store).await));
}

#[tokio::test(start_paused = true)]
async fn an_object_that_was_refused_is_counted_and_the_mark_does_not_pass_it() {
    let store = store();
    let outside = Outside::new(&store);
    let (client, newest) = two(&store, &outside).await;
    let id = row(&client, "a").await.id;
    store.edit(id, |row| row.state = State::Unknown("archived".into())).unwrap();
    pass(HOUR).await;
    outside.gives([item("a").value(1).at(now(&store).await), item("c").at(now(&store).await)]);
    let summary = inform::<Plain>(&client, here()).await.unwrap();
    assert_eq!((summary.rejected, summary.outcomes.values().sum::<u64>()), (1, 1));
    assert_eq!(mark::<Plain>(&store, "default").await, Some(newest));
}

#[tokio::test(start_paused = true)]
async fn each_namespace_has_its_mark() {
    let store = store();
    let outside = Outside::new(&store);
    let (client, newest) = two(&store, &outside).await;
    outside.gives([item("a").at(newest - HOUR)]);
    inform::<Plain>(&client, here().namespace("eu")).await.unwrap();
    assert_eq!((outside.asked()[1].after, outside.asked()[1].namespace.as_str()), (None, "eu"));
    assert_eq!(mark::<Plain>(&store, "eu").await, Some(newest - HOUR));
    assert_eq!(mark::<Plain>(&store, "default").await, Some(newest));
    assert_eq!(rows(&client).await.len(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_full_run_is_not_asked_to_begin_at_the_mark_and_moves_it() {
    let store = store();
    let outside = Outside::new(&store);
    let (client, _) = two(&store, &outside).await;
    pass(HOUR).await;
    outside.gives([item("c")]);
    inform::<Plain>(&client, here().full()).await.unwrap();
    assert_eq!((outside.asked()[1].after, outside.asked()[1].full), (None, true));
    assert_eq!(mark::<Plain>(&store, "default").await, Some(now(&store).await));
}

#[tokio::test(start_paused = true)]
async fn the_mark_of_a_run_that_was_taken_over_stays() {
    let store = store();
    let outside = Outside::new(&store);
    let (client, newest) = two(&store, &outside).await;
    pass(HOUR).await;
    let thief = store.clone();
    let steal = move || {
        let stolen = overwrite(&thief, "inform/schedule/plain", |schedule| delta::core::Cursor {
            holder: Some(delta::core::Owner::new(99)),
            ..schedule
        });
        futures::FutureExt::now_or_never(stolen).unwrap();
    };
    outside.then([Step::Give(item("c").at(now(&store).await)), Step::Do(Box::new(steal))]);
    let error = inform::<Plain>(&client, here()).await.unwrap_err();
    assert_eq!(error.kind(), delta::ErrorKind::Unavailable);
    assert_eq!(mark::<Plain>(&store, "default").await, Some(newest));
    assert_eq!(schedule_of::<Plain>(&store).await.holder, Some(delta::core::Owner::new(99)));
}
