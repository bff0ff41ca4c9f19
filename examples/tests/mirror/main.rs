//! Runs the built example on real trees.
#![expect(clippy::unwrap_used, reason = "a test fails where a step of it does")]

mod changes;
mod copies;
mod killed;
mod program;
mod refusals;
mod snapshot;
mod watch;
