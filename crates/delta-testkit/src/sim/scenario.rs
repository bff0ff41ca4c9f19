use std::collections::BTreeSet;
use std::fmt;
use std::time::Duration;

use super::fault::{FaultId, FaultRates};

/// Everything that one run does: made from a seed, and made smaller where it fails.
#[derive(Clone, Debug)]
pub struct Scenario<T> {
    /// The seed.
    pub seed: u64,
    /// Its processes.
    pub processes: Vec<ProcessPlan>,
    /// Those of them that never start.
    pub left_out: BTreeSet<usize>,
    /// How often faults happen.
    pub rates: FaultRates,
    /// Only these faults happen; all that the seed gives if `None`.
    pub allowed: Option<BTreeSet<FaultId>>,
    /// What is done, in the order of time.
    pub steps: Vec<Timed<T>>,
    /// When the faults end and everything must come to rest.
    pub calm_at: Duration,
    /// How long that may take.
    pub patience: Duration,
}

/// A process of a scenario.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProcessPlan {
    /// How many microseconds its clock gains in a second.
    pub drift_ppm: i32,
    /// How long a lease of its client holds.
    pub lease: Duration,
}

/// Something that is done at a moment.
#[derive(Clone, Debug)]
pub struct Timed<T> {
    /// When, since the beginning.
    pub at: Duration,
    /// What.
    pub step: Step<T>,
}

/// What is done to a world.
#[derive(Clone, Debug)]
pub enum Step<T> {
    /// A caller calls a process's client.
    Call {
        /// Which process.
        process: usize,
        /// The caller drops the call's future after so many polls.
        abandon_after: Option<u32>,
        /// What it calls.
        call: T,
    },
    /// A process is killed at one of its next polls.
    Crash {
        /// Which process.
        process: usize,
        /// At which poll.
        polls: u64,
    },
    /// A process is stopped in the middle of what it does, and goes on later.
    Freeze {
        /// Which process.
        process: usize,
        /// For how long.
        time: Duration,
    },
    /// A process stops as it should, and is started again.
    Stop {
        /// Which process.
        process: usize,
    },
    /// A process stops as it should, and is started again as another version of its program.
    Upgrade {
        /// Which process.
        process: usize,
    },
    /// The database's clock jumps.
    Jump {
        /// By how much, in milliseconds.
        millis: i64,
    },
}

impl<T> Step<T> {
    /// Which process it is done to; none of what is done to the database.
    #[must_use]
    pub fn process(&self) -> Option<usize> {
        match self {
            Self::Call { process, .. }
            | Self::Crash { process, .. }
            | Self::Freeze { process, .. }
            | Self::Stop { process }
            | Self::Upgrade { process } => Some(*process),
            Self::Jump { .. } => None,
        }
    }

    /// Does it to another process.
    pub(super) fn set_process(&mut self, other: usize) {
        match self {
            Self::Call { process, .. }
            | Self::Crash { process, .. }
            | Self::Freeze { process, .. }
            | Self::Stop { process }
            | Self::Upgrade { process } => *process = other,
            Self::Jump { .. } => {}
        }
    }
}

impl<T: fmt::Display> fmt::Display for Step<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Call { process, abandon_after, call } => {
                write!(f, "p{process} calls: {call}")?;
                abandon_after.map_or(Ok(()), |polls| write!(f, ", dropped after {polls} polls"))
            }
            Self::Crash { process, polls } => write!(f, "p{process} is killed at poll {polls} from now"),
            Self::Freeze { process, time } => write!(f, "p{process} is frozen for {time:?}"),
            Self::Stop { process } => write!(f, "p{process} is restarted"),
            Self::Upgrade { process } => write!(f, "p{process} is upgraded"),
            Self::Jump { millis } => write!(f, "the database's clock jumps by {millis} ms"),
        }
    }
}
