use std::collections::BTreeSet;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

/// What a run of the program has done, and what it can not do.
#[derive(Debug, Default)]
pub(crate) struct Report {
    copied: AtomicU64,
    bytes: AtomicU64,
    removed: AtomicU64,
    adjusted: AtomicU64,
    seen: AtomicU64,
    unnamed: Mutex<BTreeSet<String>>,
}

/// The counts of a [`Report`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    /// Files copied.
    pub(crate) copied: u64,
    /// Bytes of them.
    pub(crate) bytes: u64,
    /// Entries removed from the target.
    pub(crate) removed: u64,
    /// Files of which only the mode was set.
    pub(crate) adjusted: u64,
    /// Entries that the latest full run has found in the source.
    pub(crate) seen: u64,
}

impl Report {
    pub(crate) fn copied(&self, bytes: u64) {
        self.copied.fetch_add(1, Ordering::Relaxed);
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    pub(crate) fn removed(&self) {
        self.removed.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn adjusted(&self) {
        self.adjusted.fetch_add(1, Ordering::Relaxed);
    }

    /// Begins to count the entries of a full run.
    pub(crate) fn begin_walk(&self) {
        self.seen.store(0, Ordering::Relaxed);
        self.unnamed().clear();
    }

    pub(crate) fn saw(&self) {
        self.seen.fetch_add(1, Ordering::Relaxed);
    }

    /// Notes an entry that is left out, as its name is not UTF-8.
    #[expect(clippy::unnecessary_debug_formatting, reason = "it keeps every byte of the name, escaped")]
    pub(crate) fn saw_unnamed(&self, path: &Path) {
        self.unnamed().insert(format!("{path:?}"));
    }

    pub(crate) fn counts(&self) -> Counts {
        let get = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Counts {
            copied: get(&self.copied),
            bytes: get(&self.bytes),
            removed: get(&self.removed),
            adjusted: get(&self.adjusted),
            seen: get(&self.seen),
        }
    }

    /// The entries of the latest full run whose names are not UTF-8, escaped.
    pub(crate) fn unnamed_entries(&self) -> Vec<String> {
        self.unnamed().iter().cloned().collect()
    }

    fn unnamed(&self) -> std::sync::MutexGuard<'_, BTreeSet<String>> {
        self.unnamed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
