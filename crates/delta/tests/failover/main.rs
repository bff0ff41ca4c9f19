//! What becomes of clients whose database fails over to a standby, or whose connections are cut or stalled on their way:
//! nothing acknowledged is lost, nothing is worked twice at once, each event is read once and in order, the log tells of every
//! row, and all goes on without a restart.
//!
//! `DELTA_SEED` gives the seed of where connections are cut.
#![expect(clippy::unwrap_used, reason = "a test fails where a step of it does")]

mod acknowledged;
mod calls;
mod checks;
mod clients;
mod cuts;
mod failover;
#[path = "../fleet/history.rs"]
mod history;
mod item;
#[path = "../log_kit/mod.rs"]
#[expect(dead_code, reason = "shared")]
mod log_kit;
mod readers;
mod stalls;

use std::time::{Duration, Instant};

use tokio::sync::Mutex;

/// One at a time: each wants the machine for itself.
static TURN: Mutex<()> = Mutex::const_new(());

#[expect(clippy::disallowed_methods, reason = "how long servers and networks take, which no test's clock drives")]
fn instant() -> Instant {
    Instant::now()
}

/// Waits for something that is to come; fails if it does not within a minute.
async fn wait_until(what: &str, condition: impl AsyncFn() -> bool) {
    let mut tick = tokio::time::interval(Duration::from_millis(10));
    for _ in 0..6_000 {
        tick.tick().await;
        if condition().await {
            return;
        }
    }
    panic!("not within a minute: {what}");
}
