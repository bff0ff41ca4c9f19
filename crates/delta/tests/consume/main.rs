//! Consumers: leases, cursors, retries and the patterns, on the memory store with a paused clock.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod cursors;
mod faults;
mod kit;
mod letters;
mod once;
mod patterns;
mod run;
mod sharded;
