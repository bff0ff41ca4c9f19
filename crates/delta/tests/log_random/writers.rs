//! Writers: each has one transaction at a time open, among those of the others.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use delta::core::{Access, Writers};
use delta::{ErrorKind, Result};
use rand::RngExt as _;
use rand::rngs::StdRng;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::log_kit::chance::Seed;
use crate::log_kit::channel::Channel;
use crate::log_kit::checker::Written;
use crate::log_kit::place::Place;

const WRITERS: usize = 8;

/// How long a transaction is kept open at most, in questions to the database.
const HOLD: u32 = 60;

/// Events that are appended at once.
struct Call {
    channel: usize,
    labels: Vec<String>,
    savepoint: Savepoint,
}

/// Whether events are appended in a savepoint, and what becomes of it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Savepoint {
    None,
    Kept,
    RolledBack,
}

/// What the writers have in common.
pub(crate) struct Writing<S: Place> {
    store: S,
    channels: Vec<Arc<dyn Channel<S>>>,
    /// How many events are to be committed yet.
    left: AtomicUsize,
    /// How many transactions were committed.
    commits: watch::Sender<u64>,
    /// Of each channel.
    written: Mutex<Vec<Written>>,
    conflicts: AtomicUsize,
}

impl<S: Place> Writing<S> {
    pub(crate) fn new(store: S, channels: Vec<Arc<dyn Channel<S>>>, events: usize) -> Arc<Self> {
        let written = Mutex::new(vec![Written::default(); channels.len()]);
        let left = AtomicUsize::new(events);
        Arc::new(Self {
            store,
            channels,
            left,
            commits: watch::Sender::new(0),
            written,
            conflicts: AtomicUsize::new(0),
        })
    }

    /// Tells of every commit; ends when the writers have.
    pub(crate) fn commits(&self) -> watch::Receiver<u64> {
        self.commits.subscribe()
    }

    /// Has the writers write until enough is committed, and returns what each channel got.
    pub(crate) async fn run(self: Arc<Self>, seed: Seed) -> Vec<Written> {
        let mut writers = JoinSet::new();
        for writer in 0..WRITERS {
            writers.spawn(self.clone().write(writer, seed.of("writer", writer)));
        }
        writers.join_all().await;
        println!("{} commits, {} conflicts", *self.commits.borrow(), self.conflicts.load(Ordering::Relaxed));
        self.written.lock().unwrap().clone()
    }

    async fn write(self: Arc<Self>, writer: usize, mut rng: StdRng) {
        let mut number = 0;
        while self.left.load(Ordering::Relaxed) > 0 {
            number += 1;
            let calls: Vec<Call> = (0..rng.random_range(1..=3))
                .map(|call| Call {
                    channel: rng.random_range(0..self.channels.len()),
                    labels: (0..rng.random_range(1..=if call == 0 { 12 } else { 4 }))
                        .map(|event| format!("w{writer}-t{number}-c{call}-e{event}"))
                        .collect(),
                    savepoint: match rng.random_range(0..10) {
                        0 if S::SQL => Savepoint::Kept,
                        1 if S::SQL => Savepoint::RolledBack,
                        _ => Savepoint::None,
                    },
                })
                .collect();
            let keep = rng.random_range(0..3) != 0;
            let kept = match self.transaction(&calls, keep, &mut rng).await {
                Ok(()) => keep,
                // The database has ended the transaction, as it may.
                Err(error) if error.kind() == ErrorKind::Conflict => {
                    self.conflicts.fetch_add(1, Ordering::Relaxed);
                    false
                }
                Err(error) => panic!("writer {writer}, transaction {number}: {error:?}"),
            };
            self.note(&calls, kept);
        }
    }

    async fn transaction(&self, calls: &[Call], keep: bool, rng: &mut StdRng) -> Result<()> {
        let mut conn = self.store.acquire(Access::Write).await?;
        self.store.begin_tx(&mut conn).await?;
        let written = async {
            for call in calls {
                if call.savepoint != Savepoint::None {
                    S::execute(&mut conn, "SAVEPOINT here").await;
                }
                self.channels[call.channel].append(&mut conn, &call.labels).await?;
                self.hold(&mut conn, rng).await?;
                match call.savepoint {
                    Savepoint::None => {}
                    Savepoint::Kept => S::execute(&mut conn, "RELEASE SAVEPOINT here").await,
                    Savepoint::RolledBack => S::execute(&mut conn, "ROLLBACK TO SAVEPOINT here").await,
                }
            }
            Ok(())
        };
        let written = written.await;
        if keep && written.is_ok() {
            return self.store.commit_tx(&mut conn).await;
        }
        self.store.rollback_tx(&mut conn).await?;
        written
    }

    /// Keeps the transaction open until others have committed, for some time at most: so many questions to the database.
    async fn hold(&self, conn: &mut S::Conn, rng: &mut StdRng) -> Result<()> {
        let questions = match rng.random_range(0..10) {
            0..5 => 0,
            5..9 => rng.random_range(1..6),
            _ => HOLD,
        };
        let many = self.store.capabilities().writers == Writers::Many;
        let until = *self.commits.borrow() + if many { rng.random_range(1..30) } else { 0 };
        for _ in 0..questions {
            self.store.now(conn).await?;
            tokio::task::yield_now().await;
            if *self.commits.borrow() >= until {
                break;
            }
        }
        Ok(())
    }

    fn note(&self, calls: &[Call], kept: bool) {
        let mut written = self.written.lock().unwrap();
        let mut events = 0;
        for (channel, written) in written.iter_mut().enumerate() {
            let calls = calls.iter().filter(|call| call.channel == channel);
            let (committed, rolled_back): (Vec<_>, Vec<_>) =
                calls.partition(|call| kept && call.savepoint != Savepoint::RolledBack);
            let labels = |calls: Vec<&Call>| calls.into_iter().flat_map(|call| call.labels.clone()).collect::<Vec<_>>();
            written.committed.push(labels(committed));
            written.rolled_back.push(labels(rolled_back));
            events += written.committed.last().map_or(0, Vec::len);
        }
        drop(written);
        if kept {
            let less = |left: usize| Some(left.saturating_sub(events));
            let _ = self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less);
            self.commits.send_modify(|commits| *commits += 1);
        }
    }
}
