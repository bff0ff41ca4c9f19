use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use governor::clock::{Clock as _, DefaultClock};
use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};

/// How the provider treats its callers.
#[derive(Debug)]
pub(super) struct Moods {
    limiter: DefaultDirectRateLimiter,
    clock: DefaultClock,
    requests: AtomicU64,
    limited: AtomicU64,
    failed: AtomicU64,
    lost: AtomicU64,
}

/// What a request is in for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mood {
    Kind,
    /// Too many requests: come back then.
    Limited(Duration),
    /// Fails before anything is done.
    Fails,
    /// Does what was asked, and loses the answer.
    LosesTheAnswer,
}

/// How often callers met which mood.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Told {
    pub(crate) requests: u64,
    pub(crate) limited: u64,
    pub(crate) failed: u64,
    pub(crate) lost: u64,
}

/// Requests each second, and at once.
const PER_SECOND: u32 = 40;
const BURST: u32 = 30;
const FAILS: u64 = 9;
const LOSES: u64 = 7;

impl Moods {
    pub(super) fn new() -> Self {
        let (per_second, burst) = (PER_SECOND.try_into().unwrap_or(std::num::NonZeroU32::MIN), BURST);
        let quota = Quota::per_second(per_second).allow_burst(burst.try_into().unwrap_or(std::num::NonZeroU32::MIN));
        Self {
            limiter: RateLimiter::direct(quota),
            clock: DefaultClock::default(),
            requests: AtomicU64::new(0),
            limited: AtomicU64::new(0),
            failed: AtomicU64::new(0),
            lost: AtomicU64::new(0),
        }
    }

    /// Takes a request in. Which of those within the limit fail depends on their number only, so that every run of the
    /// program meets all moods.
    pub(super) fn next(&self) -> Mood {
        if let Err(early) = self.limiter.check() {
            self.limited.fetch_add(1, Ordering::Relaxed);
            return Mood::Limited(early.wait_time_from(self.clock.now()));
        }
        match self.requests.fetch_add(1, Ordering::Relaxed) + 1 {
            number if number.is_multiple_of(FAILS) => {
                self.failed.fetch_add(1, Ordering::Relaxed);
                Mood::Fails
            }
            number if number.is_multiple_of(LOSES) => {
                self.lost.fetch_add(1, Ordering::Relaxed);
                Mood::LosesTheAnswer
            }
            _ => Mood::Kind,
        }
    }

    pub(super) fn told(&self) -> Told {
        let get = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Told {
            requests: get(&self.requests),
            limited: get(&self.limited),
            failed: get(&self.failed),
            lost: get(&self.lost),
        }
    }
}
