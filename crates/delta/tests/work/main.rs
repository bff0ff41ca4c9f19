//! How claimed resources are worked, on the memory store and tokio's paused clock.

#![expect(clippy::unwrap_used, reason = "a test fails where it unwraps nothing")]

mod busy;
mod faults;
mod leases;
mod limits;
mod outcomes;
mod replay;
mod rerun;
mod settle_in;
mod sources;
mod stop;
mod support;
mod surroundings;
