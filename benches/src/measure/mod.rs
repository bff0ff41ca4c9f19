//! What a run takes of the machine and of the server, and what many figures come to.

mod counters;
mod meter;
mod processes;
mod statistics;
mod usage;

pub use meter::Meter;
pub use statistics::{Spread, median};
pub use usage::Usage;
