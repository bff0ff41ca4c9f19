use std::any::Any;
use std::collections::BTreeMap;
use std::fmt;
use std::num::NonZeroUsize;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc;
use std::thread;

use super::coverage::Coverage;
use super::run::Run;
use crate::invariants::Violation;

/// The name that stands for an invariant where a run itself has panicked.
const PANICKED: &str = "no simulation panics";

/// What to do after a seed that fails.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Failures {
    /// Begin no other.
    #[default]
    StopAtFirst,
    /// Go on with the others.
    KeepGoing,
}

/// Runs many seeds, on threads of their own.
#[derive(Clone, Debug)]
pub struct Search {
    seeds: Range<u64>,
    threads: NonZeroUsize,
    failures: Failures,
    coverage: Coverage,
}

/// How far a search has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// How many seeds have been run.
    pub done: u64,
    /// How many there are.
    pub all: u64,
    /// How many have failed.
    pub failed: u64,
}

/// A seed that fails.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// The seed.
    pub seed: u64,
    /// What did not hold.
    pub violation: Violation,
}

/// What came of a search.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// The seeds that fail, in their order.
    pub found: Vec<Found>,
    /// What has happened in all of them.
    pub coverage: Coverage,
    /// How many store calls each seed made.
    pub operations: BTreeMap<u64, u64>,
}

impl Search {
    /// These seeds, on all cores, until one fails.
    #[must_use]
    pub fn new(seeds: Range<u64>) -> Self {
        let threads = thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
        Self { seeds, threads, failures: Failures::default(), coverage: Coverage::default() }
    }

    /// On so many threads; as many as there are cores by default.
    #[must_use]
    pub fn threads(mut self, threads: NonZeroUsize) -> Self {
        self.threads = threads;
        self
    }

    /// What to do after a seed that fails; by default, begin no other.
    #[must_use]
    pub fn failures(mut self, failures: Failures) -> Self {
        self.failures = failures;
        self
    }

    /// Which faults are to happen, beside what every simulation is to show; none by default.
    #[must_use]
    pub fn faults(mut self, faults: impl IntoIterator<Item = &'static str>) -> Self {
        self.coverage = Coverage::new(faults);
        self
    }

    /// Runs each seed with `run`, and tells `progress` after each.
    ///
    /// # Panics
    ///
    /// If `progress` does. A seed that panics counts as one that fails.
    pub fn run(&self, run: impl Fn(u64) -> Run + Sync, mut progress: impl FnMut(&Progress)) -> Report {
        let (next, is_over) = (AtomicU64::new(self.seeds.start), AtomicBool::new(false));
        let (tell, told) = mpsc::channel();
        let mut report = Report { coverage: self.coverage.clone(), ..Report::default() };
        thread::scope(|threads| {
            for _ in 0..self.threads.get() {
                let (tell, run, next, is_over) = (tell.clone(), &run, &next, &is_over);
                threads.spawn(move || {
                    while !is_over.load(Ordering::Relaxed) {
                        let seed = next.fetch_add(1, Ordering::Relaxed);
                        if seed >= self.seeds.end || tell.send(self.one(seed, run)).is_err() {
                            return;
                        }
                    }
                });
            }
            drop(tell);
            for one in told {
                report.add(one);
                if !report.found.is_empty() && self.failures == Failures::StopAtFirst {
                    is_over.store(true, Ordering::Relaxed);
                }
                progress(&Progress {
                    done: report.operations.len() as u64,
                    all: self.seeds.end.saturating_sub(self.seeds.start),
                    failed: report.found.len() as u64,
                });
            }
        });
        report.found.sort_by_key(|found| found.seed);
        report
    }

    fn one(&self, seed: u64, run: &impl Fn(u64) -> Run) -> One {
        let mut coverage = self.coverage.clone();
        match catch_unwind(AssertUnwindSafe(|| run(seed))) {
            Ok(run) => {
                coverage.add(&run.history);
                One { seed, violation: run.violation, operations: run.operations, coverage }
            }
            Err(panic) => {
                let violation = Violation { invariant: PANICKED, found: message(panic.as_ref()), entries: 0 };
                One { seed, violation: Some(violation), operations: 0, coverage }
            }
        }
    }
}

/// What came of one seed.
struct One {
    seed: u64,
    violation: Option<Violation>,
    operations: u64,
    coverage: Coverage,
}

impl Report {
    fn add(&mut self, one: One) {
        let One { seed, violation, operations, coverage } = one;
        self.found.extend(violation.map(|violation| Found { seed, violation }));
        self.coverage.merge(&coverage);
        self.operations.insert(seed, operations);
    }

    /// The fewest store calls that a seed made.
    #[must_use]
    pub fn fewest_operations(&self) -> u64 {
        self.operations.values().min().copied().unwrap_or(0)
    }

    /// As many seeds made more store calls as made fewer.
    #[must_use]
    pub fn median_operations(&self) -> u64 {
        let mut all: Vec<u64> = self.operations.values().copied().collect();
        all.sort_unstable();
        all.get(all.len() / 2).copied().unwrap_or(0)
    }

    /// Whether no seed failed and nothing is left that never happened.
    #[must_use]
    pub fn is_good(&self) -> bool {
        self.found.is_empty() && self.coverage.missing().is_empty()
    }
}

/// A table, and after it what never happened and which seeds failed.
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (all, failed) = (self.operations.len(), self.found.len());
        writeln!(f, "{all} seeds, {failed} failed")?;
        let (fewest, median) = (self.fewest_operations(), self.median_operations());
        writeln!(f, "store calls for each seed: at least {fewest}, median {median}")?;
        write!(f, "\n{}", self.coverage)?;
        for (area, name) in self.coverage.missing() {
            writeln!(f, "never happened: {area}: {name}")?;
        }
        for Found { seed, violation } in &self.found {
            writeln!(f, "seed {seed}: {violation}")?;
        }
        Ok(())
    }
}

fn message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(ToString::to_string);
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "a panic without a message".to_owned())
}
