//! Tests for Delta's stores and for the controllers of its users.

#[cfg(feature = "database")]
pub mod database;
