//! The one place that spawns tasks.

use std::future::Future;

use tokio::task::JoinHandle;
use tokio_util::task::TaskTracker;

use crate::testing::Process;

/// Spawns a task that `tracker` waits for; in a simulation, one of the same process.
pub(crate) fn spawn<F>(tracker: &TaskTracker, future: F) -> JoinHandle<F::Output>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    match Process::current() {
        Some(process) => process.spawn(tracker, future),
        None => tracker.spawn(future),
    }
}
