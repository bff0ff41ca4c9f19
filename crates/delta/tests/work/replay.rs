//! The same seeds give the same history, to the byte.

use std::fmt::{Debug, Display, Write as _};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use delta::core::{Access, CursorQuery, Depth, Load, LoadBy, RateLimit, Store as _};
use delta::{
    Action, AnyClient, Batch, Client, ClientSettings, ConsumeError, Consumer, Controller, Event, EventFilter,
    EventQuery, Filter, GiveUp, InformContext, InformError, InformOptions, ListQuery, MaxAttempts, MemoryStore,
    Missing, MissingLimit, ObjectSettings, Override, Pausable, Position, Resource, ResourceId, RetentionSettings,
    Running, ShardBy, WorkContext, WorkError,
};
use futures::StreamExt as _;
use futures::stream::{self, Stream};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::support::{Item, item, key, kind_settings, now, pass, store};

const SECOND: Duration = Duration::from_secs(1);

type Mail = Consumer<MemoryStore, Event>;

/// A number that is as good as drawn, and the same for the same words.
fn chance(words: &[&dyn Display]) -> u64 {
    let text = words.iter().fold(String::new(), |text, word| text + &word.to_string() + "/");
    let mixed = text
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3));
    (mixed ^ (mixed >> 32)).wrapping_mul(0xd6e8_feb8_6659_fd93) >> 16
}

/// What was seen to happen, with its time.
#[derive(Clone)]
struct Diary(Arc<Mutex<Vec<String>>>, tokio::time::Instant);

impl Diary {
    fn new() -> Self {
        Self(Arc::default(), now())
    }

    fn tell(&self, what: impl Display) {
        self.0.lock().unwrap().push(format!("{:?} {what}", now() - self.1));
    }
}

/// A controller whose work takes its time, fails now and then, and whose outside changes every half minute.
struct Restless(&'static str, Diary);

impl Controller for Restless {
    type Object = Item;

    async fn work(&self, cx: &WorkContext, found: &Resource<Item>) -> Result<Action, WorkError> {
        let Self(name, diary) = self;
        diary.tell(format_args!("{name} works {} {} {}", found.key, found.generation, cx.attempt()));
        let chance = chance(&[&found.key, &found.generation, &cx.attempt()]);
        pass(Duration::from_millis(chance % 2_500)).await;
        diary.tell(format_args!("{name} has worked {} {}", found.key, cx.idempotency_key()));
        match chance / 2_500 % 8 {
            0 | 1 => Err(WorkError::retry("not today")),
            2 => Ok(Action::Snooze(2 * SECOND)),
            3 => {
                cx.client().inform(&item(format!("of-{}", found.object.id.len()), found.object.value)).await?;
                Ok(Action::Synced)
            }
            _ => Ok(Action::Synced),
        }
    }

    fn inform(&self, cx: InformContext) -> impl Stream<Item = Result<Item, InformError>> + Send {
        let round = u32::try_from((now() - self.1.1).as_secs() / 30).unwrap();
        self.1.tell(format_args!("{} informs, after {:?}", self.0, cx.after()));
        cx.declare_full();
        stream::iter((0..24).filter(move |n| round == 0 || n % 5 != round % 5)).then(move |n| async move {
            pass(Duration::from_millis(u64::from(n) % 3 * 40)).await;
            Ok(item(n, n + round))
        })
    }
}

fn settings(seed: u64) -> ClientSettings {
    ClientSettings::new()
        .seed(seed)
        .lease(8 * SECOND)
        .poll_interval(SECOND / 2)
        .work_timeout(2 * SECOND)
        .inform_interval(20 * SECOND)
        .inform_jitter(5 * SECOND)
        .maintenance_interval(5 * SECOND)
        .cleaner_interval(7 * SECOND)
        .cleaner_batch(10)
        .grace(3 * SECOND)
}

fn client(store: &MemoryStore, name: &'static str, seed: u64, diary: &Diary) -> Client<MemoryStore> {
    let builder = Client::builder(store.clone()).controller(Restless(name, diary.clone())).settings(settings(seed));
    builder.event_retention(40 * SECOND).build().unwrap()
}

#[expect(clippy::disallowed_methods, reason = "what a program around the client does")]
fn spawn<T: Send + 'static>(task: impl Future<Output = T> + Send + 'static) -> JoinHandle<T> {
    tokio::spawn(task)
}

/// Runs consumers of all shapes, and readers that share a head.
fn listen(
    client: &Client<MemoryStore>,
    of: &'static str,
    diary: &Diary,
    stop: &CancellationToken,
) -> Vec<JoinHandle<()>> {
    let mail = |name: &'static str| -> Mail {
        let diary = diary.clone();
        Consumer::new(name, move |_, event: Event| {
            let diary = diary.clone();
            async move {
                let chance = chance(&[&name, &event.position]);
                pass(Duration::from_millis(chance % 60)).await;
                diary.tell(format_args!("{of} {name} {}", event.position));
                if chance.is_multiple_of(9) { Err(ConsumeError::new("no")) } else { Ok(()) }
            }
        })
        .give_up_after(2, GiveUp::DeadLetter)
    };
    let told = diary.clone();
    let batch: Mail = Consumer::batch("batch", Batch::new().size(7).age(SECOND), move |_, events: Vec<Event>| {
        told.tell(format_args!("{of} batch {:?}", events.iter().map(|event| event.position.get()).collect::<Vec<_>>()));
        async { Ok::<_, ConsumeError>(()) }
    });
    let consumers =
        [mail("one"), mail("loose").max_in_flight(5), mail("keys").ordered_by_key(4), batch.sharded(ShardBy::Key)];
    let consumed = consumers.map(|consumer| {
        let (consumption, stop, diary) =
            (client.log().consumer(consumer).lease(6 * SECOND), stop.clone(), diary.clone());
        spawn(async move {
            let summary = consumption.run(stop.cancelled()).await;
            diary.tell(format_args!("{of} has consumed {summary:?}"));
        })
    });
    let read = (0..12).map(|number| {
        let (log, stop, diary) = (client.log(), stop.clone(), diary.clone());
        spawn(async move {
            let mut events = Box::pin(log.stream(Position::START, EventFilter::default()));
            while let Some(Some(event)) = stop.run_until_cancelled(events.next()).await {
                diary.tell(format_args!("{of} reader {number} {:?}", event.map(|event| event.position)));
            }
        })
    });
    consumed.into_iter().chain(read).collect()
}

/// What callers ask for in a second.
async fn ask(client: &AnyClient, second: u64, diary: &Diary) {
    let target = key(chance(&[&second, &"target"]) % 24);
    let outcome: Box<dyn Debug> = match chance(&[&second, &"call"]) % 8 {
        0 => Box::new(client.inform(&item(target.object_id.as_str(), 1_000)).await),
        1 => Box::new(client.inform_many((20..40).map(|n| item(n, 7))).await),
        2 => Box::new(client.delete(&target).await),
        3 => Box::new(client.cancel(&target).await),
        4 => Box::new(client.invalidate(&target).await),
        5 => Box::new(client.pause(&Pausable::Resource(target)).await),
        6 => Box::new(client.resume(&Pausable::Resource(target)).await),
        _ => Box::new(()),
    };
    diary.tell(format_args!("asked {outcome:?}"));
}

/// Everything that is stored, and all that was seen.
async fn everything(client: &Client<MemoryStore>, diary: &Diary) -> String {
    let (filter, after) = (Filter::default(), ResourceId::default());
    let rows = client.list(&ListQuery { filter, after, limit: 10_000, depth: Depth::Full }).await.unwrap();
    let events = EventQuery { after: Position::START, limit: 100_000, filter: EventFilter::default() };
    let events = client.events(&events).await.unwrap();
    let cursors = client.cursors(&CursorQuery::Prefix(String::new())).await.unwrap();
    let scopes = client.scopes().await.unwrap();
    let letters = client.log().all_dead_letters().list(None, 0, 10_000).await.unwrap();
    assert!(rows.len() > 20 && events.events.len() > 100 && letters.len() > 10, "too little has happened");
    let mut all = diary.0.lock().unwrap().join("\n");
    write!(all, "\n{rows:#?}\n{events:#?}\n{cursors:#?}\n{scopes:#?}\n{letters:#?}").unwrap();
    all
}

/// So many seconds of two processes, one of which is replaced.
async fn history(seed: u64, seconds: u64) -> String {
    let (store, diary) = (store(), Diary::new());
    let first = client(&store, "first", seed, &diary);
    let mut second = client(&store, "second", seed + 1, &diary);
    let stop = CancellationToken::new();
    let mut tasks = listen(&first, "first", &diary, &stop);
    tasks.extend(listen(&second, "second", &diary, &stop));
    let started: Running = first.start().await.unwrap();
    let mut replaced = second.start().await.unwrap();
    for passed in 0..seconds {
        ask(if passed % 2 == 0 { &first } else { &second }, passed, &diary).await;
        pass(Duration::from_millis(950 + chance(&[&passed]) % 50)).await;
        match passed {
            40 => {
                replaced.stop().await;
                second = client(&store, "third", seed + 2, &diary);
                replaced = second.start().await.unwrap();
            }
            60 => {
                let mut tx = store.begin().await.unwrap();
                let by = LoadBy::Keys((0..24).map(key).collect());
                store.load(&mut tx, &Load { by, depth: Depth::Head, access: Access::Write }).await.unwrap();
                pass(5 * SECOND).await;
                tx.rollback().await;
            }
            _ => {}
        }
    }
    stop.cancel();
    for task in tasks {
        task.await.unwrap();
    }
    replaced.stop().await;
    started.stop().await;
    everything(&first, &diary).await
}

#[test]
fn the_same_seeds_give_the_same_history() {
    kind_settings(
        ObjectSettings::new()
            .parallelism(4)
            .rate_limit(RateLimit { per_second: 10, burst: 3 })
            .expiry(25 * SECOND)
            .missing(Missing::Delete)
            .missing_limit(MissingLimit { share: 0.5, at_least: 10 })
            .retention(RetentionSettings { deleted: Override::Set(15 * SECOND), ..RetentionSettings::default() })
            .inform(InformOptions::new().max_attempts(MaxAttempts::Limited(3))),
    );
    let seconds = if std::env::var_os("DELTA_NIGHTLY").is_some() { 900 } else { 75 };
    // The clock is paused from the start: paused later, it would stand at another fraction of a tick each time.
    let run = |seed| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        runtime.block_on(history(seed, seconds))
    };
    let (once, again) = (run(11), run(11));
    // For whoever compares runs of the whole program.
    println!("{} lines, {:x}", once.lines().count(), chance(&[&once]));
    let lines = || once.lines().zip(again.lines()).enumerate();
    let differs = lines().find(|(_, (once, again))| once != again);
    if let Some((number, _)) = differs {
        let around = lines().skip(number.saturating_sub(5)).take(8).map(|(_, lines)| lines);
        panic!("differs in line {number}: {:#?}", around.collect::<Vec<_>>());
    }
    assert!(once == again, "{} and {} lines", once.lines().count(), again.lines().count());
}
