//! What was seen of a run: calls, writes, requests, crashes, in the order in which they happened.
//!
//! A simulation writes one; so can a test on a real server, from what its processes note and what its tables hold. The
//! [invariants](crate::invariants) read it.

mod attempt;
mod entry;
mod last;
mod what;

pub use attempt::{Answer, Attempt, Method};
pub use entry::{Actor, Entry, History};
pub use last::Last;
pub use what::{Ask, What};
