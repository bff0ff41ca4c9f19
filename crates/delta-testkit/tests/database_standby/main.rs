//! A proxy that breaks connections, and a Postgres that takes the place of another, tested themselves.
#![cfg(feature = "database")]
#![expect(clippy::unwrap_used, reason = "a test fails where a step of it does")]

mod proxy;
mod standby;
