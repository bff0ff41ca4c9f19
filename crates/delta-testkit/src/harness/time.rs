use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use delta_core::Timestamp;
use futures::FutureExt as _;
use tokio::time::Instant;

/// When every harness begins: 2026-01-01T00:00:00Z.
const BEGIN: Timestamp = Timestamp::from_micros(1_767_225_600_000_000);
/// What tokio's timers are exact to.
const TICK: Duration = Duration::from_millis(1);

/// Tokio's paused clock, from the moment at which the harness was made. It stands still until then.
#[derive(Clone, Debug, Default)]
pub(crate) struct VirtualTime(Arc<OnceLock<Instant>>);

impl VirtualTime {
    /// Fails the test unless tokio's clock is paused.
    #[track_caller]
    pub(crate) fn new() -> Self {
        // Nothing else tells whether it is, and no time passes by it.
        let paused = catch_unwind(AssertUnwindSafe(|| tokio::time::advance(Duration::ZERO).now_or_never()));
        assert!(
            paused.is_ok(),
            "expected tokio's paused clock, as in #[tokio::test(start_paused = true)], found one that runs, or none"
        );
        Self::default()
    }

    /// Begins now.
    pub(crate) async fn begin(&self) {
        align().await;
        self.0.get_or_init(now);
    }

    /// How long the harness has been there.
    pub(crate) fn elapsed(&self) -> Duration {
        self.0.get().map_or(Duration::ZERO, Instant::elapsed)
    }

    /// The database's time.
    pub(crate) fn now(&self) -> Timestamp {
        BEGIN + self.elapsed()
    }

    /// Lets time pass: every timer on the way goes off at its own moment.
    pub(crate) async fn pass(&self, time: Duration) {
        let until = self.elapsed() + time;
        // A wait takes up to a tick longer than it should; the rest is exact.
        if let Some(most) = time.checked_sub(TICK).filter(|most| !most.is_zero()) {
            wait(most).await;
        }
        tokio::time::advance(until.saturating_sub(self.elapsed())).await;
    }
}

#[expect(clippy::disallowed_methods, reason = "the harness's own clock, which is paused")]
fn now() -> Instant {
    Instant::now()
}

async fn wait(time: Duration) {
    #[expect(clippy::disallowed_methods, reason = "the paused clock's time, which passes at once")]
    tokio::time::sleep(time).await;
}

/// Goes on to a moment at which tokio's timers tick: how much longer than it should a wait takes depends on how far into a
/// tick it begins, and is to be the same in every run.
async fn align() {
    // A tick and what is left of this one takes two; any longer takes three.
    let (mut fits, mut too_long) = (0, 1_000_001);
    while too_long - fits > 1 {
        let (begin, middle) = (now(), u64::midpoint(fits, too_long));
        wait(TICK + Duration::from_nanos(middle)).await;
        if begin.elapsed() <= 2 * TICK {
            fits = middle;
        } else {
            too_long = middle;
        }
    }
    tokio::time::advance(Duration::from_nanos(fits)).await;
}
