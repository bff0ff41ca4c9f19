//! Writers: each has one transaction at a time open, among those of the others.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use delta::core::Writers;
use delta::{ErrorKind, Result};
use rand::RngExt as _;
use rand::rngs::StdRng;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::chance::Seed;
use crate::channel::Channel;
use crate::checker::Written;
use crate::transactions::LogStore;

const WRITERS: usize = 8;

/// How long a transaction is kept open at most, in questions to the database.
const HOLD: u32 = 60;

/// What the writers have in common.
pub(crate) struct Writing<S: LogStore> {
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

impl<S: LogStore> Writing<S> {
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
            let labels: Vec<(usize, Vec<String>)> = (0..rng.random_range(1..=3))
                .map(|call| {
                    let channel = rng.random_range(0..self.channels.len());
                    let events = rng.random_range(1..=if call == 0 { 12 } else { 4 });
                    (channel, (0..events).map(|event| format!("w{writer}-t{number}-c{call}-e{event}")).collect())
                })
                .collect();
            let keep = rng.random_range(0..3) != 0;
            let kept = match self.transaction(&labels, keep, &mut rng).await {
                Ok(()) => keep,
                // The database has ended the transaction, as it may.
                Err(error) if error.kind() == ErrorKind::Conflict => {
                    self.conflicts.fetch_add(1, Ordering::Relaxed);
                    false
                }
                Err(error) => panic!("writer {writer}, transaction {number}: {error:?}"),
            };
            self.note(&labels, kept);
        }
    }

    async fn transaction(&self, labels: &[(usize, Vec<String>)], keep: bool, rng: &mut StdRng) -> Result<()> {
        let mut tx = self.store.begin_tx().await?;
        let conn = &mut *tx;
        let written = async {
            for (channel, labels) in labels {
                self.channels[*channel].append(conn, labels).await?;
                self.hold(conn, rng).await?;
            }
            Ok(())
        };
        let written = written.await;
        if keep && written.is_ok() {
            return S::commit_tx(tx).await;
        }
        S::rollback_tx(tx).await?;
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

    fn note(&self, labels: &[(usize, Vec<String>)], kept: bool) {
        let mut written = self.written.lock().unwrap();
        for (channel, written) in written.iter_mut().enumerate() {
            let labels = labels.iter().filter(|(of, _)| *of == channel).flat_map(|(_, labels)| labels.clone());
            let to = if kept { &mut written.committed } else { &mut written.rolled_back };
            to.push(labels.collect());
        }
        drop(written);
        if kept {
            let events = labels.iter().map(|(_, labels)| labels.len()).sum();
            let _ =
                self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| Some(left.saturating_sub(events)));
            self.commits.send_modify(|commits| *commits += 1);
        }
    }
}
