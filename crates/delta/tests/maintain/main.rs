//! What the leader does, on the memory store with a paused clock.
#![cfg(feature = "memory")]

#[path = "../informer/kit.rs"]
#[expect(dead_code, reason = "shared with the tests of informers")]
mod kit;
mod rescue;
