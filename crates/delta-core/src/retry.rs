use std::fmt::Debug;
use std::time::Duration;

/// How long a failed resource waits before its next attempt. How many attempts there are is not its business.
pub trait RetryPolicy: Debug + Send + Sync {
    /// The delay after the `attempt`th attempt of a generation (from 1) has failed.
    ///
    /// `unit` is a random number in `0.0..1.0` for jitter: the same number gives the same delay.
    fn delay(&self, attempt: i64, unit: f64) -> Duration;
}

/// Exponential back-off with full jitter: a random delay of up to `base * 2^(attempt - 1)`, and at most `cap`.
///
/// Full jitter spreads the retries of many resources that failed together best, for the fewest calls in all (Marc Brooker,
/// "Exponential Backoff And Jitter", AWS Architecture Blog, 2015).
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use delta_core::{Backoff, RetryPolicy};
///
/// let backoff = Backoff::default();
/// assert_eq!(backoff.delay(1, 0.5), Duration::from_millis(500));
/// assert_eq!(backoff.delay(3, 0.5), Duration::from_secs(2));
/// assert!(backoff.delay(1_000, 0.999) < Duration::from_secs(3600));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backoff {
    base: Duration,
    cap: Duration,
}

impl Backoff {
    /// From 1 s, doubling, capped at 1 h.
    pub const DEFAULT: Self = Self { base: Duration::from_secs(1), cap: Duration::from_hours(1) };

    /// Sets the longest delay after the first attempt, and the longest of all.
    #[must_use]
    pub const fn new(base: Duration, cap: Duration) -> Self {
        Self { base, cap }
    }
}

impl Default for Backoff {
    fn default() -> Self {
        Self::DEFAULT
    }
}

impl RetryPolicy for Backoff {
    fn delay(&self, attempt: i64, unit: f64) -> Duration {
        // 2^63 seconds are beyond every cap, so a larger exponent changes nothing.
        let doublings = u32::try_from(attempt.saturating_sub(1).clamp(0, 63)).unwrap_or(63);
        let ceiling = self.base.as_secs_f64() * 2f64.powi(doublings.cast_signed());
        let ceiling = ceiling.min(self.cap.as_secs_f64());
        Duration::try_from_secs_f64(ceiling * unit.clamp(0.0, 1.0)).unwrap_or(self.cap)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_one_second_to_one_hour() {
        assert_eq!(Backoff::default(), Backoff::new(Duration::from_secs(1), Duration::from_hours(1)));
    }

    #[test]
    fn the_delay_doubles_up_to_the_cap() {
        let backoff = Backoff::new(Duration::from_secs(1), Duration::from_secs(10));
        let delays: Vec<u64> = (1..=6).map(|attempt| backoff.delay(attempt, 1.0).as_secs()).collect();
        assert_eq!(delays, [1, 2, 4, 8, 10, 10]);
        assert_eq!(backoff.delay(i64::MAX, 0.0), Duration::ZERO);
        assert_eq!(backoff.delay(-5, 1.0), Duration::from_secs(1));
    }
}
