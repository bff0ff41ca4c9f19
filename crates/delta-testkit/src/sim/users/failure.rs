use std::fmt;

use crate::history::History;
use crate::invariants::Violation;

/// What a simulation found, made as small as it got.
#[derive(Clone, Debug)]
pub struct Failure {
    /// The seed that it found it under.
    pub seed: u64,
    /// What did not hold.
    pub violation: Violation,
    /// What is left of the seed's scenario if all is taken away that does not matter, and what happened in it, line by line.
    pub timeline: String,
    /// Everything that happened in it.
    pub history: History,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.timeline)
    }
}

impl std::error::Error for Failure {}
