//! What the harness does with a controller, and that it is what a started client does.

use std::future::Future;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use delta::{
    Action, ClientSettings, Controller, ErrorKind, EventKind, Inform, InformContext, InformError, InformOptions,
    InformOutcome, Layer, MemoryStore, NamespaceSettings, Next, Object, ObjectSettings, Pausable, Reason, Resource,
    ScheduleInform, SettleOutcome, State, WorkContext, WorkError,
};
use delta_testkit::Harness;
use delta_testkit::fault::{Calls, Fault, FaultPlan, Operation};
use delta_testkit::harness::{Answer, End, Method};
use futures::future::BoxFuture;
use futures::stream::{self, Stream};
use serde::{Deserialize, Serialize};

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_mins(1);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Item {
    id: String,
    value: u32,
}

fn item(id: &str) -> Item {
    Item { id: id.to_owned(), value: 0 }
}

impl Object for Item {
    const KIND: &'static str = "item";

    fn id(&self) -> String {
        self.id.clone()
    }

    fn settings() -> ObjectSettings {
        ObjectSettings::new().expiry(60 * MINUTE)
    }
}

type Work = dyn Fn(WorkContext, Resource<Item>) -> BoxFuture<'static, Result<Action, WorkError>> + Send + Sync;

/// A controller whose work a test gives; its informer gives what is in the list, and ends in an error after that if told to.
#[derive(Clone)]
struct Fake {
    work: Arc<Work>,
    existing: Vec<Item>,
    fails: bool,
}

fn fake<F, R>(work: F) -> Fake
where
    F: Fn(WorkContext, Resource<Item>) -> R + Send + Sync + 'static,
    R: Future<Output = Result<Action, WorkError>> + Send + 'static,
{
    let work: Arc<Work> = Arc::new(move |cx, item| Box::pin(work(cx, item)));
    Fake { work, existing: Vec::new(), fails: false }
}

fn succeeds() -> Fake {
    fake(|_, _| async { Ok(Action::Synced) })
}

/// Fails so often, then succeeds.
fn fails(times: u32) -> Fake {
    let left = Arc::new(AtomicU32::new(times));
    fake(move |_, _| {
        let fails = left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).is_ok();
        async move { if fails { Err(WorkError::retry("no luck")) } else { Ok(Action::Synced) } }
    })
}

#[expect(clippy::disallowed_methods, reason = "the paused clock's time, which is what is tested")]
async fn pass(time: Duration) {
    tokio::time::sleep(time).await;
}

impl Controller for Fake {
    type Object = Item;

    async fn work(&self, cx: &WorkContext, resource: &Resource<Item>) -> Result<Action, WorkError> {
        (self.work)(cx.clone(), resource.clone()).await
    }

    fn inform(&self, _: InformContext) -> impl Stream<Item = Result<Item, InformError>> + Send {
        let items = self.existing.clone().into_iter().map(Ok);
        stream::iter(items.chain(self.fails.then(|| Err(InformError::new("the list is cut off")))))
    }
}

fn ids(worked: &[delta_testkit::harness::Worked]) -> Vec<&str> {
    worked.iter().map(|worked| worked.key.object_id.as_str()).collect()
}

#[tokio::test(start_paused = true)]
async fn one_due_resource_is_worked_at_a_time_by_priority_and_then_age() {
    let mut harness = Harness::new(succeeds()).await;
    assert_eq!(harness.work_one().await, None);
    for (id, priority) in [("last", 4), ("older", 2), ("newer", 2), ("first", 1)] {
        harness.inform(Inform::new(item(id)).options(InformOptions::new().priority(priority))).await;
    }
    let worked = harness.work_one().await.unwrap();
    assert_eq!((worked.key.object_id.as_str(), worked.generation, worked.attempt), ("first", 1, 1));
    assert_eq!(worked.end, End::Settled(State::Synced));
    assert_eq!(harness.state(&harness.key(&item("older"))), State::Scheduled);
    assert_eq!(ids(&harness.run_until_idle().await), ["older", "newer", "last"]);
    assert_eq!(harness.work_one().await, None);
}

#[tokio::test(start_paused = true)]
async fn namespaces_take_turns() {
    let mut harness = Harness::new(succeeds()).await;
    for (namespace, id) in [("a", "1"), ("a", "2"), ("a", "3"), ("b", "4"), ("b", "5")] {
        harness.inform(Inform::new(item(id)).options(InformOptions::new().namespace(namespace))).await;
    }
    assert_eq!(ids(&harness.run_until_idle().await), ["1", "4", "2", "5", "3"]);
}

#[tokio::test(start_paused = true)]
async fn only_the_namespaces_of_the_client_are_worked() {
    let builder = Harness::builder(succeeds()).namespace("a", NamespaceSettings::new()).namespaces_only();
    let mut harness = builder.build().await.unwrap();
    for namespace in ["a", "b"] {
        harness.inform(Inform::new(item(namespace)).options(InformOptions::new().namespace(namespace))).await;
    }
    assert_eq!(ids(&harness.run_until_idle().await), ["a"]);
    assert_eq!(harness.advance_to_next().await, None);
}

#[tokio::test(start_paused = true)]
async fn what_the_work_causes_is_worked_too_and_what_waits_is_not() {
    let controller = fake(|cx, item: Resource<Item>| async move {
        match (&*item.object.id, item.object.value) {
            ("parent", _) => {
                cx.client().inform(Item { id: "child".into(), value: 1 }).await?;
                return Ok(Action::Synced);
            }
            (_, 1) => {
                cx.client().inform(Item { id: "child".into(), value: 2 }).await?;
            }
            _ => {}
        }
        Ok(Action::Snooze(MINUTE))
    });
    let mut harness = Harness::new(controller).await;
    harness.inform(item("parent")).await;
    // The change during the first attempt at the child leads to one more.
    assert_eq!(ids(&harness.run_until_idle().await), ["parent", "child", "child"]);
    assert_eq!(harness.advance_to_next().await, Some(MINUTE));
    assert_eq!(ids(&harness.run_until_idle().await), ["child"]);
}

#[tokio::test(start_paused = true)]
async fn controllers_of_other_kinds_are_worked_too() {
    #[derive(Clone, Serialize, Deserialize)]
    struct Part(String);
    impl Object for Part {
        const KIND: &'static str = "part";
        fn id(&self) -> String {
            self.0.clone()
        }
    }
    struct Parts;
    impl Controller for Parts {
        type Object = Part;
        async fn work(&self, _: &WorkContext, _: &Resource<Part>) -> Result<Action, WorkError> {
            Ok(Action::Synced)
        }
    }
    let whole = fake(|cx, _| async move {
        cx.client().inform(Part("wheel".into())).await?;
        Ok(Action::Synced)
    });
    let mut harness = Harness::builder(whole).controller(Parts).build().await.unwrap();
    harness.inform(item("car")).await;
    assert_eq!(ids(&harness.run_until_idle().await), ["car", "wheel"]);
}

#[tokio::test(start_paused = true)]
#[should_panic(expected = "expected nothing to be due after 20 attempts, found more, of 2 resources: \
                           default/item/restless worked 20 times, with the last answer Some(Action(Snooze(0ns)))")]
async fn a_controller_that_never_rests_fails_the_test() {
    let restless = fake(|_, item: Resource<Item>| async move {
        Ok(if item.object.id == "restless" { Action::Snooze(Duration::ZERO) } else { Action::Synced })
    });
    let mut harness = Harness::builder(restless).patience(20).build().await.unwrap();
    harness.inform(item("calm")).await;
    harness.inform(item("restless")).await;
    harness.run_until_idle().await;
}

#[tokio::test(start_paused = true)]
async fn as_many_attempts_as_its_patience_allows_are_fine() {
    let mut harness = Harness::builder(succeeds()).patience(2).build().await.unwrap();
    harness.inform(item("a")).await;
    harness.inform(item("b")).await;
    assert_eq!(harness.run_until_idle().await.len(), 2);
}

#[tokio::test(start_paused = true)]
async fn time_passes_exactly_as_asked_and_timers_on_the_way_go_off_in_their_own_moment() {
    let mut harness = Harness::new(succeeds()).await;
    let begin = harness.now();
    assert_eq!(begin.to_string(), "2026-01-01T00:00:00.000000Z");
    let moments = Arc::new(Mutex::new(Vec::new()));
    let ticks = {
        let (moments, client) = (moments.clone(), harness.client().clone());
        async move {
            for _ in 0..3 {
                pass(SECOND).await;
                let now = client.server_time().await.unwrap();
                moments.lock().unwrap().push(now.since(begin));
            }
        }
    };
    let advance = harness.advance(Duration::from_micros(3_500_321));
    tokio::join!(ticks, advance);
    assert_eq!(*moments.lock().unwrap(), [SECOND, 2 * SECOND, 3 * SECOND]);
    assert_eq!(harness.elapsed().as_micros(), 3_500_321);
    for micros in [1, 999, 1_000, 1_001] {
        let until = harness.elapsed() + Duration::from_micros(micros);
        harness.advance(Duration::from_micros(micros)).await;
        assert_eq!(harness.elapsed(), until);
    }
    assert_eq!(harness.now().since(begin), harness.elapsed());
    assert_eq!(harness.client().server_time().await.unwrap(), harness.now());
}

#[tokio::test(start_paused = true)]
async fn a_wait_takes_as_long_at_whatever_moment_the_harness_was_made() {
    for nanos in [0, 1, 333_333, 999_999, 500_000] {
        tokio::time::advance(Duration::from_nanos(nanos)).await;
        let mut harness = Harness::new(fake(|_, _| async {
            pass(Duration::from_micros(1_500)).await;
            Ok(Action::Synced)
        }))
        .await;
        assert_eq!(harness.elapsed(), Duration::ZERO);
        harness.inform(item("a")).await;
        harness.run_until_idle().await;
        assert_eq!(harness.calls()[0].took, Duration::from_millis(2), "made {nanos} ns later");
    }
}

#[tokio::test(start_paused = true)]
async fn nothing_is_tried_again_before_its_back_off_is_over() {
    let mut harness = Harness::new(fails(2)).await;
    let key = harness.key(&item("a"));
    harness.inform(item("a")).await;
    assert_eq!(harness.run_until_idle().await.len(), 1);
    assert_eq!(harness.elapsed(), Duration::ZERO);
    harness.assert_state(&key, State::Failed);
    let due = harness.resource(&key).run_at.unwrap().since(harness.now());
    assert!(!due.is_zero() && due <= SECOND, "{due:?}");
    harness.advance(due.saturating_sub(Duration::from_micros(1))).await;
    assert_eq!(harness.work_one().await, None);
    assert_eq!(harness.advance_to_next().await, Some(Duration::from_micros(1)));
    assert_eq!(harness.run_until_idle().await.len(), 1);
    assert!(harness.advance_to_next().await.unwrap() <= 2 * SECOND);
    harness.run_until_idle().await;
    harness.assert_state(&key, State::Synced);
    assert_eq!((harness.attempts(&key), harness.errors(&key).len()), (3, 2));
    let created = EventKind::Scheduled(Reason::Created);
    assert_eq!(harness.events(&key), [created, EventKind::Failed, EventKind::Failed, EventKind::Synced]);
    assert_eq!(harness.all_events().len(), 4);
    assert_eq!(harness.advance_to_next().await, None);
    let answers: Vec<Answer> = harness.calls().into_iter().map(|call| call.answer).collect();
    let failed = Answer::Error("no luck".into());
    assert_eq!(answers, [failed.clone(), failed, Answer::Action(Action::Synced)]);
    assert_eq!(harness.calls()[1].at, due);
}

#[tokio::test(start_paused = true)]
async fn what_is_paused_is_neither_worked_nor_waited_for() {
    let mut harness = Harness::new(succeeds()).await;
    for id in ["a", "b"] {
        harness.inform(Inform::new(item(id)).options(InformOptions::new().run_at(harness.now() + MINUTE))).await;
    }
    harness.client().pause(&Pausable::Resource(harness.key(&item("a")))).await.unwrap();
    assert_eq!(harness.advance_to_next().await, Some(MINUTE));
    assert_eq!(ids(&harness.run_until_idle().await), ["b"]);
    assert_eq!(harness.advance_to_next().await, None);
    let kind = Pausable::Kind(delta::Name::new("item").unwrap());
    harness.inform(Item { id: "b".into(), value: 1 }).await;
    harness.client().pause(&kind).await.unwrap();
    assert_eq!((harness.work_one().await, harness.advance_to_next().await), (None, None));
    harness.client().resume(&kind).await.unwrap();
    assert_eq!(harness.advance_to_next().await, Some(Duration::ZERO));
    assert_eq!(ids(&harness.run_until_idle().await), ["b"]);
}

#[tokio::test(start_paused = true)]
async fn an_attempt_that_hangs_times_out_and_one_that_panics_is_caught() {
    let controller = fake(|_, item: Resource<Item>| async move {
        match &*item.object.id {
            "hangs" => std::future::pending().await,
            _ => panic!("at the disco"),
        }
    });
    let mut harness = Harness::new(controller).await;
    let (hangs, panics) = (harness.key(&item("hangs")), harness.key(&item("panics")));
    harness.inform(item("hangs")).await;
    assert_eq!(harness.work_one().await.unwrap().end, End::Settled(State::Failed));
    assert_eq!(harness.elapsed(), MINUTE);
    assert_eq!(harness.errors(&hangs)[0].message, "timed out after 60s");
    harness.client().cancel(&hangs).await.unwrap();
    harness.inform(item("panics")).await;
    harness.run_until_idle().await;
    let errors = harness.errors(&panics);
    assert!(errors[0].message.ends_with("at the disco"), "{errors:?}");
    let calls = harness.calls();
    assert_eq!((&calls[0].answer, calls[0].at, calls[0].took), (&Answer::None, Duration::ZERO, MINUTE));
    assert_eq!((&calls[1].answer, calls[1].at), (&Answer::Panicked, MINUTE));
}

#[tokio::test(start_paused = true)]
async fn calls_tell_method_generation_and_idempotency_key() {
    let mut harness = Harness::new(succeeds()).await;
    let key = harness.key(&item("a"));
    harness.inform(item("a")).await;
    harness.run_until_idle().await;
    harness.advance(SECOND).await;
    harness.client().delete(&key).await.unwrap();
    assert_eq!(harness.work_one().await.unwrap().end, End::Settled(State::Deleted));
    let calls = harness.calls();
    let told: Vec<_> = calls.iter().map(|call| (call.method, call.generation, call.attempt, call.at)).collect();
    assert_eq!(told, [(Method::Work, 1, 1, Duration::ZERO), (Method::Delete, 2, 1, SECOND)]);
    assert!(calls.iter().all(|call| call.key == key && call.took.is_zero()));
    assert_ne!(calls[0].idempotency_key, calls[1].idempotency_key);
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_is_lost_has_the_resource_worked_again_once_its_lease_is_over() {
    let effects = Arc::new(Mutex::new(Vec::new()));
    let controller = {
        let effects = effects.clone();
        fake(move |cx, _| {
            effects.lock().unwrap().push(cx.idempotency_key().to_owned());
            async { Ok(Action::Synced) }
        })
    };
    let mut harness = Harness::new(controller).await;
    let key = harness.key(&item("a"));
    // It is the next attempt's, whenever that is.
    harness.crash_next();
    assert_eq!(harness.work_one().await, None);
    harness.inform(item("a")).await;
    let worked = harness.run_until_idle().await;
    assert_eq!((ids(&worked), &worked[0].end), (vec!["a"], &End::Lost));
    harness.assert_state(&key, State::Pending);
    assert_eq!(harness.calls()[0].answer, Answer::Action(Action::Synced));

    harness.advance(Duration::from_millis(59_999)).await;
    harness.maintain().await;
    harness.assert_state(&key, State::Pending);
    harness.advance(Duration::from_millis(1)).await;
    harness.maintain().await;
    harness.assert_state(&key, State::Failed);
    assert_eq!(harness.work_one().await.unwrap().end, End::Settled(State::Synced));
    let effects = effects.lock().unwrap();
    assert_eq!(effects.len(), 2, "the work was done twice");
    assert_eq!(effects[0], effects[1]);
    let created = EventKind::Scheduled(Reason::Created);
    assert_eq!(harness.events(&key), [created, EventKind::Failed, EventKind::Synced]);
}

#[tokio::test(start_paused = true)]
async fn an_attempt_that_is_dropped_in_the_middle_is_lost_and_its_lease_not_renewed() {
    let slow = fake(|cx, _| async move {
        if cx.attempt() == 1 {
            pass(50 * SECOND).await;
        }
        Ok(Action::Synced)
    });
    let mut harness = Harness::new(slow).await;
    let key = harness.key(&item("a"));
    harness.inform(item("a")).await;
    // Past the first renewal.
    tokio::time::timeout(40 * SECOND, harness.work_one()).await.unwrap_err();
    assert_eq!(harness.calls()[0].answer, Answer::None);
    let until = harness.resource(&key).lease.unwrap().until;
    let over = until.since(harness.now());
    assert!(over > 20 * SECOND && over <= MINUTE, "{over:?}");
    // Long enough for a renewal, and another's report.
    harness.inform(item("b")).await;
    assert_eq!(ids(&harness.run_until_idle().await), ["b"]);
    assert_eq!(harness.resource(&key).lease.unwrap().until, until);
    harness.advance(until.since(harness.now())).await;
    harness.maintain().await;
    assert_eq!(ids(&harness.run_until_idle().await), ["a"]);
    harness.assert_state(&key, State::Synced);
    assert_eq!(harness.attempts(&key), 2);
}

#[tokio::test(start_paused = true)]
async fn leases_are_renewed_while_an_attempt_lasts_and_a_cancelled_one_is_ended() {
    let endless = fake(|_, _| std::future::pending());
    let settings = ClientSettings::new().work_timeout(None);
    let mut harness = Harness::builder(endless).settings(settings).build().await.unwrap();
    let (key, client) = (harness.key(&item("a")), harness.client().clone());
    harness.inform(item("a")).await;
    let cancel = async {
        pass(10 * MINUTE).await;
        let row = client.record(&key).await.unwrap().unwrap();
        assert!(row.lease.unwrap().until > client.server_time().await.unwrap());
        client.cancel(&key).await.unwrap();
    };
    let (worked, ()) = tokio::join!(harness.work_one(), cancel);
    assert_eq!(worked.unwrap().end, End::Settled(State::Degraded));
    assert_eq!(harness.errors(&key)[0].message, "cancelled");
    assert!(harness.elapsed() <= 10 * MINUTE + 21 * SECOND, "{:?}", harness.elapsed());
}

#[tokio::test(start_paused = true)]
async fn maintenance_expires_and_purges() {
    let mut harness = Harness::new(succeeds()).await;
    let key = harness.key(&item("a"));
    harness.inform(item("a")).await;
    harness.run_until_idle().await;
    harness.advance(59 * MINUTE).await;
    harness.maintain().await;
    harness.assert_state(&key, State::Synced);
    harness.advance(MINUTE).await;
    harness.maintain().await;
    harness.assert_state(&key, State::Expired);
    harness.client().delete(&key).await.unwrap();
    harness.run_until_idle().await;
    harness.advance(Duration::from_hours(24)).await;
    harness.maintain().await;
    assert_eq!(harness.record(&key), None);
    assert_eq!(harness.events(&key).last(), Some(&EventKind::Purged));
}

#[tokio::test(start_paused = true)]
async fn an_informer_runs_when_it_is_told_to() {
    let controller = Fake { existing: vec![item("a"), item("b")], ..succeeds() };
    let mut harness = Harness::new(controller).await;
    harness.advance(Duration::from_hours(48)).await;
    assert!(harness.all_events().is_empty(), "it does not run by itself");
    let summary = harness.run_informer(ScheduleInform::new()).await.unwrap();
    assert_eq!(summary.outcomes[&InformOutcome::Created], 2);
    assert_eq!(summary.high_water, Some(harness.now()));
    assert_eq!(ids(&harness.run_until_idle().await), ["a", "b"]);
    let summary = harness.run_informer(ScheduleInform::new()).await.unwrap();
    assert_eq!(summary.outcomes[&InformOutcome::Unchanged], 2);
}

#[tokio::test(start_paused = true)]
async fn the_error_of_an_informer_is_returned() {
    let controller = Fake { existing: vec![item("a")], fails: true, ..succeeds() };
    let mut harness = Harness::new(controller).await;
    let error = harness.run_informer(ScheduleInform::new()).await.unwrap_err();
    assert!(error.kind() == ErrorKind::Invalid && error.to_string().contains("the list is cut off"), "{error}");
    assert_eq!(ids(&harness.run_until_idle().await), ["a"]);
}

#[tokio::test(start_paused = true)]
async fn faults_of_the_store_hit_the_controller_and_the_harness_goes_on() {
    let plan = FaultPlan::new();
    let controller = fake(|cx, item: Resource<Item>| async move {
        if item.object.id == "parent" {
            cx.client().inform(Item { id: "child".into(), value: 1 }).await?;
        }
        Ok(Action::Synced)
    });
    let mut harness = Harness::with_faults(controller, plan.clone()).build().await.unwrap();
    let (parent, child) = (harness.key(&item("parent")), harness.key(&item("child")));
    harness.inform(item("parent")).await;
    plan.inject(Operation::Commit, Calls::Nth(1), Fault::Fail(ErrorKind::Unavailable));
    assert_eq!(harness.work_one().await.unwrap().end, End::Settled(State::Failed));
    assert_eq!(harness.errors(&parent)[0].message, "commit: unavailable: injected");
    assert_eq!((plan.hits(), harness.record(&child)), (1, None));

    // A claim that fails is made again; a settlement whose answer is lost is known to be written.
    harness.advance_to_next().await;
    plan.inject(Operation::Claim, Calls::Nth(1), Fault::Fail(ErrorKind::Unavailable));
    plan.inject(Operation::Commit, Calls::Nth(2), Fault::LoseAnswer);
    let asked = harness.elapsed();
    assert_eq!(harness.work_one().await.unwrap().end, End::Settled(State::Synced));
    assert_eq!(plan.hits(), 3);
    assert_eq!(harness.calls()[1].at, asked + SECOND);
    plan.inject(Operation::Load, Calls::From(1), Fault::Fail(ErrorKind::Unavailable));
    harness.assert_state(&child, State::Scheduled);
    let created = EventKind::Scheduled(Reason::Created);
    assert_eq!(harness.events(&parent), [created, EventKind::Failed, EventKind::Synced]);
}

#[tokio::test(start_paused = true)]
async fn a_settlement_that_cannot_be_written_before_the_lease_is_over_is_lost() {
    let plan = FaultPlan::new();
    let mut harness = Harness::with_faults(succeeds(), plan.clone()).build().await.unwrap();
    harness.inform(item("a")).await;
    plan.inject(Operation::Commit, Calls::From(1), Fault::Fail(ErrorKind::Unavailable));
    assert_eq!(harness.work_one().await.unwrap().end, End::Lost);
    assert!(harness.elapsed() >= MINUTE);
    harness.assert_state(&harness.key(&item("a")), State::Pending);
}

#[tokio::test(start_paused = true)]
#[should_panic(expected = "expected the store to claim, found: acquire: unavailable: injected")]
async fn a_store_that_never_answers_fails_the_test() {
    let plan = FaultPlan::new();
    let mut harness = Harness::with_faults(succeeds(), plan.clone()).build().await.unwrap();
    plan.inject(Operation::Acquire, Calls::From(1), Fault::Fail(ErrorKind::Unavailable));
    harness.work_one().await;
}

#[tokio::test(start_paused = true)]
async fn work_that_settles_itself_is_settled_even_if_the_process_dies_then() {
    let controller = fake(|cx, item: Resource<Item>| async move {
        let client = cx.client_of::<MemoryStore>().unwrap();
        let mut tx = client.store().begin().await?;
        let settled = client.settle_in(&mut tx, &item, Action::Synced).await?;
        assert_eq!(settled, SettleOutcome::Settled);
        if item.object.id != "forgets" {
            tx.commit().await?;
        }
        Ok(Action::Settled)
    });
    let mut harness = Harness::new(controller).await;
    harness.inform(item("a")).await;
    assert_eq!(harness.work_one().await.unwrap().end, End::Settled(State::Synced));
    harness.inform(item("b")).await;
    harness.crash_next();
    assert_eq!(harness.work_one().await.unwrap().end, End::Settled(State::Synced));
    harness.inform(item("forgets")).await;
    assert_eq!(harness.work_one().await.unwrap().end, End::Settled(State::Failed));
}

#[tokio::test(start_paused = true)]
async fn layers_lie_around_what_is_recorded() {
    struct Refuses;
    impl Layer for Refuses {
        fn work<'a>(
            &'a self,
            cx: &'a WorkContext,
            row: &'a delta::core::Resource,
            next: Next<'a>,
        ) -> BoxFuture<'a, Result<Action, WorkError>> {
            if row.key.object_id.as_str() == "refused" {
                return Box::pin(async { Err(WorkError::permanent("refused")) });
            }
            Box::pin(async move {
                next.work(cx, row).await?;
                Ok(Action::Snooze(MINUTE))
            })
        }
    }
    let mut harness = Harness::builder(succeeds()).layer(Refuses).build().await.unwrap();
    harness.inform(item("refused")).await;
    assert_eq!(harness.work_one().await.unwrap().end, End::Settled(State::Degraded));
    assert_eq!(harness.calls(), []);
    harness.inform(item("a")).await;
    assert_eq!(harness.work_one().await.unwrap().end, End::Settled(State::Scheduled));
    assert_eq!(harness.calls()[0].answer, Answer::Action(Action::Synced));
}

#[tokio::test(start_paused = true)]
async fn the_same_seed_gives_the_same_history() {
    async fn history(harness: &mut Harness<Fake>) -> (Vec<delta::Event>, Vec<delta_testkit::harness::Call>, i64) {
        for id in ["a", "b", "c"] {
            harness.inform(item(id)).await;
        }
        while harness.advance_to_next().await.is_some() {
            harness.run_until_idle().await;
        }
        harness.inform(item("d")).await;
        harness.crash_next();
        harness.run_until_idle().await;
        let token = harness.resource(&harness.key(&item("d"))).lease.unwrap().token.get();
        (harness.all_events(), harness.calls(), token)
    }
    let seeded = |seed| Harness::builder(fails(7)).seed(seed);
    let first = history(&mut seeded(7).build().await.unwrap()).await;
    assert!(first.0.len() > 10 && first.1.len() > 10);
    assert_eq!(history(&mut seeded(7).build().await.unwrap()).await, first);
    assert_ne!(history(&mut seeded(8).build().await.unwrap()).await, first);
    let of_settings = |settings| Harness::builder(fails(7)).settings(settings);
    let settings = ClientSettings::new().seed(7);
    assert_eq!(history(&mut of_settings(settings.clone()).build().await.unwrap()).await, first);
    assert_ne!(history(&mut of_settings(settings).seed(8).build().await.unwrap()).await, first);
    let unseeded = history(&mut Harness::new(fails(7)).await).await;
    assert_eq!(history(&mut Harness::new(fails(7)).await).await, unseeded);
}

#[tokio::test(start_paused = true)]
async fn a_started_client_runs_under_the_same_clock() {
    let mut harness = Harness::new(fails(2)).await;
    let running = harness.client().start().await.unwrap();
    harness.inform(item("a")).await;
    harness.advance(MINUTE).await;
    harness.assert_state(&harness.key(&item("a")), State::Synced);
    assert_eq!(harness.calls().len(), 3);
    running.stop().await;
}

#[tokio::test(start_paused = true)]
#[should_panic(
    expected = "default/item/a: expected synced, found degraded (generation 1, attempt 1 of 10, last error: \
                           never)"
)]
async fn a_state_that_is_not_as_expected_fails_the_test_and_says_why() {
    let mut harness = Harness::new(fake(|_, _| async { Err(WorkError::permanent("never")) })).await;
    harness.inform(item("a")).await;
    harness.run_until_idle().await;
    harness.assert_state(&harness.key(&item("a")), State::Synced);
}

#[tokio::test(start_paused = true)]
#[should_panic(expected = "expected a resource default/item/b, found default/item/a (scheduled)")]
async fn a_resource_that_is_not_there_fails_the_test_and_says_what_is() {
    let mut harness = Harness::new(succeeds()).await;
    harness.inform(item("a")).await;
    let _ = harness.state(&harness.key(&item("b")));
}

#[tokio::test]
#[should_panic(
    expected = "expected tokio's paused clock, as in #[tokio::test(start_paused = true)], found one that runs"
)]
async fn a_clock_that_runs_is_refused() {
    Harness::new(succeeds()).await;
}

#[test]
#[should_panic(expected = "expected tokio's paused clock")]
fn no_runtime_at_all_is_refused() {
    let _ = Harness::builder(succeeds());
}

#[tokio::test(start_paused = true)]
async fn what_is_wrong_with_the_settings_is_told_at_the_build() {
    let error = Harness::builder(succeeds()).settings(ClientSettings::new().lease(Duration::ZERO)).build().await;
    assert_eq!(error.unwrap_err().kind(), ErrorKind::Invalid);
}
