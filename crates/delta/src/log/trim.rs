//! Removing what nobody needs any more from a log.

mod archive;
mod retention;
mod rule;
mod slowest;
mod trimming;

pub(crate) use self::retention::LogTrimming;
pub use self::rule::{Trim, TrimPast};
pub use self::slowest::Slowest;
pub use self::trimming::{TrimEnd, TrimReport, Trimming};
