//! The work that every engine's handler does: nothing, but noting that it was called.
//!
//! One process measures one scenario of one engine, so what the handlers note is kept once per process: an engine's
//! way of handing state to its handlers is then no part of what is measured.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use anyhow::{Result, anyhow};
use tokio::sync::Notify;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

static LEFT: AtomicUsize = AtomicUsize::new(usize::MAX);
static ALL_CALLED: Notify = Notify::const_new();
static STARTS: OnceLock<UnboundedSender<Instant>> = OnceLock::new();

/// What each handler calls, once per item.
pub(crate) fn run() {
    if let Some(starts) = STARTS.get() {
        // The receiver is gone once the last round is measured.
        let _ = starts.send(Instant::now());
    }
    if LEFT.fetch_sub(1, Ordering::Relaxed) == 1 {
        ALL_CALLED.notify_one();
    }
}

/// Says how many calls [`called`] waits for; before the workers are started.
pub(crate) fn expect(calls: usize) {
    LEFT.store(calls, Ordering::Relaxed);
}

/// Waits until a handler was called as often as expected.
///
/// Nothing is asked of the database before that, so that watching takes nothing from the engine watched.
pub(crate) async fn called() {
    ALL_CALLED.notified().await;
}

/// From now on handed the moment at which each call of a handler began.
pub(crate) fn starts() -> Result<UnboundedReceiver<Instant>> {
    let (sender, receiver) = unbounded_channel();
    STARTS.set(sender).map_err(|_| anyhow!("expected to watch handlers once in a process, found a second watcher"))?;
    Ok(receiver)
}
