//! Plans: plain functions of rows, an input and `now` that return what to write. They do no I/O, and the transition table
//! names what they may do.

mod claim;
pub mod consume;
mod edit;
mod inform;
mod request;
pub mod schedule;
mod settle;
mod sweep;

pub use claim::claim;
pub use inform::{Answer, Comparison, InformInput, InformOutcome, InformPlan, InformPolicy, Source, inform};
pub use request::{IdempotencyKey, cancel, invalidate, pause, request_deletion, resume, retry};
pub use settle::{Report, rescue, settle};
pub use sweep::{expire, missing_work, purge};
