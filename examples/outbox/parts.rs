//! The tests within the modules of the example: `cargo test` builds an example, but does not test it.

#![expect(dead_code, reason = "`main.rs` uses the rest")]

mod order;
