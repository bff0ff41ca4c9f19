use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use delta_core::Timestamp;

/// What a store takes for the database's own time.
pub(crate) type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// The machine's clock.
#[expect(clippy::disallowed_methods, reason = "stands in for the clock of a database server")]
pub(crate) fn machine() -> Timestamp {
    match SystemTime::now().duration_since(UNIX_EPOCH) {
        Ok(since) => Timestamp::EPOCH + since,
        Err(before) => Timestamp::EPOCH - Duration::from_micros(before.duration().as_micros().try_into().unwrap_or(0)),
    }
}
