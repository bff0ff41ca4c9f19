//! Faults on purpose: a wrapper around any store that fails, delays, drops or loses the answer of chosen calls.

mod event_tables;
mod log_store;
mod operation;
mod plan;
mod store;

pub use operation::Operation;
pub use plan::{Calls, Fault, FaultPlan};
pub use store::FaultStore;
