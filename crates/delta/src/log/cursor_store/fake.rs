//! A store of places that fails when it is told to.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use delta_core::{Error, ErrorKind, Position, Result};
use futures::future::BoxFuture;

use crate::log::cursor_store::{CursorStore, MemoryCursors};

#[derive(Debug, Default)]
pub(super) struct Flaky {
    cursors: MemoryCursors,
    failing: AtomicBool,
    saves: AtomicUsize,
}

impl Flaky {
    /// Whether saves fail from now on.
    pub(super) fn fail(&self, failing: bool) {
        self.failing.store(failing, Ordering::SeqCst);
    }

    /// How often it was asked to save.
    pub(super) fn saves(&self) -> usize {
        self.saves.load(Ordering::SeqCst)
    }
}

impl CursorStore for Flaky {
    fn load<'a>(&'a self, consumer: &'a str) -> BoxFuture<'a, Result<Option<Position>>> {
        self.cursors.load(consumer)
    }

    fn save<'a>(&'a self, consumer: &'a str, position: Position) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            self.saves.fetch_add(1, Ordering::SeqCst);
            if self.failing.load(Ordering::SeqCst) {
                return Err(Error::new(ErrorKind::Unavailable, "save", "the test said so"));
            }
            self.cursors.save(consumer, position).await
        })
    }

    fn flush(&self) -> BoxFuture<'_, Result<()>> {
        self.cursors.flush()
    }
}
