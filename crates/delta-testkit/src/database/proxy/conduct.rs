use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use tokio::sync::watch;

/// In which of its two directions something goes through a [`Proxy`](super::Proxy).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// What clients ask.
    ToServer,
    /// What the server answers.
    ToClient,
}

/// What all connections go by.
#[derive(Debug, Default)]
pub(super) struct Conduct {
    stalled: watch::Sender<bool>,
    /// What may still pass in one direction before the connection over which more comes is cut.
    left: Mutex<Option<(Way, u64)>>,
    open: AtomicUsize,
    cuts: AtomicU64,
}

impl Conduct {
    pub(super) fn stall(&self, stalled: bool) {
        self.stalled.send_replace(stalled);
    }

    /// Waits while nothing is forwarded.
    pub(super) async fn flowing(&self) {
        let mut stalled = self.stalled.subscribe();
        // The sender lives as long as this.
        let _ = stalled.wait_for(|stalled| !stalled).await;
    }

    pub(super) fn cut_after(&self, way: Way, bytes: u64) {
        *self.left.lock().unwrap_or_else(PoisonError::into_inner) = Some((way, bytes));
    }

    /// How many of so many bytes may pass; `None` if all.
    pub(super) fn pass(&self, way: Way, bytes: usize) -> Option<usize> {
        let mut left = self.left.lock().unwrap_or_else(PoisonError::into_inner);
        let (watched, most) = left.as_mut()?;
        if *watched != way {
            return None;
        }
        let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
        if bytes <= *most {
            *most -= bytes;
            return None;
        }
        let pass = *most;
        *left = None;
        self.cuts.fetch_add(1, Ordering::AcqRel);
        Some(usize::try_from(pass).unwrap_or(usize::MAX))
    }

    pub(super) fn cuts(&self) -> u64 {
        self.cuts.load(Ordering::Acquire)
    }

    pub(super) fn open(&self) -> usize {
        self.open.load(Ordering::Acquire)
    }

    /// Counts a connection while it lives.
    pub(super) fn count(&self) -> Counted<'_> {
        self.open.fetch_add(1, Ordering::AcqRel);
        Counted(self)
    }
}

pub(super) struct Counted<'a>(&'a Conduct);

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.open.fetch_sub(1, Ordering::AcqRel);
    }
}
