use std::collections::BTreeSet;
use std::time::Duration;

use delta_core::Lane;
use tokio::time::Instant;

/// To how much a moment is rounded up, so that many resources that are due soon count as few.
const TICK: Duration = Duration::from_millis(5);

/// Lanes that will have something to claim soon, before the next poll.
#[derive(Debug)]
pub(crate) struct Later {
    base: Instant,
    /// After so many ticks.
    lanes: BTreeSet<(u128, Lane)>,
}

impl Later {
    pub(crate) fn new(base: Instant) -> Self {
        Self { base, lanes: BTreeSet::new() }
    }

    /// Notes that a lane will have something to claim then.
    pub(crate) fn add(&mut self, lane: Lane, at: Instant) {
        let ticks = at.saturating_duration_since(self.base).as_nanos().div_ceil(TICK.as_nanos());
        self.lanes.insert((ticks, lane));
    }

    /// When the first is due.
    pub(crate) fn due(&self) -> Option<Instant> {
        self.lanes.first().map(|(ticks, _)| self.at(*ticks))
    }

    /// Takes out what is due.
    pub(crate) fn take_due(&mut self, now: Instant) -> Vec<Lane> {
        let mut due = Vec::new();
        while self.due().is_some_and(|at| at <= now) {
            due.extend(self.lanes.pop_first().map(|(_, lane)| lane));
        }
        due
    }

    fn at(&self, ticks: u128) -> Instant {
        self.base + TICK * u32::try_from(ticks).unwrap_or(u32::MAX)
    }
}

#[cfg(test)]
mod tests {
    use delta_core::Name;

    use super::*;
    use crate::clock::instant;

    #[tokio::test]
    async fn a_lane_is_due_whenever_one_of_its_resources_is() {
        let lane = |kind| Lane { namespace: Name::default_namespace(), kind: Name::new(kind).unwrap() };
        let (now, second) = (instant(), Duration::from_secs(1));
        let mut later = Later::new(now);
        later.add(lane("a"), now + 2 * second);
        later.add(lane("a"), now + second);
        later.add(lane("a"), now + second - Duration::from_millis(1));
        later.add(lane("b"), now + 2 * second);
        assert_eq!(later.due(), Some(now + second));
        assert_eq!(later.take_due(now + second - Duration::from_millis(1)), []);
        assert_eq!(later.take_due(now + second), [lane("a")]);
        assert_eq!(later.take_due(now + 2 * second), [lane("a"), lane("b")]);
        assert_eq!(later.due(), None);
    }
}
