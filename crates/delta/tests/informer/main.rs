//! Runs of informers, on the memory store with a paused clock.
#![cfg(feature = "memory")]
#![expect(clippy::unwrap_used, reason = "a test fails by it")]

mod faults;
mod full;
mod kit;
mod marks;
mod requests;
mod runs;
mod turns;
