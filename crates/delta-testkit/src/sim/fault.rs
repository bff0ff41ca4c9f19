use std::fmt;
use std::time::Duration;

use delta_core::ErrorKind;

use super::chance::Draw;
use crate::fault::{Fault, Operation};
use crate::history::Actor;

/// A fault that a seed gives: who is hit at which call.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FaultId {
    /// Who calls.
    pub actor: Actor,
    /// What is called; for what is no store call, its name.
    pub what: String,
    /// Which of the actor's calls of it, from 1.
    pub number: u64,
}

impl fmt::Display for FaultId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.actor, self.what, self.number)
    }
}

/// How often faults happen, of a thousand calls.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FaultRates {
    /// Store calls that fail, break off, or lose their answer.
    pub store: u32,
    /// Store calls that take up to seconds.
    pub slow: u32,
    /// Calls of the outside world that fail, answer late, or do the thing and lose the answer.
    pub outside: u32,
    /// Calls of workers that panic, or hang until somebody ends them.
    pub worker: u32,
}

/// What happens to a store call.
pub(super) fn store_fault(rates: &FaultRates, operation: Operation, draw: &mut Draw) -> Option<Fault> {
    if draw.happens(rates.slow) {
        return Some(Fault::Delay(Duration::from_millis(100 + draw.below(3_000))));
    }
    if !draw.happens(rates.store) {
        return None;
    }
    if operation == Operation::Wake {
        return Some(Fault::Fail(ErrorKind::Unavailable));
    }
    Some(match draw.below(4) {
        0 => Fault::Fail(ErrorKind::Unavailable),
        1 => Fault::LoseAnswer,
        2 => Fault::Drop { polls: u32::try_from(draw.below(4)).unwrap_or(0) },
        _ => Fault::Fail(ErrorKind::Conflict),
    })
}

/// Every kind of fault that a simulation of whatever model has.
pub(super) const KINDS: [&str; 12] = [
    "unavailable",
    "conflict",
    "lost-answer",
    "broken-off",
    "slow-store",
    "lost-wake-up",
    CLOCK,
    FROZEN,
    "outside-refuses",
    "outside-late",
    "outside-loses-answer",
    "outside-never-hears",
];

/// The database's clock jumps.
pub(super) const CLOCK: &str = "clock";
/// A process stands still.
pub(super) const FROZEN: &str = "frozen";

/// The kind of a fault, one word.
pub(super) fn kind(operation: Operation, fault: Fault) -> &'static str {
    match fault {
        _ if operation == Operation::Wake => "lost-wake-up",
        Fault::Fail(ErrorKind::Conflict) => "conflict",
        Fault::Fail(_) => "unavailable",
        Fault::Delay(_) => "slow-store",
        Fault::Drop { .. } => "broken-off",
        Fault::LoseAnswer => "lost-answer",
        #[cfg(feature = "database")]
        Fault::Kill(_) => "killed",
    }
}
