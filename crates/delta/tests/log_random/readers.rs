//! Consumers at the level of the store: they read pages, and the test keeps their cursors.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use delta::core::{Access, ErrorKind};
use delta::{Position, Result};
use rand::RngExt as _;
use rand::rngs::StdRng;
use tokio::sync::watch;

use crate::log_kit::channel::Channel;
use crate::log_kit::checker::{Seen, Step};
use crate::log_kit::crash::dropped_after;
use crate::log_kit::place::Place;

/// A consumer, and what outlives its crashes.
pub(crate) struct Reader<S: Place> {
    store: S,
    channel: Arc<dyn Channel<S>>,
    commits: watch::Receiver<u64>,
    /// Whether the writers have ended.
    over: Arc<AtomicBool>,
    cursor: Mutex<Position>,
    history: Mutex<Vec<Step>>,
}

impl<S: Place> Reader<S> {
    pub(crate) fn new(
        store: S,
        channel: Arc<dyn Channel<S>>,
        commits: watch::Receiver<u64>,
        over: Arc<AtomicBool>,
    ) -> Self {
        let (cursor, history) = (Mutex::new(Position::START), Mutex::default());
        Self { store, channel, commits, over, cursor, history }
    }

    /// Consumes the log until it has all of it, and crashes now and then. Returns what became of it.
    pub(crate) async fn run(self, mut rng: StdRng) -> Vec<Step> {
        loop {
            let cursor = *self.cursor.lock().unwrap();
            self.history.lock().unwrap().push(Step::Began { cursor });
            let polls = if rng.random_range(0..4) == 0 { rng.random_range(0..8) } else { rng.random_range(8..150) };
            match dropped_after(polls, self.consume(cursor, &mut rng)).await {
                None => {}
                // Of two that lock the same, a database may give up one; a consumer begins again then, as after a crash.
                Some(Err(error)) if error.kind() == ErrorKind::Conflict => {}
                Some(Ok(())) => return self.history.into_inner().unwrap(),
                Some(Err(error)) => panic!("a reader after {cursor}: {error:?}"),
            }
        }
    }

    async fn consume(&self, mut after: Position, rng: &mut StdRng) -> Result<()> {
        let mut commits = self.commits.clone();
        let mut tick = tokio::time::interval(Duration::from_millis(10));
        loop {
            commits.mark_unchanged();
            let over = self.over.load(Ordering::SeqCst);
            let limit = rng.random_range(1..100);
            let mut conn = self.store.acquire(Access::Read).await?;
            let page = self.channel.page(&mut conn, after, limit).await?;
            drop(conn);
            assert!(
                page.next >= after && page.next <= page.head.max(after),
                "after {after}: {} of {}",
                page.next,
                page.head
            );
            for seen in page.events {
                after = seen.position;
                self.history.lock().unwrap().push(Step::Handled(seen));
                if rng.random_range(0..5) == 0 {
                    *self.cursor.lock().unwrap() = after;
                    tokio::task::yield_now().await;
                }
            }
            after = page.next;
            *self.cursor.lock().unwrap() = after;
            if after < page.head {
                continue;
            }
            if over && page.held_back == 0 {
                return Ok(());
            }
            tokio::select! {
                _ = commits.changed(), if !over => {}
                _ = tick.tick() => {}
            }
        }
    }
}

/// All of a log, read at once.
pub(crate) async fn read_all<S: Place>(store: &S, channel: &dyn Channel<S>) -> Vec<Seen> {
    let (mut after, mut all) = (Position::START, Vec::new());
    let mut conn = store.acquire(Access::Read).await.unwrap();
    loop {
        let page = channel.page(&mut conn, after, 10_000).await.unwrap();
        all.extend(page.events);
        if page.next >= page.head {
            return all;
        }
        after = page.next;
    }
}
