//! Runs the built example on real trees.

mod changes;
mod copies;
mod killed;
mod program;
mod refusals;
mod snapshot;
mod watch;
