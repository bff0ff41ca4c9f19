//! What is done with logs besides consuming them, on the memory store and tokio's paused clock.
#![cfg(feature = "memory")]
#![expect(clippy::unwrap_used, reason = "a test fails where it unwraps nothing")]

mod await_event;
mod bootstrap;
mod cursor_table;
mod dead_letters;
mod kit;
mod trim;
