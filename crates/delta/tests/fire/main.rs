//! Real databases under fire: a disk that fills up, servers killed with -9 while they write, ten processes that start at once,
//! and processes that are frozen past their leases. Nothing acknowledged is lost, nothing is worked twice at once, the log tells
//! of every row, and each event is consumed once, in order.
//!
//! With `DELTA_NIGHTLY=1` all of it takes longer. `DELTA_SEED` gives the seed.
#![expect(clippy::unwrap_used, reason = "a test fails where a step of it does")]

#[path = "../fleet/calls.rs"]
mod calls;
mod checks;
mod consumers;
mod disk;
mod frozen;
#[path = "../fleet/history.rs"]
mod history;
mod item;
mod killed;
#[path = "../log_kit/mod.rs"]
#[expect(dead_code, reason = "shared")]
mod log_kit;
mod many;
mod process;
#[path = "../log/recorder.rs"]
mod recorder;
mod writer;

use std::env;
use std::time::Duration;

use delta::core::Timestamp;
use tokio::sync::Mutex;

/// One at a time: each wants the machine for itself.
static TURN: Mutex<()> = Mutex::const_new(());

#[expect(clippy::disallowed_methods, reason = "processes of one machine compare their times by its clock")]
fn machine_time() -> Timestamp {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    Timestamp::from_micros(i64::try_from(since.as_micros()).unwrap())
}

/// Whether the long form runs.
fn nightly() -> bool {
    env::var_os("DELTA_NIGHTLY").is_some_and(|value| value == "1")
}

/// Waits for something that is to come; fails if it does not within a minute.
async fn until(what: &str, holds: impl AsyncFn() -> bool) {
    let mut tick = tokio::time::interval(Duration::from_millis(20));
    for _ in 0..3_000 {
        tick.tick().await;
        if holds().await {
            return;
        }
    }
    panic!("not within a minute: {what}");
}
