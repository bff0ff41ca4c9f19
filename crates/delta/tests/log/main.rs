//! How logs are read and appended to, on the memory store and tokio's paused clock.

#![expect(clippy::unwrap_used, reason = "a test fails where it unwraps nothing")]

mod counting;
mod event_log;
mod gaps;
mod head;
mod held;
mod kit;
mod reading;
mod recorder;
mod wakes;
