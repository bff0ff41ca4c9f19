use std::time::Duration;

use tokio::time::Instant;

/// For how long there is to be work claimed beyond what runs: a few round trips of a full batch (10 to 15 ms each), and too
/// short to matter to whoever else could have begun it.
const WINDOW: Duration = Duration::from_millis(20);

/// How much of a kind to claim beyond what may run at once: as many as its workers have finished within the last
/// [`WINDOW`], which is how many will begin within the next if they go on like that (Little's law).
///
/// So where work takes a moment, workers do not wait for the database between two of them, and batches grow; where it takes
/// long, next to nothing is claimed that somebody else could begin earlier.
#[derive(Debug)]
pub(crate) struct Ahead {
    since: Instant,
    /// Finished in the window that is not over, and in the one before.
    now: u32,
    before: u32,
}

impl Ahead {
    pub(crate) fn new(now: Instant) -> Self {
        Self { since: now, now: 0, before: 0 }
    }

    /// Counts an attempt that has ended.
    pub(crate) fn finished(&mut self, now: Instant) {
        self.turn(now);
        self.now = self.now.saturating_add(1);
    }

    /// How many.
    pub(crate) fn get(&mut self, now: Instant) -> u32 {
        self.turn(now);
        self.now.max(self.before)
    }

    fn turn(&mut self, now: Instant) {
        let past = now.saturating_duration_since(self.since);
        if past < WINDOW {
            return;
        }
        self.before = if past < 2 * WINDOW { self.now } else { 0 };
        self.now = 0;
        self.since = now;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::instant;

    #[tokio::test]
    async fn it_follows_what_was_finished_and_forgets_it() {
        let start = instant();
        let at = |millis| start + Duration::from_millis(millis);
        let mut ahead = Ahead::new(start);
        assert_eq!(ahead.get(start), 0);
        (0..30).for_each(|_| ahead.finished(at(5)));
        assert_eq!(ahead.get(at(5)), 30);
        (0..10).for_each(|_| ahead.finished(at(25)));
        assert_eq!(ahead.get(at(25)), 30);
        assert_eq!(ahead.get(at(46)), 10);
        assert_eq!(ahead.get(at(90)), 0);
    }
}
