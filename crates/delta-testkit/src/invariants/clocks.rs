use std::time::Duration;

use delta_core::Timestamp;

use crate::history::{Entry, What};

/// How far a process may be wrong about the database's time.
///
/// A process whose uncertainty is greater than an eighth of a lease neither claims nor leads, so an eighth of the longest
/// lease that any process has set is what it may be off; [`Clocks::DEFAULT`] is that of the default lease of a minute.
/// By whatever the database's own clock is set (see [`What::ClockSet`]), all may be off as well, until they have asked again:
/// it is added for good.
#[derive(Clone, Copy, Debug)]
pub struct Clocks {
    off: Duration,
}

impl Clocks {
    /// An eighth of a minute.
    pub const DEFAULT: Self = Self::off_by(Duration::from_millis(7_500));

    /// Processes may be wrong by so much.
    #[must_use]
    pub const fn off_by(off: Duration) -> Self {
        Self { off }
    }

    pub(super) fn see(&mut self, entry: &Entry) {
        if let What::ClockSet(micros) = entry.what {
            self.off += Duration::from_micros(micros.unsigned_abs());
        }
    }

    /// Whether somebody may take a moment for past at this time.
    pub(super) fn may_be_past(&self, moment: Timestamp, now: Timestamp) -> bool {
        moment <= now + self.off
    }

    /// Whether somebody may take this time for one that is not past a moment.
    pub(super) fn may_be_before(&self, now: Timestamp, moment: Timestamp) -> bool {
        now <= moment + self.off
    }
}

impl Default for Clocks {
    fn default() -> Self {
        Self::DEFAULT
    }
}
