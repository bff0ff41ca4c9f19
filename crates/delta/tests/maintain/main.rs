//! What the leader does, on the memory store with a paused clock.
#![cfg(feature = "memory")]
#![expect(clippy::unwrap_used, reason = "a test fails by it")]

#[path = "../informer/kit.rs"]
#[expect(dead_code, reason = "shared with the tests of informers")]
#[macro_use]
mod kit;

mod expire;
mod gauges;
mod leader;
mod purge;
mod rescue;
mod trim;
