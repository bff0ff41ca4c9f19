use std::ops::Deref;
use std::sync::atomic::{AtomicI64, Ordering};

use super::text::event_table::EventTableTexts;

/// The statements for an event table, and how far it was found to be without a gap.
#[derive(Debug)]
pub(super) struct LiveTable {
    texts: EventTableTexts,
    /// Ids only come to be there, but for those at the front that are trimmed: what had no gap has none later.
    without_gap: AtomicI64,
}

impl LiveTable {
    pub(super) fn new(texts: EventTableTexts) -> Self {
        Self { texts, without_gap: AtomicI64::new(0) }
    }

    /// From where to look for the next gap, for who has found none up to `read`; the highest id that is there is `highest`.
    pub(super) fn look_from(&self, read: i64, highest: i64) -> i64 {
        let known = self.without_gap.load(Ordering::Relaxed);
        // More than there is: the table was made anew.
        if known > highest { read } else { read.max(known) }
    }

    /// Notes that there is no gap up to an id.
    pub(super) fn found(&self, up_to: i64) {
        self.without_gap.store(up_to, Ordering::Relaxed);
    }
}

impl Deref for LiveTable {
    type Target = EventTableTexts;

    fn deref(&self) -> &EventTableTexts {
        &self.texts
    }
}
