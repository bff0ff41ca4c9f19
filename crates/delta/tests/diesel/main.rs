//! Callers' transactions through diesel, async and blocking.
#![expect(clippy::unwrap_used, reason = "a test fails where a step of it does")]

mod blocking;
#[cfg(feature = "diesel-mysql")]
mod blocking_mariadb;
mod kit;
mod transaction;
