//! Tests for Delta's stores and for the controllers of its users.

mod backend;
pub mod contract;
#[cfg(feature = "database")]
pub mod database;
pub mod differential;
pub mod fault;

pub use backend::Backend;
