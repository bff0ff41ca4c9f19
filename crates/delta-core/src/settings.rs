use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::inform_options::InformOptions;
use crate::invalid::Invalid;

/// A setting that may be left to the next in line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Override<T> {
    /// As the next in line says.
    #[default]
    Inherit,
    /// Off: never, forever or unlimited, as the setting's description says.
    Off,
    /// This.
    Set(T),
}

impl<T: Copy> Override<T> {
    /// What holds, if the next in line says `next`. `None` is off.
    #[must_use]
    pub fn or(self, next: Option<T>) -> Option<T> {
        match self {
            Self::Inherit => next,
            Self::Off => None,
            Self::Set(value) => Some(value),
        }
    }

    /// This setting, or `next` where it inherits.
    #[must_use]
    pub fn or_override(self, next: Self) -> Self {
        match self {
            Self::Inherit => next,
            set => set,
        }
    }
}

/// How long resources are kept after they came to rest. Off is forever.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct RetentionSettings {
    /// Deleted ones.
    pub deleted: Override<Duration>,
    /// Degraded ones that are to be present.
    pub degraded: Override<Duration>,
    /// Synced ones.
    pub synced: Override<Duration>,
}

impl RetentionSettings {
    /// These settings, and where they inherit, the `next` in line.
    #[must_use]
    pub fn or(self, next: Self) -> Self {
        Self {
            deleted: self.deleted.or_override(next.deleted),
            degraded: self.degraded.or_override(next.degraded),
            synced: self.synced.or_override(next.synced),
        }
    }

    /// What holds, if the client says `next`.
    #[must_use]
    pub fn resolve(self, next: Retention) -> Retention {
        Retention {
            deleted: self.deleted.or(next.deleted),
            degraded: self.degraded.or(next.degraded),
            synced: self.synced.or(next.synced),
        }
    }
}

/// How long resources are kept after they came to rest, decided. `None` is forever.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    /// Deleted ones; 24 h by default.
    pub deleted: Option<Duration>,
    /// Degraded ones that are to be present; 24 h by default.
    pub degraded: Option<Duration>,
    /// Synced ones; forever by default.
    pub synced: Option<Duration>,
}

impl Default for Retention {
    fn default() -> Self {
        Self { deleted: Some(Duration::from_hours(24)), degraded: Some(Duration::from_hours(24)), synced: None }
    }
}

/// What it means that a full run of an informer did not mention an object.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Missing {
    /// Nothing.
    #[default]
    Ignore,
    /// The object is to be absent: the worker's `delete` is called.
    Delete,
    /// The worker looks at it again.
    Work,
}

/// How many objects a full run may have deleted: at most a share of those stored in its namespace, but always so many.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct MissingLimit {
    /// The share, 0.0 to 1.0.
    pub share: f64,
    /// The number that is allowed whatever the share says.
    pub at_least: u64,
}

impl Default for MissingLimit {
    /// A fifth, and at least 10.
    fn default() -> Self {
        Self { share: 0.2, at_least: 10 }
    }
}

impl MissingLimit {
    /// How many of `stored` objects may go.
    #[must_use]
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a share of a count, rounded down; the share is checked to lie in 0.0 to 1.0"
    )]
    pub fn allowed(&self, stored: u64) -> u64 {
        ((stored as f64 * self.share) as u64).max(self.at_least)
    }
}

/// At most so many attempts per second, by a token bucket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RateLimit {
    /// How many attempts are added to the bucket each second.
    pub per_second: u32,
    /// How many the bucket holds.
    pub burst: u32,
}

/// Whether an unchanged inform has a degraded resource tried again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SecondChance {
    /// It does.
    #[default]
    Give,
    /// It does not.
    Withhold,
}

/// Whether events keep the object as it was.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EventObjects {
    /// They do not.
    #[default]
    Omit,
    /// They do.
    Keep,
}

/// Settings of a kind. They are stored, and follow the last client that started with different ones.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use delta_core::{Missing, ObjectSettings};
///
/// let settings = ObjectSettings::new().parallelism(50).expiry(Duration::from_secs(3600)).missing(Missing::Delete);
/// assert!(settings.check().is_ok());
/// assert!(ObjectSettings::new().parallelism(0).check().is_err());
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct ObjectSettings {
    /// How many of this kind one client works at once.
    pub parallelism: u32,
    /// How often its informer runs. Off: only by request.
    pub inform_interval: Override<Duration>,
    /// How long its informer may go without giving an object. Off: forever.
    pub inform_timeout: Override<Duration>,
    /// How long an attempt may take. Off: forever.
    pub work_timeout: Override<Duration>,
    /// How many attempts may begin each second.
    pub rate_limit: Option<RateLimit>,
    /// For how long a synced resource is good. Off: forever.
    pub expiry: Override<Duration>,
    /// How long resources are kept after they came to rest.
    pub retention: RetentionSettings,
    /// What it means that a full run did not mention an object.
    pub missing: Missing,
    /// How many objects a full run may have deleted.
    pub missing_limit: MissingLimit,
    /// Whether an unchanged inform has a degraded resource tried again.
    pub second_chance: SecondChance,
    /// Whether events keep the object.
    pub event_objects: EventObjects,
    /// Options of every inform of the kind; those of the call and of the object come first.
    #[serde(skip)]
    pub inform: InformOptions,
}

impl Default for ObjectSettings {
    fn default() -> Self {
        Self {
            parallelism: 10,
            inform_interval: Override::Inherit,
            inform_timeout: Override::Inherit,
            work_timeout: Override::Inherit,
            rate_limit: None,
            expiry: Override::Inherit,
            retention: RetentionSettings::default(),
            missing: Missing::Ignore,
            missing_limit: MissingLimit::default(),
            second_chance: SecondChance::Give,
            event_objects: EventObjects::Omit,
            inform: InformOptions::default(),
        }
    }
}

impl ObjectSettings {
    /// The defaults.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// How many of this kind one client works at once, 1 to 10,000; 10 by default.
    #[must_use]
    pub fn parallelism(mut self, parallelism: u32) -> Self {
        self.parallelism = parallelism;
        self
    }

    /// How often the informer runs; the client's interval (1 h) by default.
    #[must_use]
    pub fn inform_interval(mut self, interval: impl Into<Option<Duration>>) -> Self {
        self.inform_interval = interval.into().map_or(Override::Off, Override::Set);
        self
    }

    /// How long the informer may go without giving an object before its run fails; the client's time (1 min) by default,
    /// `None` is forever.
    #[must_use]
    pub fn inform_timeout(mut self, timeout: impl Into<Option<Duration>>) -> Self {
        self.inform_timeout = timeout.into().map_or(Override::Off, Override::Set);
        self
    }

    /// How long an attempt may take before it fails; the client's time (1 min) by default, `None` is forever.
    #[must_use]
    pub fn work_timeout(mut self, timeout: impl Into<Option<Duration>>) -> Self {
        self.work_timeout = timeout.into().map_or(Override::Off, Override::Set);
        self
    }

    /// How many attempts may begin each second in one client; unlimited by default.
    #[must_use]
    pub fn rate_limit(mut self, limit: RateLimit) -> Self {
        self.rate_limit = Some(limit);
        self
    }

    /// For how long a synced resource is good before it is worked again; the namespace's expiry by default, `None` is
    /// forever.
    #[must_use]
    pub fn expiry(mut self, expiry: impl Into<Option<Duration>>) -> Self {
        self.expiry = expiry.into().map_or(Override::Off, Override::Set);
        self
    }

    /// How long resources are kept after they came to rest; as the namespace and the client say by default.
    #[must_use]
    pub fn retention(mut self, retention: RetentionSettings) -> Self {
        self.retention = retention;
        self
    }

    /// What it means that a full run did not mention an object; nothing by default.
    #[must_use]
    pub fn missing(mut self, missing: Missing) -> Self {
        self.missing = missing;
        self
    }

    /// How many objects a full run may have deleted; a fifth and at least 10 by default.
    #[must_use]
    pub fn missing_limit(mut self, limit: MissingLimit) -> Self {
        self.missing_limit = limit;
        self
    }

    /// Whether an unchanged inform has a degraded resource tried again; it does by default.
    #[must_use]
    pub fn second_chance(mut self, second_chance: SecondChance) -> Self {
        self.second_chance = second_chance;
        self
    }

    /// Whether events keep the object as it was; they do not by default.
    #[must_use]
    pub fn event_objects(mut self, objects: EventObjects) -> Self {
        self.event_objects = objects;
        self
    }

    /// Options of every inform of the kind; none by default.
    #[must_use]
    pub fn inform(mut self, options: InformOptions) -> Self {
        self.inform = options;
        self
    }

    /// Checks each setting, and that none contradicts another.
    pub fn check(&self) -> Result<(), Invalid> {
        if !(1..=10_000).contains(&self.parallelism) {
            return Err(Invalid::new("parallelism", "1 to 10,000", self.parallelism.to_string()));
        }
        if !(0.0..=1.0).contains(&self.missing_limit.share) {
            return Err(Invalid::new("missing limit", "a share of 0.0 to 1.0", self.missing_limit.share.to_string()));
        }
        if let Some(RateLimit { per_second, burst }) = self.rate_limit
            && (per_second == 0 || burst == 0)
        {
            let found = format!("{per_second} per second, burst {burst}");
            return Err(Invalid::new("rate limit", "at least 1 per second and a burst of at least 1", found));
        }
        check_expiry(self.expiry, self.retention)?;
        self.inform.resolve().map(|_| ())
    }
}

/// Settings of a namespace. They are stored, and follow the last client that started with different ones; those of a
/// kind beat them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct NamespaceSettings {
    /// How many of this namespace one client works at once.
    pub max_workers: u32,
    /// For how long a synced resource is good. Off: forever.
    pub expiry: Override<Duration>,
    /// How long resources are kept after they came to rest.
    pub retention: RetentionSettings,
}

impl Default for NamespaceSettings {
    fn default() -> Self {
        Self { max_workers: 100, expiry: Override::Inherit, retention: RetentionSettings::default() }
    }
}

impl NamespaceSettings {
    /// The defaults.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// How many resources of this namespace one client works at once, 1 to 10,000; 100 by default.
    #[must_use]
    pub fn max_workers(mut self, max_workers: u32) -> Self {
        self.max_workers = max_workers;
        self
    }

    /// For how long a synced resource is good before it is worked again; forever by default.
    #[must_use]
    pub fn expiry(mut self, expiry: impl Into<Option<Duration>>) -> Self {
        self.expiry = expiry.into().map_or(Override::Off, Override::Set);
        self
    }

    /// How long resources are kept after they came to rest; as the client says by default.
    #[must_use]
    pub fn retention(mut self, retention: RetentionSettings) -> Self {
        self.retention = retention;
        self
    }

    /// Checks each setting, and that none contradicts another.
    pub fn check(&self) -> Result<(), Invalid> {
        if !(1..=10_000).contains(&self.max_workers) {
            return Err(Invalid::new("max workers", "1 to 10,000", self.max_workers.to_string()));
        }
        check_expiry(self.expiry, self.retention)
    }
}

/// What expires after a time is worked again, and never purged as synced: to ask for both is a contradiction.
fn check_expiry(expiry: Override<Duration>, retention: RetentionSettings) -> Result<(), Invalid> {
    match (expiry, retention.synced) {
        (Override::Set(expiry), Override::Set(retention)) => Err(Invalid::new(
            "settings",
            "either an expiry or a retention of synced resources, as they contradict each other",
            format!("an expiry of {expiry:?} and a retention of {retention:?}"),
        )),
        (Override::Set(Duration::ZERO), _) => Err(Invalid::new("expiry", "a time above zero, or none", "0 s")),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_those_that_are_documented() {
        let kind = ObjectSettings::default();
        assert_eq!((kind.parallelism, kind.rate_limit, kind.missing), (10, None, Missing::Ignore));
        assert_eq!(kind.inform_interval, Override::Inherit);
        assert_eq!(kind.missing_limit, MissingLimit { share: 0.2, at_least: 10 });
        assert_eq!(NamespaceSettings::default().max_workers, 100);
        let day = Some(Duration::from_hours(24));
        assert_eq!(Retention::default(), Retention { deleted: day, degraded: day, synced: None });
    }

    #[test]
    fn expiry_and_retention_of_synced_contradict_each_other() {
        let retention = RetentionSettings { synced: Override::Set(Duration::from_secs(1)), ..Default::default() };
        let settings = ObjectSettings::new().expiry(Duration::from_secs(1)).retention(retention);
        assert!(settings.check().unwrap_err().to_string().contains("contradict"));
        let settings = NamespaceSettings::new().expiry(Duration::from_secs(1)).retention(retention);
        assert!(settings.check().is_err());
    }

    #[test]
    fn a_full_run_may_delete_a_share_but_always_a_few() {
        let limit = MissingLimit::default();
        assert_eq!(limit.allowed(20), 10);
        assert_eq!(limit.allowed(1_000), 200);
    }

    #[test]
    fn an_override_takes_the_next_in_line_only_where_it_inherits() {
        let (hour, day) = (Duration::from_hours(1), Duration::from_hours(24));
        assert_eq!(Override::Inherit.or(Some(day)), Some(day));
        assert_eq!(Override::Off.or(Some(day)), None);
        assert_eq!(Override::Set(hour).or(None), Some(hour));
    }
}
