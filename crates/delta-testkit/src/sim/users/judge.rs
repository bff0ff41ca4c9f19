use std::sync::{Arc, OnceLock};

use super::rule::Rule;
use super::seen::Seen;
use super::setup::Setup;
use crate::history::{Actor, Entry, Last, What};
use crate::invariants::Invariant;
use crate::sim::world::Sim;

/// Holds one world against its user's rules while it runs; what does not hold becomes an entry of the history.
pub(super) struct Judge<W> {
    setup: Arc<Setup<W>>,
    sim: Sim,
    world: OnceLock<Arc<W>>,
}

impl<W: Send + Sync + 'static> Judge<W> {
    pub(super) fn new(setup: Arc<Setup<W>>, sim: Sim) -> Self {
        Self { setup, sim, world: OnceLock::new() }
    }

    /// From here on there is a world to judge.
    pub(super) fn begin(&self, world: Arc<W>) {
        // Nobody else begins it.
        let _ = self.world.set(world);
    }

    /// Holds the world against every rule now.
    pub(super) fn now(&self) {
        let Some(world) = self.world.get() else { return };
        let seen = Seen::now_in(&self.sim);
        for rule in &self.setup.always {
            if let Err(found) = rule.check(world, &seen) {
                self.sim.record(&Actor::new("world"), What::Note(format!("{}{found}", broken(rule.name))));
            }
        }
    }

    fn at_rest(&self, last: &Last, rule: &Rule<W>) -> Result<(), String> {
        let Some(world) = self.world.get() else { return Ok(()) };
        rule.check(world, &Seen::at_end(&self.sim, last.clone()))
    }
}

fn broken(name: &str) -> String {
    format!("\"{name}\" does not hold: ")
}

/// Finds in a history what the judge wrote there of one rule.
pub(super) struct Told {
    name: &'static str,
    broken: String,
}

impl Told {
    pub(super) fn new(name: &'static str) -> Self {
        Self { name, broken: broken(name) }
    }
}

impl Invariant for Told {
    fn name(&self) -> &'static str {
        self.name
    }

    fn see(&mut self, entry: &Entry) -> Result<(), String> {
        match &entry.what {
            What::Note(text) => text.strip_prefix(&self.broken).map_or(Ok(()), |found| Err(found.to_owned())),
            _ => Ok(()),
        }
    }
}

/// A rule of what holds once everything has come to rest.
pub(super) struct AtRest<W> {
    judge: Arc<OnceLock<Arc<Judge<W>>>>,
    setup: Arc<Setup<W>>,
    number: usize,
}

impl<W> AtRest<W> {
    /// The judge comes with the world.
    pub(super) fn new(judge: Arc<OnceLock<Arc<Judge<W>>>>, setup: Arc<Setup<W>>, number: usize) -> Self {
        Self { judge, setup, number }
    }

    fn rule(&self) -> &Rule<W> {
        &self.setup.at_rest[self.number]
    }
}

impl<W: Send + Sync + 'static> Invariant for AtRest<W> {
    fn name(&self) -> &'static str {
        self.rule().name
    }

    fn end(&mut self, last: &Last) -> Result<(), String> {
        self.judge.get().map_or(Ok(()), |judge| judge.at_rest(last, self.rule()))
    }
}
