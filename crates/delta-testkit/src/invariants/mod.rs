//! What must hold of every [history](crate::history), whatever fails: one invariant a file.
//!
//! Each is told by [`Invariant::name`] where it fails. Those that need to see every write of a row hold trivially of a
//! history without them, such as one that was put together from the tables of a server.

mod invariant;
mod ordered_log;

pub use invariant::{Invariant, Violation, check};
pub use ordered_log::OrderedLog;

/// Every invariant, fresh, for one history.
#[must_use]
pub fn all() -> Vec<Box<dyn Invariant>> {
    vec![Box::new(OrderedLog::default())]
}
