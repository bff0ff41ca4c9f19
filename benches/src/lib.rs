//! The load program: Delta beside the limits of its databases and beside its peers, in turn on the same servers.
//!
//! `cargo xtask bench --quick` is a whole run in about five minutes; `--help` says what else there is.
//!
//! A [scenario] has cases, a case has [subjects](subject::Subject) that are compared, and every subject runs once in
//! each round before any runs again. What came of it is a [record](record::Record): figures, and their ratios within a round.

mod about;
pub mod against;
mod arguments;
mod clock;
mod entry;
mod failure;
pub mod item;
mod limit;
pub mod measure;
mod peer;
pub mod plot;
pub mod record;
pub mod runner;
pub mod scenario;
pub mod server;
pub mod subject;
mod table;
mod worker;

pub use clock::{now, sleep};
pub use entry::main;
pub use failure::Failure;
