use std::num::NonZeroU32;
use std::time::Duration;

use delta_core::RateLimit;
use governor::clock::Clock as _;
use governor::middleware::NoOpMiddleware;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter, clock};
use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::clock::{instant, sleep};

/// Lets attempts of a kind begin at their rate, in the order in which they ask.
pub(crate) struct Rate {
    limiter: RateLimiter<NotKeyed, InMemoryState, Monotonic, NoOpMiddleware<Duration>>,
    /// Held by whoever is next, lest all that wait wake up for one slot.
    next: Mutex<()>,
}

/// Tokio's clock, so that a test may pause it.
#[derive(Clone, Debug)]
struct Monotonic(Instant);

impl clock::Clock for Monotonic {
    type Instant = Duration;

    fn now(&self) -> Duration {
        instant().duration_since(self.0)
    }
}

impl Rate {
    pub(crate) fn new(limit: RateLimit) -> Self {
        let at_least_one = |number| NonZeroU32::new(number).unwrap_or(NonZeroU32::MIN);
        let quota = Quota::per_second(at_least_one(limit.per_second)).allow_burst(at_least_one(limit.burst));
        let limiter = RateLimiter::direct_with_clock(quota, Monotonic(instant()));
        Self { limiter, next: Mutex::new(()) }
    }

    /// Waits until an attempt may begin.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future gives up its place, and nothing else.
    pub(crate) async fn wait(&self) {
        let _turn = self.next.lock().await;
        while let Err(early) = self.limiter.check() {
            sleep(early.wait_time_from(self.limiter.clock().now())).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_burst_begins_at_once_and_the_rest_at_the_rate() {
        let rate = Rate::new(RateLimit { per_second: 10, burst: 3 });
        let start = instant();
        for _ in 0..3 {
            rate.wait().await;
        }
        assert_eq!(instant(), start);
        for _ in 0..10 {
            rate.wait().await;
        }
        let took = instant() - start;
        assert!((Duration::from_secs(1)..Duration::from_millis(1_020)).contains(&took), "{took:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_gives_up_takes_no_slot() {
        let rate = Rate::new(RateLimit { per_second: 1, burst: 1 });
        rate.wait().await;
        let start = instant();
        let gave_up = tokio::time::timeout(Duration::from_millis(100), rate.wait()).await;
        assert!(gave_up.is_err());
        rate.wait().await;
        assert_eq!((instant() - start).as_millis(), 1_000);
    }
}
