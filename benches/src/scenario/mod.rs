//! What is measured: one scenario in each file.

pub(crate) mod drain;
mod fan_out;
mod inform;
mod inform_in;
mod latencies;
mod log;
mod memory;
mod open;
mod pickup;
pub(crate) mod prepare;
mod soak;
mod sweep;
mod trips;

use std::time::Duration;

use crate::subject::Case;

pub use memory::{Allocated, program as count_allocations};

/// A scenario.
#[derive(Clone, Copy, Debug)]
pub struct Scenario {
    /// Its name.
    pub name: &'static str,
    /// What it does.
    pub about: &'static str,
    /// What it compares, with a plan.
    pub cases: fn(&Plan) -> Vec<Case>,
    /// How often it is measured at most, where once takes long.
    pub rounds: Option<usize>,
}

/// How much is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plan {
    /// How much of everything.
    pub size: Size,
    /// How many items are drained or informed.
    pub items: usize,
    /// How long the soak takes; there is none without.
    pub soak: Option<Duration>,
    /// How many changes a second the soak informs of.
    pub rate: u32,
}

/// How much of everything is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Size {
    /// A part of the cases, with few items.
    Quick,
    /// All.
    Full,
}

impl Plan {
    /// That of a size; what a caller chose stays.
    #[must_use]
    pub fn new(size: Size, items: Option<usize>) -> Self {
        let default = match size {
            Size::Quick => 10_000,
            Size::Full => 50_000,
        };
        Self { size, items: items.unwrap_or(default), soak: None, rate: 500 }
    }

    /// With a soak of so many minutes and so many changes a second.
    #[must_use]
    pub fn soak(self, minutes: Option<f64>, rate: u32) -> Self {
        Self { soak: minutes.map(|minutes| Duration::from_secs_f64(minutes * 60.0)), rate, ..self }
    }

    /// One of two: what a quick run takes, and what a full one.
    pub fn pick<T>(&self, quick: T, full: T) -> T {
        match self.size {
            Size::Quick => quick,
            Size::Full => full,
        }
    }
}

/// All scenarios, in the order in which they are measured.
#[must_use]
pub fn all() -> Vec<Scenario> {
    vec![
        drain::SCENARIO,
        inform::SCENARIO,
        inform_in::SCENARIO,
        pickup::SCENARIO,
        log::APPEND,
        log::TAIL,
        log::LATENCY,
        fan_out::SCENARIO,
        sweep::SCENARIO,
        memory::SCENARIO,
        soak::SCENARIO,
    ]
}
