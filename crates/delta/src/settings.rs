use std::time::Duration;

use delta_core::{HeadCache, InformOptions, Invalid, Retention};

/// Settings of a client. Kinds and namespaces may say otherwise where theirs exist.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use delta::ClientSettings;
///
/// let settings = ClientSettings::new().lease(Duration::from_secs(30)).poll_interval(Duration::from_millis(500));
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct ClientSettings {
    pub(crate) lease: Duration,
    pub(crate) answer_timeout: Option<Duration>,
    pub(crate) poll_interval: Duration,
    pub(crate) work_timeout: Option<Duration>,
    pub(crate) inform_interval: Option<Duration>,
    pub(crate) inform_jitter: Duration,
    pub(crate) inform_timeout: Option<Duration>,
    pub(crate) inform_overlap: Duration,
    pub(crate) maintenance_interval: Duration,
    pub(crate) cleaner_interval: Duration,
    pub(crate) cleaner_batch: u32,
    pub(crate) cleaner_timeout: Duration,
    pub(crate) grace: Duration,
    pub(crate) retention: Retention,
    pub(crate) subscription_capacity: usize,
    pub(crate) log_cache: HeadCache,
    pub(crate) inform: InformOptions,
    pub(crate) seed: Option<u64>,
}

impl Default for ClientSettings {
    fn default() -> Self {
        Self {
            lease: Duration::from_mins(1),
            answer_timeout: Some(Duration::from_mins(1)),
            poll_interval: Duration::from_secs(1),
            work_timeout: Some(Duration::from_mins(1)),
            inform_interval: Some(Duration::from_hours(1)),
            inform_jitter: Duration::from_mins(1),
            inform_timeout: Some(Duration::from_mins(1)),
            inform_overlap: Duration::from_mins(1),
            maintenance_interval: Duration::from_mins(1),
            cleaner_interval: Duration::from_mins(15),
            cleaner_batch: 1_000,
            cleaner_timeout: Duration::from_secs(30),
            grace: Duration::from_secs(30),
            retention: Retention::default(),
            subscription_capacity: 1_000,
            log_cache: HeadCache::default(),
            inform: InformOptions::default(),
            seed: None,
        }
    }
}

impl ClientSettings {
    /// The defaults.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// How long a lease holds unless it is renewed, which it is every third of that; 60 s by default. What a crashed
    /// process had in work is taken over after at most two leases.
    #[must_use]
    pub fn lease(mut self, lease: Duration) -> Self {
        self.lease = lease;
        self
    }

    /// How long a call waits for one answer of the store; a minute by default, `None` for ever. Then it is `Unavailable`, and
    /// its connection is thrown away: that may be dead without anybody telling.
    ///
    /// Whether what was asked for was done meanwhile, nobody knows. What goes over a connection of the caller's is the
    /// caller's to bound, and what the executor waits for is never longer than a lease.
    #[must_use]
    pub fn answer_timeout(mut self, timeout: impl Into<Option<Duration>>) -> Self {
        self.answer_timeout = timeout.into();
        self
    }

    /// How often to look for work without a wake-up; 1 s by default, with a tenth of jitter.
    #[must_use]
    pub fn poll_interval(mut self, interval: Duration) -> Self {
        self.poll_interval = interval;
        self
    }

    /// How long an attempt may take; 1 min by default, `None` is forever.
    #[must_use]
    pub fn work_timeout(mut self, timeout: impl Into<Option<Duration>>) -> Self {
        self.work_timeout = timeout.into();
        self
    }

    /// How often each informer runs; 1 h by default, `None` is only by request.
    #[must_use]
    pub fn inform_interval(mut self, interval: impl Into<Option<Duration>>) -> Self {
        self.inform_interval = interval.into();
        self
    }

    /// By how much at most a scheduled run of an informer is put off, at random; 1 min by default.
    #[must_use]
    pub fn inform_jitter(mut self, jitter: Duration) -> Self {
        self.inform_jitter = jitter;
        self
    }

    /// How long an informer may go without giving an object; 1 min by default, `None` is forever.
    #[must_use]
    pub fn inform_timeout(mut self, timeout: impl Into<Option<Duration>>) -> Self {
        self.inform_timeout = timeout.into();
        self
    }

    /// How far before its high-water mark an informer is asked to begin; 1 min by default.
    #[must_use]
    pub fn inform_overlap(mut self, overlap: Duration) -> Self {
        self.inform_overlap = overlap;
        self
    }

    /// How often the leader expires, rescues and schedules informers; 1 min by default. The rescuer runs at least once per
    /// lease.
    #[must_use]
    pub fn maintenance_interval(mut self, interval: Duration) -> Self {
        self.maintenance_interval = interval;
        self
    }

    /// How often the leader purges; 15 min by default.
    #[must_use]
    pub fn cleaner_interval(mut self, interval: Duration) -> Self {
        self.cleaner_interval = interval;
        self
    }

    /// How many rows one step of maintenance takes; 1,000 by default, at most 10,000.
    #[must_use]
    pub fn cleaner_batch(mut self, rows: u32) -> Self {
        self.cleaner_batch = rows;
        self
    }

    /// How long one query of maintenance may take; 30 s by default.
    #[must_use]
    pub fn cleaner_timeout(mut self, timeout: Duration) -> Self {
        self.cleaner_timeout = timeout;
        self
    }

    /// How long a stop waits for what is running before it is cancelled and given back; 30 s by default.
    #[must_use]
    pub fn grace(mut self, grace: Duration) -> Self {
        self.grace = grace;
        self
    }

    /// How long resources are kept after they came to rest; deleted and degraded 24 h, synced forever by default.
    #[must_use]
    pub fn retention(mut self, retention: Retention) -> Self {
        self.retention = retention;
        self
    }

    /// How many events a subscription holds; 1,000 by default.
    #[must_use]
    pub fn subscription_capacity(mut self, events: usize) -> Self {
        self.subscription_capacity = events;
        self
    }

    /// What the readers of Delta's own log share at its head; 10,000 events and 16 MiB by default.
    #[must_use]
    pub fn log_cache(mut self, cache: HeadCache) -> Self {
        self.log_cache = cache;
        self
    }

    /// Options of every inform; those of the call, the object and the kind come first. None by default.
    #[must_use]
    pub fn inform(mut self, options: InformOptions) -> Self {
        self.inform = options;
        self
    }

    /// Seeds the client's random numbers, for tests that replay a history; the system's randomness by default. No two
    /// clients of one database may have the same seed.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = Some(seed);
        self
    }

    pub(crate) fn check(&self) -> Result<(), Invalid> {
        let above_zero = |field, value: Duration| match value {
            Duration::ZERO => Err(Invalid::new(field, "a time above zero", "0 s")),
            _ => Ok(()),
        };
        if self.lease < Duration::from_millis(100) {
            return Err(Invalid::new("lease", "at least 100 ms", format!("{:?}", self.lease)));
        }
        above_zero("poll interval", self.poll_interval)?;
        above_zero("maintenance interval", self.maintenance_interval)?;
        above_zero("cleaner interval", self.cleaner_interval)?;
        above_zero("cleaner timeout", self.cleaner_timeout)?;
        for (field, value) in [
            ("answer timeout", self.answer_timeout),
            ("work timeout", self.work_timeout),
            ("inform timeout", self.inform_timeout),
            ("inform interval", self.inform_interval),
        ] {
            above_zero(field, value.unwrap_or(Duration::MAX))?;
        }
        if !(1..=10_000).contains(&self.cleaner_batch) {
            return Err(Invalid::new("cleaner batch", "1 to 10,000", self.cleaner_batch.to_string()));
        }
        if self.subscription_capacity == 0 {
            return Err(Invalid::new("subscription capacity", "at least 1", "0"));
        }
        if let HeadCache::On { rows: 0, .. } | HeadCache::On { bytes: 0, .. } = self.log_cache {
            return Err(Invalid::new("log cache", "room for at least one event, or none", "0"));
        }
        self.inform.resolve().map(|_| ())
    }

    /// How often leases are renewed: every third of one.
    pub(crate) fn heartbeat_interval(&self) -> Duration {
        self.lease / 3
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_those_that_are_documented() {
        let settings = ClientSettings::default();
        assert!(settings.check().is_ok());
        let minute = Duration::from_mins(1);
        assert_eq!((settings.lease, settings.heartbeat_interval()), (minute, Duration::from_secs(20)));
        assert_eq!((settings.work_timeout, settings.inform_timeout), (Some(minute), Some(minute)));
        assert_eq!(settings.answer_timeout, Some(minute));
        assert_eq!((settings.inform_interval, settings.inform_jitter), (Some(60 * minute), minute));
        assert_eq!((settings.inform_overlap, settings.maintenance_interval), (minute, minute));
        assert_eq!((settings.cleaner_interval, settings.cleaner_batch), (15 * minute, 1_000));
        assert_eq!((settings.cleaner_timeout, settings.grace), (minute / 2, minute / 2));
        assert_eq!((settings.poll_interval, settings.subscription_capacity), (Duration::from_secs(1), 1_000));
        assert_eq!(settings.retention, Retention::default());
        assert_eq!(settings.log_cache, HeadCache::On { rows: 10_000, bytes: 16 << 20 });
    }
}
