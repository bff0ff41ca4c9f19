//! Callers' transactions through diesel, async and blocking.
#![expect(clippy::unwrap_used, reason = "a test fails where a step of it does")]

mod blocking;
mod kit;
mod transaction;
