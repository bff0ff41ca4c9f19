//! The simulation of a user's controllers: what `Harness::simulate` begins.

mod caller;
mod failure;
mod judge;
mod model;
mod plan;
mod report;
mod rule;
mod search;
mod seeds;
mod seen;
mod settles;
mod setup;
mod simulated;
mod simulation;
mod story;

pub use caller::Caller;
pub use failure::Failure;
pub use report::Report;
pub use seen::Seen;
pub use simulation::Simulation;
