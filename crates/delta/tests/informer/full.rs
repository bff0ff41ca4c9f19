use std::collections::BTreeMap;

use delta::core::{AbsentBy, Desired, Owner};
use delta::{
    AnyClient, Client, ErrorKind, EventQuery, Inform, InformOptions, InformOutcome, MemoryStore, Position, State,
    Timestamp,
};

use delta_testkit::fault::{Calls, Fault, FaultPlan, FaultStore, Operation};

use crate::kit::*;

/// When `four` returns.
const BEGAN: Timestamp = Timestamp::from_micros(START.as_micros() + 60_000_000);

/// A client whose resources `a` to `d` have been synced a while ago.
async fn four<K: Traits>(store: &MemoryStore, outside: &Outside<K>) -> Client<MemoryStore> {
    let client = client_with(store, outside, settings().cleaner_batch(3));
    outside.gives(["a", "b", "c", "d"].map(item));
    inform::<K>(&client, here().full()).await.unwrap();
    sync_all(store).await;
    pass(MINUTE).await;
    client
}

async fn synced(client: &AnyClient) -> String {
    let rows = states(client).await;
    rows.into_iter().filter(|(_, state)| *state == State::Synced).map(|(id, _)| id).collect()
}

async fn events(client: &AnyClient) -> Vec<delta::Event> {
    let query = EventQuery { after: Position::default(), limit: 10_000, filter: delta::EventFilter::default() };
    client.events(&query).await.unwrap().events
}

#[tokio::test(start_paused = true)]
async fn what_is_missing_is_ignored_by_default() {
    let store = store();
    let outside = Outside::<Plain>::new(&store);
    let client = four(&store, &outside).await;
    let before = events(&client).await;
    outside.gives([item("a")]);
    let summary = inform::<Plain>(&client, here().full()).await.unwrap();
    assert_eq!((summary.missing, synced(&client).await.as_str()), (0, "abcd"));
    assert_eq!(events(&client).await, before);
}

#[tokio::test(start_paused = true)]
async fn what_is_missing_is_deleted_where_the_kind_says_so() {
    let store = store();
    let outside = Outside::<Deleting>::new(&store);
    let client = four(&store, &outside).await;
    outside.gives([item("a"), item("c")]);
    let summary = inform::<Deleting>(&client, here().full()).await.unwrap();
    assert_eq!((summary.missing, synced(&client).await.as_str()), (2, "ac"));
    let gone = row(&client, "b").await;
    assert_eq!((gone.desired, gone.generation), (Desired::Absent(AbsentBy::Missing), 2));
    sync_all(&store).await;
    assert_eq!(row(&client, "b").await.state, State::Deleted);
    // What comes back is wanted again.
    outside.gives(["a", "b", "c"].map(item));
    let summary = inform::<Deleting>(&client, here().full()).await.unwrap();
    assert_eq!(summary.outcomes.get(&InformOutcome::Revived), Some(&1));
}

#[tokio::test(start_paused = true)]
async fn what_is_missing_is_worked_again_where_the_kind_says_so() {
    let store = store();
    let outside = Outside::<Working>::new(&store);
    let client = four(&store, &outside).await;
    outside.then([]);
    let summary = inform::<Working>(&client, here().full()).await.unwrap();
    assert_eq!((summary.missing, synced(&client).await.as_str()), (4, ""));
    assert_eq!(row(&client, "b").await.desired, Desired::Present);
}

#[tokio::test(start_paused = true)]
async fn a_full_run_writes_nothing_about_what_is_unchanged() {
    let store = store();
    let outside = Outside::<Deleting>::new(&store);
    let client = four(&store, &outside).await;
    let before = (rows(&client).await, events(&client).await);
    outside.gives(["a", "b", "c", "d"].map(item));
    let summary = inform::<Deleting>(&client, here().full()).await.unwrap();
    assert_eq!(summary.outcomes, BTreeMap::from([(InformOutcome::Unchanged, 4)]));
    assert_eq!((rows(&client).await, events(&client).await), before);
}

#[tokio::test(start_paused = true)]
async fn a_run_may_declare_itself_full_before_it_ends() {
    let store = store();
    let outside = Outside::<Deleting>::new(&store);
    let client = four(&store, &outside).await;
    outside.then([Step::Give(item("a")), Step::Give(item("b")), Step::Give(item("c")), Step::DeclareFull]);
    let summary = inform::<Deleting>(&client, here()).await.unwrap();
    assert_eq!((summary.missing, synced(&client).await.as_str()), (1, "abc"));
    outside.gives([item("a")]);
    inform::<Deleting>(&client, here()).await.unwrap();
    assert_eq!(synced(&client).await, "abc");
}

#[tokio::test(start_paused = true)]
async fn a_run_for_a_part_is_not_full_even_if_it_says_so() {
    let store = store();
    let outside = Outside::<Deleting>::new(&store);
    let client = four(&store, &outside).await;
    for request in [here().limit(9), here().label("label", "x"), here().after(START)] {
        outside.then([Step::DeclareFull, Step::Give(item("a"))]);
        inform::<Deleting>(&client, request).await.unwrap();
        assert_eq!(synced(&client).await, "abcd");
    }
}

#[tokio::test(start_paused = true)]
async fn a_full_run_that_ends_in_an_error_marks_nothing() {
    for ending in [Step::Fail, Step::Panic, Step::Hang] {
        let store = store();
        let outside = Outside::<Deleting>::new(&store);
        let client = four(&store, &outside).await;
        outside.then([Step::DeclareFull, Step::Give(item("a")), ending]);
        inform::<Deleting>(&client, here().full()).await.unwrap_err();
        assert_eq!(synced(&client).await, "abcd");
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_created_informed_changed_or_synced_during_the_run_is_not_missing() {
    let store = store();
    let outside = Outside::<Deleting>::new(&store);
    let client = four(&store, &outside).await;
    // Failed before the run, and synced during it.
    client.inform(item::<Deleting>("late")).await.unwrap();
    outside.then([Step::Wait(30 * SECOND), Step::Give(item("a")), Step::Wait(30 * SECOND)]);
    let during = async {
        pass(10 * SECOND).await;
        client.inform(item::<Deleting>("new")).await.unwrap();
        sync_all(&store).await;
        client.inform(item::<Deleting>("b")).await.unwrap();
        client.inform(item::<Deleting>("c").value(1)).await.unwrap();
        client.inform(item::<Deleting>("waits")).await.unwrap();
    };
    let (summary, ()) = tokio::join!(inform::<Deleting>(&client, here().full()), during);
    assert_eq!(summary.unwrap().missing, 1);
    for id in ["a", "b", "c", "late", "new", "waits"] {
        assert_eq!(row(&client, id).await.desired, Desired::Present, "{id}");
    }
    assert_eq!(row(&client, "d").await.desired, Desired::Absent(AbsentBy::Missing));
}

#[tokio::test(start_paused = true)]
async fn what_no_worker_has_finished_yet_is_not_missing() {
    let store = store();
    let outside = Outside::<Deleting>::new(&store);
    let client = four(&store, &outside).await;
    client.inform(item::<Deleting>("new")).await.unwrap();
    client.inform(item::<Deleting>("a").value(1)).await.unwrap();
    client.invalidate(&key::<Deleting>("b")).await.unwrap();
    pass(HOUR).await;
    outside.then([]);
    let summary = inform::<Deleting>(&client, here().full()).await.unwrap();
    assert_eq!(summary.missing, 2);
    for id in ["a", "b", "new"] {
        assert_eq!(row(&client, id).await.desired, Desired::Present, "{id}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_of_stale_or_deleted_is_a_mention() {
    let store = store();
    let outside = Outside::<Ordered>::new(&store);
    let client = client(&store, &outside);
    outside.gives([item("a").value(5), item("b")]);
    inform::<Ordered>(&client, here().full()).await.unwrap();
    sync_all(&store).await;
    client.delete(&key::<Ordered>("b")).await.unwrap();
    sync_all(&store).await;
    pass(MINUTE).await;
    outside.gives([item("a").value(3), item("b")]);
    let summary = inform::<Ordered>(&client, here().full()).await.unwrap();
    let expected = BTreeMap::from([(InformOutcome::Stale, 1), (InformOutcome::SkippedDeleted, 1)]);
    assert_eq!((summary.outcomes, summary.missing), (expected, 0));
    assert_eq!(row(&client, "a").await.state, State::Synced);
    assert_eq!(row(&client, "b").await.state, State::Deleted);
}

#[tokio::test(start_paused = true)]
async fn a_full_run_that_would_delete_too_much_says_so_and_changes_nothing() {
    let store = store();
    let outside = Outside::<Cautious>::new(&store);
    let client = four(&store, &outside).await;
    let moved_to = mark::<Cautious>(&store, "default").await;
    let before = (rows(&client).await, events(&client).await);
    outside.gives([item("a")]);
    let error = inform::<Cautious>(&client, here().full()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
    assert!(error.to_string().contains("at most 2 of the 4 stored objects to be missing, found 3"), "{error}");
    assert_eq!((rows(&client).await, events(&client).await), before);
    assert_eq!(mark::<Cautious>(&store, "default").await, moved_to);
    outside.gives([item("a"), item("b")]);
    assert_eq!(inform::<Cautious>(&client, here().full()).await.unwrap().missing, 2);
}

#[tokio::test(start_paused = true)]
async fn what_is_deleted_already_does_not_count_as_stored() {
    let store = store();
    let outside = Outside::<Cautious>::new(&store);
    let client = four(&store, &outside).await;
    client.delete(&key::<Cautious>("a")).await.unwrap();
    sync_all(&store).await;
    client.delete(&key::<Cautious>("b")).await.unwrap();
    pass(MINUTE).await;
    outside.then([]);
    let error = inform::<Cautious>(&client, here().full()).await.unwrap_err();
    assert!(error.to_string().contains("at most 1 of the 2 stored objects to be missing, found 2"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_full_run_is_about_one_kind_and_one_namespace() {
    let store = store();
    let outside = Outside::<Deleting>::new(&store);
    let client = four(&store, &outside).await;
    outside.gives([item("a"), item("b")]);
    inform::<Deleting>(&client, here().namespace("eu").full()).await.unwrap();
    client.inform(Inform::new(item::<Plain>("e")).options(InformOptions::new().namespace("eu"))).await.unwrap();
    sync_all(&store).await;
    pass(MINUTE).await;
    outside.gives([item("a")]);
    let summary = inform::<Deleting>(&client, here().namespace("eu").full()).await.unwrap();
    assert_eq!(summary.missing, 1);
    let absent = rows(&client).await.into_iter().filter(|row| row.desired != Desired::Present);
    let absent: Vec<String> = absent.map(|row| row.key.to_string()).collect();
    assert_eq!(absent.len(), 1, "{absent:?}");
    assert!(absent[0].contains("eu"));
}

#[tokio::test(start_paused = true)]
async fn a_full_run_that_was_taken_over_marks_nothing_more() {
    let store = store();
    let outside = Outside::<Deleting>::new(&store);
    let client = four(&store, &outside).await;
    let thief = store.clone();
    let steal = move || {
        let stolen = overwrite(&thief, "inform/schedule/deleting", |schedule| delta::core::Cursor {
            holder: Some(Owner::new(99)),
            ..schedule
        });
        futures::FutureExt::now_or_never(stolen).unwrap();
    };
    outside.then([Step::Give(item("a")), Step::Do(Box::new(steal))]);
    let error = inform::<Deleting>(&client, here().full()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert_eq!(synced(&client).await, "abcd");
}

#[tokio::test(start_paused = true)]
async fn each_sign_of_life_since_the_begin_keeps_an_object() {
    type Edit = fn(&mut delta::core::Resource);
    let edits: [(&str, Edit); 6] = [
        ("none", |_| {}),
        ("state", |row| row.state = State::Failed),
        ("finished generation", |row| row.generation += 1),
        ("synced", |row| row.synced_at = Some(BEGAN)),
        ("written", |row| row.updated_at = BEGAN),
        ("touched", |row| row.state_since = BEGAN),
    ];
    for (what, edit) in edits {
        let store = store();
        let outside = Outside::<Deleting>::new(&store);
        let client = four(&store, &outside).await;
        assert_eq!(now(&store).await, BEGAN);
        store.edit(row(&client, "d").await.id, edit).unwrap();
        outside.gives(["a", "b", "c"].map(item));
        let summary = inform::<Deleting>(&client, here().full()).await.unwrap();
        assert_eq!(summary.missing, u64::from(what == "none"), "{what}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_page_that_is_written_too_late_is_not() {
    let store = store();
    let outside = Outside::<Deleting>::new(&store);
    four(&store, &outside).await;
    let plan = FaultPlan::new();
    let client = client_with(&FaultStore::new(store.clone(), plan.clone()), &outside, settings());
    let slow = plan.clone();
    let slow = move || slow.inject(Operation::Commit, Calls::Nth(1), Fault::Delay(5 * SECOND));
    outside.then([Step::Give(item("a")), Step::Wait(SECOND), Step::Do(Box::new(slow))]);
    let steal = async {
        pass(3 * SECOND).await;
        overwrite(&store, "inform/schedule/deleting", |schedule| schedule).await;
    };
    let (summary, ()) = tokio::join!(inform::<Deleting>(&client, here().full()), steal);
    assert_eq!((summary.unwrap_err().kind(), plan.hits()), (ErrorKind::Unavailable, 1));
    assert_eq!(synced(&client).await, "abcd");
}

#[tokio::test(start_paused = true)]
async fn a_thousand_missing_objects_are_found_page_by_page() {
    let store = store();
    let outside = Outside::<Working>::new(&store);
    let client = client_with(&store, &outside, settings().cleaner_batch(64));
    outside.gives((0..1_000).map(|number| item(&format!("i{number}"))));
    inform::<Working>(&client, here().full()).await.unwrap();
    sync_all(&store).await;
    pass(MINUTE).await;
    outside.gives((0..1_000).step_by(2).map(|number| item(&format!("i{number}"))));
    assert_eq!(inform::<Working>(&client, here().full()).await.unwrap().missing, 500);
}

#[tokio::test(start_paused = true)]
async fn what_is_missing_is_worked_without_waiting_for_a_poll() {
    let store = store();
    let outside = Outside::<Deleting>::new(&store);
    let client = client_with(&store, &outside, settings().poll_interval(HOUR));
    outside.gives([item("a"), item("b")]);
    let running = client.start().await.unwrap();
    until("the first run", async || synced(&client).await == "ab").await;
    pass(MINUTE).await;
    outside.gives([item("a")]);
    inform::<Deleting>(&client, here().full()).await.unwrap();
    pass(SECOND).await;
    assert_eq!(row(&client, "b").await.state, State::Deleted);
    running.stop().await;
}
