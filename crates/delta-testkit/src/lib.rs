//! Tests for Delta's stores and for the controllers of its users.

mod backend;
mod check;
pub mod contract;
#[cfg(feature = "database")]
pub mod database;
pub mod differential;
pub mod fault;
#[cfg(feature = "harness")]
pub mod harness;
pub mod history;
pub mod invariants;
pub mod record;
#[cfg(feature = "harness")]
pub mod sim;

pub use backend::Backend;
pub use check::{check_cursor_table, check_error_table, check_event_table};
#[cfg(feature = "harness")]
pub use harness::Harness;
