use std::sync::Arc;
use std::time::Duration;

use delta_core::{ErrorKind, LogEvent};
use tokio::select;
use tokio::time::Instant;

use crate::clock::{instant, sleep_until};
use crate::log::head::{Appetite, Head};
use crate::log::held::LOOK;
use crate::log::window::Last;
use crate::metrics;

/// The least time between two reads at the head: what comes in between is read together.
const PACE: Duration = Duration::from_millis(2);
/// The longest time after an error until the next try.
const LONGEST: Duration = Duration::from_secs(1);

/// Reads the head of a log for all readers of a client, as long as there are any.
///
/// It reads when something was appended, after the poll interval, and often while something is held back; at most one page
/// beyond what the furthest reader has taken.
pub(super) async fn run<E: LogEvent>(head: Arc<Head<E>>, tail: u64) {
    let _ended = Ended { head: &head, tail };
    let mut told = head.told.hearer();
    let all = E::Filter::default();
    let mut failures = 0;
    loop {
        // Before the read: what is told from now on leads to another one.
        told.catch_up();
        let Some((life, after)) = head.next_read(tail) else { return };
        let began = instant();
        let pause = match head.read(after, head.limits.page, &all).await {
            Ok(page) => {
                failures = 0;
                let found = Last::of(&page);
                head.append(life, page);
                head.note(found).await;
                if found.held_back > 0 { LOOK.min(head.limits.poll) } else { head.limits.poll }
            }
            Err(error) => {
                let over = error.kind() == ErrorKind::CursorTooOld;
                metrics::error("log", &error);
                head.fail(error);
                if over {
                    return;
                }
                failures += 1;
                wait(&head, tail, began + retry_in(failures).min(head.limits.poll)).await;
                continue;
            }
        };
        loop {
            match head.appetite(tail) {
                Appetite::Gone => return,
                Appetite::More => break,
                Appetite::Full => head.demand.notified().await,
                Appetite::New => select! {
                    biased;
                    () = head.demand.notified() => {}
                    () = sleep_until(began + pause) => break,
                    () = told.rung() => {
                        sleep_until(began + PACE).await;
                        break;
                    }
                },
            }
        }
    }
}

/// Waits until then, or until nobody is there any more.
async fn wait<E: LogEvent>(head: &Head<E>, tail: u64, until: Instant) {
    while instant() < until && head.appetite(tail) != Appetite::Gone {
        select! {
            biased;
            () = head.demand.notified() => {}
            () = sleep_until(until) => {}
        }
    }
}

/// In how long to read again after so many errors in a row.
pub(super) fn retry_in(failures: u32) -> Duration {
    (Duration::from_millis(50) * 2_u32.saturating_pow(failures.min(10))).min(LONGEST)
}

/// Says that the tail has ended, also where it has panicked or its runtime is gone.
struct Ended<'a, E: LogEvent> {
    head: &'a Head<E>,
    tail: u64,
}

impl<E: LogEvent> Drop for Ended<'_, E> {
    fn drop(&mut self) {
        self.head.ended(self.tail);
    }
}
