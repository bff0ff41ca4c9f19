use std::ops::Range;

use super::drive::Harness;
use crate::sim::users::Simulation;

impl Harness<()> {
    /// Begins a simulation of controllers under these seeds: several processes with a client each, which crash, lose answers
    /// and leases, meet slow stores and jumping clocks, and in the end come to rest.
    ///
    /// See [`Simulation`] for what to say and what is guaranteed.
    pub fn simulate(seeds: Range<u64>) -> Simulation {
        Simulation::new(seeds)
    }
}
