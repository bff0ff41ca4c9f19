use std::time::Duration;

use super::DatabaseError;

/// How long a program may take to start, recover or end on a slow machine.
pub(crate) const PATIENCE: Duration = Duration::from_mins(2);

const INTERVAL: Duration = Duration::from_millis(10);

/// Asks `check` again and again until it has an answer; `None` when it has none after about `limit`.
///
/// Blocks the thread: only for starting and stopping programs, on threads made for that.
#[expect(
    clippy::disallowed_methods,
    reason = "the one place that waits for other programs, which do not know a test's clock"
)]
pub(crate) fn poll<T>(
    limit: Duration,
    mut check: impl FnMut() -> Result<Option<T>, DatabaseError>,
) -> Result<Option<T>, DatabaseError> {
    let turns = limit.as_millis() / INTERVAL.as_millis();
    for _ in 0..turns {
        if let Some(answer) = check()? {
            return Ok(Some(answer));
        }
        std::thread::sleep(INTERVAL);
    }
    check()
}
