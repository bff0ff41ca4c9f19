//! The engine on a real Postgres: few connections, locked rows, restarts and stops.
#![expect(clippy::unwrap_used, reason = "a test fails where a step of it does")]

mod held;
mod kit;
mod locked;
mod pool;
mod restart;
mod stop;
mod transaction;
