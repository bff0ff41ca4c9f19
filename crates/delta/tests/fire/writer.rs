//! Somebody who writes all the time, and books what he was told.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use delta::core::{Access, TableEvent};
use delta::{Client, Error, EventLog, Key, Log, Object as _, Result};
use rand::RngExt as _;
use rand::rngs::StdRng;

use crate::item::Item;
use crate::log_kit::channel::table;
use crate::log_kit::place::Place;

/// How many items each writer asks for again and again.
const ITEMS: u64 = 12;
/// How many items are informed in one batch.
const BATCH: usize = 8;
/// How long a writer waits between two requests.
const PAUSE: Duration = Duration::from_millis(5);

/// What was asked of an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Wanted {
    Present(u64),
    Absent,
}

/// What became of writes that belong together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    Kept,
    Undone,
    /// The answer was an error: all or nothing is there.
    InDoubt,
}

/// Writes that belong together: new items, and where it is said an event of the same name in a table.
#[derive(Clone, Debug)]
pub(crate) struct Group {
    pub(crate) labels: Vec<String>,
    pub(crate) with_event: bool,
    pub(crate) fate: Fate,
}

/// What writers were told.
#[derive(Debug, Default)]
pub(crate) struct Book {
    /// What each item may be: what was last acknowledged, and what was asked for since without an answer.
    pub(crate) items: BTreeMap<String, BTreeSet<Wanted>>,
    pub(crate) groups: Vec<Group>,
    /// What errors said, without what differs from one to the next.
    pub(crate) errors: BTreeSet<String>,
}

impl Book {
    pub(crate) fn add(&mut self, other: Self) {
        self.items.extend(other.items);
        self.groups.extend(other.groups);
        self.errors.extend(other.errors);
    }
}

/// What all writers of a test share.
#[derive(Clone, Default)]
pub(crate) struct Progress {
    pub(crate) acknowledged: Arc<AtomicU64>,
    pub(crate) failed: Arc<AtomicU64>,
    pub(crate) stop: Arc<AtomicBool>,
}

impl Progress {
    pub(crate) fn acknowledged(&self) -> u64 {
        self.acknowledged.load(Ordering::SeqCst)
    }

    pub(crate) fn failed(&self) -> u64 {
        self.failed.load(Ordering::SeqCst)
    }

    pub(crate) fn stop(&self) {
        self.stop.store(true, Ordering::SeqCst);
    }
}

/// Whether what failed may have happened all the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Doubt {
    /// It may: the answer was lost.
    Possible,
    /// It has not: the database was there and said no.
    None,
}

pub(crate) struct Writer<S: Place> {
    client: Client<S>,
    table: EventLog<S>,
    number: usize,
    rng: StdRng,
    doubt: Doubt,
    /// How large items are.
    padding: usize,
    progress: Progress,
    next: u64,
    book: Book,
}

/// The log of the table that writers append to.
pub(crate) fn table_log<S: Place>(client: &Client<S>) -> Log<S, TableEvent> {
    client.event_log(table()).unwrap().log()
}

impl<S: Place> Writer<S> {
    pub(crate) fn new(client: &Client<S>, number: usize, rng: StdRng, doubt: Doubt, progress: &Progress) -> Self {
        Self {
            client: client.clone(),
            table: client.event_log(table()).unwrap(),
            number,
            rng,
            doubt,
            padding: 0,
            progress: progress.clone(),
            next: 0,
            book: Book::default(),
        }
    }

    pub(crate) fn padding(self, padding: usize) -> Self {
        Self { padding, ..self }
    }

    /// Writes until it is told to stop.
    pub(crate) async fn run(mut self) -> Book {
        let mut pause = tokio::time::interval(PAUSE);
        pause.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        while !self.progress.stop.load(Ordering::SeqCst) {
            pause.tick().await;
            let done = match self.rng.random_range(0..10) {
                0..4 => self.inform().await,
                4..5 => self.batch().await,
                5..9 => self.transaction().await,
                _ => self.delete().await,
            };
            match done {
                Ok(()) => self.progress.acknowledged.fetch_add(1, Ordering::SeqCst),
                Err(error) => {
                    assert!(error.is_transient(), "what passes by itself is told as what does not: {error}");
                    self.book.errors.insert(shape(&error));
                    // Whoever sees an error does not ask again at once.
                    pause.tick().await;
                    self.progress.failed.fetch_add(1, Ordering::SeqCst)
                }
            };
        }
        self.book
    }

    fn item(&mut self, id: String) -> Item {
        self.next += 1;
        Item { padding: "x".repeat(self.padding), ..Item::new(id, self.next) }
    }

    fn label(&self, what: &str, number: usize) -> String {
        format!("{what}-{}-{}-{number}", self.number, self.next)
    }

    async fn inform(&mut self) -> Result<()> {
        let id = format!("item-{}-{}", self.number, self.rng.random_range(0..ITEMS));
        let item = self.item(id.clone());
        let wanted = Wanted::Present(item.value);
        let answer = self.client.inform(item).await.map(drop);
        self.note(id, wanted, answer)
    }

    async fn delete(&mut self) -> Result<()> {
        let count = self.book.items.len();
        if count == 0 {
            return Ok(());
        }
        let place = self.rng.random_range(0..count);
        let (id, may_be) = self.book.items.iter().nth(place).unwrap();
        let (id, known) = (id.clone(), may_be.len() == 1);
        let answer = self.client.delete(&Key::new("default", Item::KIND, &id).unwrap()).await;
        match answer {
            // It may never have been there.
            Err(error) if !known && !error.is_transient() => Ok(()),
            answer => self.note(id, Wanted::Absent, answer),
        }
    }

    fn note(&mut self, id: String, wanted: Wanted, answer: Result<()>) -> Result<()> {
        match &answer {
            Ok(()) => drop(self.book.items.insert(id, BTreeSet::from([wanted]))),
            Err(_) if self.doubt == Doubt::None => {}
            // Of an item that nobody was told of, nothing at all may be there, which counts as absent.
            Err(_) => {
                let may_be = self.book.items.entry(id).or_insert_with(|| BTreeSet::from([Wanted::Absent]));
                may_be.insert(wanted);
            }
        }
        answer
    }

    /// New items in one call.
    async fn batch(&mut self) -> Result<()> {
        let labels: Vec<String> = (0..BATCH).map(|number| self.label("batch", number)).collect();
        let items: Vec<Item> = labels.iter().map(|label| self.item(label.clone())).collect();
        let answer =
            self.client.inform_many(items).await.map(|answers| assert!(answers.iter().all(std::result::Result::is_ok)));
        self.group(labels, false, answer, true)
    }

    /// A new item, and an event of an application's own, in one transaction.
    async fn transaction(&mut self) -> Result<()> {
        let label = self.label("tx", 0);
        let item = self.item(label.clone());
        let keep = self.rng.random_range(0..4) != 0;
        let store = self.client.store().clone();
        let mut conn = store.acquire(Access::Write).await?;
        let written = async {
            store.begin_tx(&mut conn).await?;
            let (_, wake) = self.client.inform_in(&mut conn, item).await?;
            let log_wake = self.table.insert(&mut conn, label.as_str(), 1).await?;
            if keep {
                store.commit_tx(&mut conn).await?;
                wake.send();
                log_wake.send();
                return Ok(());
            }
            store.rollback_tx(&mut conn).await
        };
        let answer = written.await;
        if answer.is_err() {
            store.discard(conn);
        }
        self.group(vec![label], true, answer, keep)
    }

    fn group(&mut self, labels: Vec<String>, with_event: bool, answer: Result<()>, keep: bool) -> Result<()> {
        let fate = match &answer {
            _ if !keep => Fate::Undone,
            Ok(()) => Fate::Kept,
            Err(_) if self.doubt == Doubt::None => Fate::Undone,
            Err(_) => Fate::InDoubt,
        };
        self.book.groups.push(Group { labels, with_event, fate });
        answer
    }
}

fn shape(error: &Error) -> String {
    error.to_string().chars().filter(|char| !char.is_ascii_digit()).collect()
}
