use std::ops::AsyncFnOnce;

use super::DatabaseError;

/// Runs what blocks beside the caller's runtime, whose clock, if it is stopped, does not move meanwhile.
pub(crate) async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    match tokio::task::spawn_blocking(work).await {
        Ok(outcome) => outcome,
        Err(failed) => match failed.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            Err(_) => unreachable!("nobody cancels it"),
        },
    }
}

/// Runs to its end on a thread and a runtime of its own: the caller's runtime may have a stopped clock, or be gone when a
/// database is dropped.
pub(crate) fn apart<T: Send>(work: impl AsyncFnOnce() -> Result<T, DatabaseError> + Send) -> Result<T, DatabaseError> {
    let run = move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(DatabaseError::io("start a runtime"))?;
        runtime.block_on(work())
    };
    std::thread::scope(|scope| match scope.spawn(run).join() {
        Ok(outcome) => outcome,
        Err(panic) => std::panic::resume_unwind(panic),
    })
}
