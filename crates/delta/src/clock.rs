//! The one place that reads the machine's clock and waits.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use delta_core::Timestamp;
use tokio::time::Instant;

use crate::testing::Process;

/// The server's time, as far as this process knows it: its own monotonic clock plus the offset that was sampled.
///
/// It never goes backwards. Between samples it is off by at most the uncertainty of the sample and the drift since.
#[derive(Clone, Debug)]
pub(crate) struct Clock {
    known: Arc<Mutex<Option<Sample>>>,
    /// How many microseconds this process's clock gains in a second: none, but in a simulation.
    drift_ppm: i32,
}

impl Default for Clock {
    fn default() -> Self {
        Self { known: Arc::default(), drift_ppm: Process::current().map_or(0, |process| process.drift_ppm()) }
    }
}

#[derive(Clone, Copy, Debug)]
struct Sample {
    taken: Instant,
    server: Timestamp,
    uncertainty: Duration,
    last: Timestamp,
}

/// How far two clocks may drift apart: 500 ppm, the limit up to which NTP steers a clock (RFC 5905, section 11.3).
const DRIFT: f64 = 500e-6;

impl Sample {
    fn uncertainty_at(&self, now: Instant) -> Duration {
        self.uncertainty + now.duration_since(self.taken).mul_f64(DRIFT)
    }
}

impl Clock {
    /// Takes over what the server said, unless what is known is more certain still.
    pub(crate) fn sample(&self, asked: Instant, server: Timestamp, answered: Instant) {
        let uncertainty = answered.duration_since(asked) / 2;
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.is_none_or(|known| uncertainty <= known.uncertainty_at(answered)) {
            let server = server + uncertainty;
            let last = known.map_or(server, |known| known.last);
            *known = Some(Sample { taken: answered, server, uncertainty, last });
        }
    }

    /// The server's time now; `None` before the first sample.
    pub(crate) fn now(&self) -> Option<Timestamp> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let sample = known.as_mut()?;
        sample.last = sample.last.max(self.by(sample));
        Some(sample.last)
    }

    /// How far [`now`](Self::now) may be off. As it never goes backwards, a vague sample that put it ahead keeps it there when a
    /// better one shows that it was, until time has caught up.
    pub(crate) fn uncertainty(&self) -> Duration {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.map_or(Duration::MAX, |sample| {
            let ahead = sample.last.since(self.by(&sample));
            sample.uncertainty_at(instant()) + ahead
        })
    }

    /// The server's time now by a sample.
    fn by(&self, sample: &Sample) -> Timestamp {
        sample.server + drifted(instant().duration_since(sample.taken), self.drift_ppm)
    }
}

/// What a clock that gains so much shows of a duration.
fn drifted(duration: Duration, ppm: i32) -> Duration {
    let error = duration * ppm.unsigned_abs() / 1_000_000;
    if ppm < 0 { duration.saturating_sub(error) } else { duration + error }
}

/// The process's own monotonic clock; tokio's, so that a test may pause it.
#[expect(clippy::disallowed_methods, reason = "the one place that reads it")]
pub(crate) fn instant() -> Instant {
    Instant::now()
}

/// Waits.
#[expect(clippy::disallowed_methods, reason = "the one place that waits")]
pub(crate) async fn sleep(duration: Duration) {
    tokio::time::sleep(duration).await;
}

/// Waits until then.
pub(crate) async fn sleep_until(deadline: Instant) {
    tokio::time::sleep_until(deadline).await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn time_goes_on_from_the_sample_and_never_back() {
        let clock = Clock::default();
        assert_eq!(clock.now(), None);
        assert_eq!(clock.uncertainty(), Duration::MAX);
        let asked = instant();
        tokio::time::advance(Duration::from_millis(10)).await;
        clock.sample(asked, Timestamp::from_micros(1_000_000), instant());
        assert_eq!(clock.now(), Some(Timestamp::from_micros(1_005_000)));
        assert_eq!(clock.uncertainty(), Duration::from_millis(5));
        tokio::time::advance(Duration::from_secs(1)).await;
        assert_eq!(clock.now(), Some(Timestamp::from_micros(2_005_000)));
        let now = instant();
        clock.sample(now, Timestamp::from_micros(1_500_000), now);
        assert_eq!(clock.now(), Some(Timestamp::from_micros(2_005_000)));
    }

    #[tokio::test(start_paused = true)]
    async fn a_vaguer_sample_does_not_replace_a_better_one() {
        let clock = Clock::default();
        let asked = instant();
        clock.sample(asked, Timestamp::EPOCH, asked);
        tokio::time::advance(Duration::from_secs(2)).await;
        clock.sample(asked, Timestamp::EPOCH, instant());
        assert_eq!(clock.now(), Some(Timestamp::from_micros(2_000_000)));
    }

    #[tokio::test(start_paused = true)]
    async fn what_a_vague_sample_has_put_ahead_is_uncertain_until_time_has_caught_up() {
        let clock = Clock::default();
        let asked = instant();
        tokio::time::advance(Duration::from_secs(2)).await;
        // All of it was the way there.
        clock.sample(asked, Timestamp::from_micros(2_000_000), instant());
        assert_eq!(clock.now(), Some(Timestamp::from_micros(3_000_000)));
        let now = instant();
        clock.sample(now, Timestamp::from_micros(2_000_000), now);
        assert_eq!(clock.now(), Some(Timestamp::from_micros(3_000_000)), "it does not go back");
        assert_eq!(clock.uncertainty(), Duration::from_secs(1));
        tokio::time::advance(Duration::from_secs(1)).await;
        assert!(clock.uncertainty() < Duration::from_millis(1));
    }
}
