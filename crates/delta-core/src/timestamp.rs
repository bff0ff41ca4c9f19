use std::fmt;
use std::ops::{Add, Sub};
use std::time::Duration;

use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::invalid::Invalid;

/// A moment in UTC, exact to the microsecond.
///
/// Microseconds are what every supported database keeps, so a time survives a round trip through any store unchanged.
/// Arithmetic saturates: a time never wraps around.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use delta_core::Timestamp;
///
/// let start = Timestamp::from_micros(1_000_000);
/// assert_eq!((start + Duration::from_secs(1)).as_micros(), 2_000_000);
/// assert_eq!(start.to_string(), "1970-01-01T00:00:01.000000Z");
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

impl Timestamp {
    /// The Unix epoch, 1970-01-01T00:00:00Z.
    pub const EPOCH: Self = Self(0);

    /// The earliest time that may be given to Delta: the beginning of year 1.
    pub const EARLIEST: Self = Self(-62_135_596_800_000_000);
    /// The latest time that may be given to Delta: the end of year 9999.
    pub const LATEST: Self = Self(253_402_300_799_999_999);

    /// Checks that every database can store it: between [`EARLIEST`](Self::EARLIEST) and [`LATEST`](Self::LATEST).
    pub fn check(self, field: &'static str) -> Result<Self, Invalid> {
        if (Self::EARLIEST..=Self::LATEST).contains(&self) {
            return Ok(self);
        }
        Err(Invalid::new(field, "a time from year 1 to year 9999", self.to_string()))
    }

    /// Makes a time from microseconds since the Unix epoch.
    #[must_use]
    pub const fn from_micros(micros: i64) -> Self {
        Self(micros)
    }

    /// Microseconds since the Unix epoch.
    #[must_use]
    pub const fn as_micros(self) -> i64 {
        self.0
    }

    /// How long ago `earlier` was; zero if it lies in the future.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_micros(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }
}

fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}

impl Add<Duration> for Timestamp {
    type Output = Self;

    fn add(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(micros(duration)))
    }
}

impl Sub<Duration> for Timestamp {
    type Output = Self;

    fn sub(self, duration: Duration) -> Self {
        Self(self.0.saturating_sub(micros(duration)))
    }
}

impl From<DateTime<Utc>> for Timestamp {
    fn from(time: DateTime<Utc>) -> Self {
        Self(time.timestamp_micros())
    }
}

impl From<Timestamp> for DateTime<Utc> {
    /// A time outside of chrono's range (about 262,000 years) becomes the nearest end of it.
    fn from(time: Timestamp) -> Self {
        DateTime::from_timestamp_micros(time.0).unwrap_or(if time.0 < 0 {
            DateTime::<Utc>::MIN_UTC
        } else {
            DateTime::<Utc>::MAX_UTC
        })
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&DateTime::<Utc>::from(*self).to_rfc3339_opts(SecondsFormat::Micros, true))
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        DateTime::<Utc>::deserialize(deserializer).map(Self::from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arithmetic_keeps_microseconds_and_drops_what_is_finer() {
        let time = Timestamp::from_micros(5) + Duration::from_nanos(1_999);
        assert_eq!(time, Timestamp::from_micros(6));
        assert_eq!(time - Duration::from_micros(7), Timestamp::from_micros(-1));
    }

    #[test]
    fn arithmetic_stops_at_the_ends_of_time() {
        let (first, last) = (Timestamp::from_micros(i64::MIN), Timestamp::from_micros(i64::MAX));
        assert_eq!(last + Duration::from_micros(1), last);
        assert_eq!(Timestamp::EPOCH + Duration::MAX, last);
        assert_eq!(first - Duration::MAX, first);
        assert_eq!(last.since(first), Duration::from_micros(i64::MAX.cast_unsigned()));
    }

    #[test]
    fn nothing_was_ago_what_lies_in_the_future() {
        let (now, later) = (Timestamp::from_micros(10), Timestamp::from_micros(13));
        assert_eq!(later.since(now), Duration::from_micros(3));
        assert_eq!(now.since(later), Duration::ZERO);
    }

    #[test]
    fn text_and_chrono_keep_every_microsecond() {
        for micros in [0, 1, -1, 1_700_000_000_123_456, -62_135_596_800_000_000] {
            let time = Timestamp::from_micros(micros);
            assert_eq!(Timestamp::from(DateTime::<Utc>::from(time)), time);
            let json = serde_json::to_string(&time).unwrap();
            assert_eq!(serde_json::from_str::<Timestamp>(&json).unwrap(), time, "{json}");
        }
    }

    #[test]
    fn text_of_another_zone_is_the_same_moment() {
        let read = |text: &str| serde_json::from_str::<Timestamp>(&format!("\"{text}\"")).unwrap();
        assert_eq!(read("2023-11-14T23:13:20.5+01:00"), read("2023-11-14T22:13:20.500000Z"));
        assert_eq!(read("2023-11-14T22:13:20Z").as_micros(), 1_700_000_000_000_000);
    }

    #[test]
    fn a_moment_between_two_microseconds_is_the_earlier_one() {
        let time = |nanos| DateTime::<Utc>::from_timestamp_nanos(nanos);
        assert_eq!(Timestamp::from(time(1_999)), Timestamp::from_micros(1));
        assert_eq!(Timestamp::from(time(-1)), Timestamp::from_micros(-1));
    }

    #[test]
    fn what_chrono_cannot_show_becomes_its_nearest_end() {
        assert_eq!(DateTime::<Utc>::from(Timestamp::from_micros(i64::MAX)), DateTime::<Utc>::MAX_UTC);
        assert_eq!(DateTime::<Utc>::from(Timestamp::from_micros(i64::MIN)), DateTime::<Utc>::MIN_UTC);
    }
}
