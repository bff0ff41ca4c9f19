use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use tokio::task::{AbortHandle, JoinHandle};
use tokio_util::task::TaskTracker;

tokio::task_local! {
    static CURRENT: Process;
}

/// A process of a simulation: everything that is spawned by what [`run`](Self::run) runs dies with it.
///
/// Clones are one process.
#[derive(Clone)]
pub struct Process(Arc<Inner>);

struct Inner {
    drift_ppm: i32,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    dead: bool,
    polls: u64,
    crash_at: Option<u64>,
    frozen: bool,
    /// Who wants to be polled when it is frozen no longer.
    waiting: Vec<Waker>,
    tasks: Vec<AbortHandle>,
}

impl Process {
    /// A process whose monotonic clock gains so many microseconds a second.
    #[must_use]
    pub fn new(drift_ppm: i32) -> Self {
        Self(Arc::new(Inner { drift_ppm, state: Mutex::default() }))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Kills it, as `kill -9` does: none of its futures is polled again. Returns at once; they are dropped as soon as the
    /// runtime gets to it.
    pub fn kill(&self) {
        let mut state = self.state();
        state.dead = true;
        for task in state.tasks.drain(..) {
            task.abort();
        }
    }

    /// Kills it instead of polling one of its tasks for the `polls`th time from now, 1 being the next: at any await.
    pub fn crash_after(&self, polls: u64) {
        let mut state = self.state();
        state.crash_at = Some(state.polls + polls);
    }

    /// Stops it, as `SIGSTOP` does: none of its futures is polled until [`thaw`](Self::thaw), while time goes on.
    pub fn freeze(&self) {
        self.state().frozen = true;
    }

    /// Lets it go on.
    pub fn thaw(&self) {
        let waiting = {
            let mut state = self.state();
            state.frozen = false;
            std::mem::take(&mut state.waiting)
        };
        waiting.into_iter().for_each(Waker::wake);
    }

    /// Whether it was killed.
    #[must_use]
    pub fn is_dead(&self) -> bool {
        self.state().dead
    }

    /// Runs a future as a task of this process; its [`JoinHandle`] tells of a kill as of an abort.
    pub fn run<F>(&self, future: F) -> JoinHandle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        self.spawn(&TaskTracker::new(), future)
    }

    /// The process that the current task belongs to.
    pub(crate) fn current() -> Option<Self> {
        CURRENT.try_with(Self::clone).ok()
    }

    pub(crate) fn spawn<F>(&self, tracker: &TaskTracker, future: F) -> JoinHandle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        let task =
            tracker.spawn(CURRENT.scope(self.clone(), Mortal { process: self.clone(), future: Box::pin(future) }));
        let mut state = self.state();
        if state.dead {
            task.abort();
        } else {
            state.tasks.retain(|task| !task.is_finished());
            state.tasks.push(task.abort_handle());
        }
        task
    }

    /// How many microseconds its clock gains in a second.
    pub(crate) fn drift_ppm(&self) -> i32 {
        self.0.drift_ppm
    }

    /// Counts a poll; says whether it may be made.
    fn may_poll(&self, waker: &Waker) -> bool {
        let mut state = self.state();
        if state.frozen && !state.dead {
            state.waiting.push(waker.clone());
            return false;
        }
        state.polls += 1;
        if state.crash_at.is_some_and(|at| at <= state.polls) {
            drop(state);
            self.kill();
            return false;
        }
        !state.dead
    }
}

impl fmt::Debug for Process {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Process").field("dead", &self.is_dead()).finish_non_exhaustive()
    }
}

/// A future that is not polled once its process is dead; its task is aborted then.
struct Mortal<F> {
    process: Process,
    future: Pin<Box<F>>,
}

impl<F: Future> Future for Mortal<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        if self.process.may_poll(cx.waker()) { self.future.as_mut().poll(cx) } else { Poll::Pending }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::time::Duration;

    use super::*;
    use crate::clock::sleep;
    use crate::tasks;

    #[tokio::test(start_paused = true)]
    async fn what_a_dead_process_spawned_goes_no_further() {
        let (process, steps) = (Process::new(0), Arc::new(AtomicU32::new(0)));
        let counted = Arc::clone(&steps);
        let task = process.run(async move {
            let tracker = TaskTracker::new();
            let child = tasks::spawn(&tracker, async move {
                loop {
                    counted.fetch_add(1, Ordering::Relaxed);
                    sleep(Duration::from_secs(1)).await;
                }
            });
            child.await
        });
        sleep(Duration::from_millis(2_500)).await;
        process.kill();
        assert!(task.await.unwrap_err().is_cancelled());
        sleep(Duration::from_secs(10)).await;
        assert_eq!(steps.load(Ordering::Relaxed), 3);
        assert!(process.is_dead());
        assert!(process.run(async {}).await.unwrap_err().is_cancelled(), "nothing of it starts any more");
    }

    #[tokio::test(start_paused = true)]
    async fn a_process_crashes_at_the_poll_that_was_said() {
        let (process, steps) = (Process::new(0), Arc::new(AtomicU32::new(0)));
        let counted = Arc::clone(&steps);
        process.crash_after(3);
        let task = process.run(async move {
            loop {
                counted.fetch_add(1, Ordering::Relaxed);
                tokio::task::yield_now().await;
            }
        });
        assert!(task.await.unwrap_err().is_cancelled());
        assert_eq!(steps.load(Ordering::Relaxed), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn a_frozen_process_goes_on_late() {
        let process = Process::new(0);
        let begun = crate::clock::instant();
        let task = process.run(async {
            sleep(Duration::from_secs(1)).await;
            crate::clock::instant()
        });
        // It begins to wait.
        tokio::task::yield_now().await;
        process.freeze();
        sleep(Duration::from_mins(1)).await;
        assert!(!task.is_finished());
        process.thaw();
        assert_eq!(task.await.unwrap() - begun, Duration::from_mins(1));
    }
}
