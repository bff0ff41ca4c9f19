//! The front door.

mod any;
#[cfg(any(feature = "diesel-postgres", feature = "diesel-mysql"))]
mod blocking;
mod builder;
mod callers;
mod read;
mod running;
mod schedule;
mod typed;
mod wake;

pub use any::{AnyClient, Pausable};
pub use builder::Builder;
pub use running::Running;
pub(crate) use running::Stop;
pub use schedule::{InformRun, InformSummary, ScheduleInform};
pub use typed::{Client, SettleOutcome};
pub use wake::Wake;
