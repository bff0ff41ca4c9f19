//! What is measured: one scenario in each file.

mod drain;

use crate::subject::Case;

/// A scenario.
#[derive(Clone, Copy, Debug)]
pub struct Scenario {
    /// Its name.
    pub name: &'static str,
    /// What it does.
    pub about: &'static str,
    /// What it compares, with a plan.
    pub cases: fn(&Plan) -> Vec<Case>,
}

/// How much is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plan {
    /// How much of everything.
    pub size: Size,
    /// How many items are drained or informed.
    pub items: usize,
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
        Self { size, items: items.unwrap_or(default) }
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
    vec![drain::SCENARIO]
}
