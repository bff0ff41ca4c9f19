//! The tests within the modules of the example: `cargo test` builds an example, but does not test it.

#![expect(dead_code, reason = "`main.rs` uses the rest")]

mod args;
mod controller;
mod copy;
mod entry;
mod failure;
mod mirror;
mod places;
mod progress;
mod report;
mod run;
mod summary;
mod target;
mod times;
mod tree;
mod trouble;
mod walk;
