//! What must hold of every [history](crate::history), whatever fails: one invariant a file.
//!
//! Each is told by [`Invariant::name`] where it fails. Those that need to see every write of a row hold trivially of a
//! history without them, such as one that was put together from the tables of a server.

mod acknowledged_kept;
mod attempts_within_limits;
mod clocks;
mod consumed_once;
mod converges;
mod generations_grow;
mod invariant;
mod legal_transitions;
mod log_explains_rows;
mod marks_move_forward;
mod names_once;
mod nothing_early;
mod object_of_generation;
mod one_leader;
mod one_lease;
mod ordered_log;
mod outside_holds_last;
mod rows_possible;
mod settled_truthfully;
mod steps;

pub use acknowledged_kept::AcknowledgedKept;
pub use attempts_within_limits::AttemptsWithinLimits;
pub use clocks::Clocks;
pub use consumed_once::ConsumedOnce;
pub use converges::Converges;
pub use generations_grow::GenerationsGrow;
pub use invariant::{Invariant, Violation, check};
pub use legal_transitions::LegalTransitions;
pub use log_explains_rows::LogExplainsRows;
pub use marks_move_forward::MarksMoveForward;
pub use names_once::NamesOnce;
pub use nothing_early::NothingEarly;
pub use object_of_generation::ObjectOfGeneration;
pub use one_leader::OneLeader;
pub use one_lease::OneLease;
pub use ordered_log::OrderedLog;
pub use outside_holds_last::OutsideHoldsLast;
pub use rows_possible::RowsPossible;
pub use settled_truthfully::SettledTruthfully;

/// Every invariant, fresh, for one history of processes with the default [`Clocks`].
#[must_use]
pub fn all() -> Vec<Box<dyn Invariant>> {
    all_with(Clocks::DEFAULT)
}

/// Every invariant, fresh, for one history: what looks at a single row first, what looks at all of them last.
#[must_use]
pub fn all_with(clocks: Clocks) -> Vec<Box<dyn Invariant>> {
    vec![
        Box::new(RowsPossible),
        Box::new(NamesOnce::default()),
        Box::new(LegalTransitions::default()),
        Box::new(AttemptsWithinLimits::default()),
        Box::new(OneLease::new(clocks)),
        Box::new(ObjectOfGeneration::default()),
        Box::new(SettledTruthfully::default()),
        Box::new(NothingEarly::new(clocks)),
        Box::new(OneLeader::new(clocks)),
        Box::new(AcknowledgedKept::default()),
        Box::new(OrderedLog::default()),
        Box::new(GenerationsGrow::default()),
        Box::new(LogExplainsRows::default()),
        Box::new(MarksMoveForward::default()),
        Box::new(ConsumedOnce::default()),
        Box::new(Converges::default()),
    ]
}

/// Those that say something of a history that was put together from the tables and the notes of real processes, which
/// has no writes of rows.
#[must_use]
pub fn from_tables() -> Vec<Box<dyn Invariant>> {
    vec![
        Box::new(RowsPossible),
        Box::new(NamesOnce::default()),
        Box::new(AttemptsWithinLimits::default()),
        Box::new(OneLease::default()),
        Box::new(SettledTruthfully::default()),
        Box::new(AcknowledgedKept::default()),
        Box::new(OrderedLog::default()),
        Box::new(GenerationsGrow::default()),
        Box::new(LogExplainsRows::default()),
        Box::new(ConsumedOnce::default()),
        Box::new(Converges::default()),
    ]
}
