use std::time::{Duration, Instant};

/// The time by which everything here is measured.
#[expect(clippy::disallowed_methods, reason = "the one place of the benches that reads a clock")]
#[must_use]
pub fn now() -> Instant {
    Instant::now()
}

/// Waits.
///
/// # Cancel safety
///
/// Dropping the future changes nothing.
#[expect(clippy::disallowed_methods, reason = "the one place of the benches that waits for time to pass")]
pub async fn sleep(time: Duration) {
    tokio::time::sleep(time).await;
}
