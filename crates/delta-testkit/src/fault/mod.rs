//! Faults on purpose: a wrapper around any store that fails, delays, drops or loses the answer of chosen calls.

#[cfg(feature = "database")]
mod crash;
mod crash_point;
mod event_tables;
mod log_store;
mod migrate;
mod operation;
mod plan;
mod store;

pub use crash_point::{CrashPoint, CrashPointError, Side};
pub use operation::Operation;
pub use plan::{Calls, Fault, FaultPlan};
pub use store::FaultStore;
