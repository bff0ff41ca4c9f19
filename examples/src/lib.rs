//! What the examples share. They are in the folders beside this one; run them with `cargo run --example`.

#![expect(missing_docs, reason = "programs to read, not a library to use")]

mod database;
mod stopwatch;

pub use database::Database;
pub use stopwatch::Stopwatch;
