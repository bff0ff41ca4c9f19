use delta_core::Position;

/// What a run has done.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ConsumeSummary {
    /// Events that were handled.
    pub handled: u64,
    /// Events that [`filter_with`](crate::log::Consumer::filter_with) kept out, or that somebody had skipped.
    pub skipped: u64,
    /// Events that were given up on and passed over.
    pub given_up: u64,
    /// Events that were given up on and kept as dead letters.
    pub dead_lettered: u64,
    /// Dead letters that were handled in the end.
    pub replayed: u64,
    /// Attempts that have failed.
    pub failed_attempts: u64,
    /// Where the cursor stands; none of a sharded consumer, or if this run never had the lease.
    pub position: Option<Position>,
}

impl ConsumeSummary {
    /// Adds what was done after it.
    pub(super) fn add(&mut self, later: &Self) {
        self.handled += later.handled;
        self.skipped += later.skipped;
        self.given_up += later.given_up;
        self.dead_lettered += later.dead_lettered;
        self.replayed += later.replayed;
        self.failed_attempts += later.failed_attempts;
        self.position = later.position.or(self.position);
    }
}
