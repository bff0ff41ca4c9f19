use std::collections::BTreeMap;
use std::fmt;

use crate::history::{Answer, What};
use crate::sim::run::Run;

/// What a simulation that found nothing has done: enough to see whether it could have found something.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// How many seeds were run.
    pub seeds: u64,
    /// How many calls of the store there were.
    pub operations: u64,
    /// How many steps callers began.
    pub steps: u64,
    /// How often a process was killed.
    pub crashes: u64,
    /// How often each kind of fault happened, by its name.
    pub faults: BTreeMap<String, u64>,
    /// How often a controller was called.
    pub attempts: u64,
    /// What those calls came to: `synced`, `error`, `dropped` …
    pub answers: BTreeMap<&'static str, u64>,
}

impl Report {
    /// How often a fault of this kind happened, such as `outside-loses-answer`.
    #[must_use]
    pub fn faults_of(&self, kind: &str) -> u64 {
        self.faults.get(kind).copied().unwrap_or(0)
    }

    pub(super) fn of(run: &Run) -> Self {
        let mut report = Self { seeds: 1, operations: run.operations, ..Self::default() };
        for entry in run.history.entries() {
            match &entry.what {
                What::Crashed => report.crashes += 1,
                What::Began(_) => report.attempts += 1,
                What::Fault { kind, .. } => *report.faults.entry(kind.clone()).or_default() += 1,
                What::Ended(_, answer) => *report.answers.entry(name(answer)).or_default() += 1,
                What::Note(text) if text.starts_with("a caller begins") => report.steps += 1,
                _ => {}
            }
        }
        report
    }

    pub(super) fn add(&mut self, other: &Self) {
        self.seeds += other.seeds;
        self.operations += other.operations;
        self.steps += other.steps;
        self.crashes += other.crashes;
        self.attempts += other.attempts;
        for (kind, times) in &other.faults {
            *self.faults.entry(kind.clone()).or_default() += times;
        }
        for (answer, times) in &other.answers {
            *self.answers.entry(answer).or_default() += times;
        }
    }
}

fn name(answer: &Answer) -> &'static str {
    match answer {
        Answer::Synced => "synced",
        Answer::Snoozed => "snoozed",
        Answer::Deleted => "deleted",
        Answer::Settled => "settled",
        Answer::Error(_) => "error",
        Answer::Panicked => "panicked",
        Answer::Dropped => "dropped",
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { seeds, operations, steps, crashes, attempts, faults, answers } = self;
        writeln!(f, "{seeds} seeds, {steps} steps of callers, {operations} calls of the store, {crashes} crashes")?;
        writeln!(f, "{attempts} calls of controllers: {}", Counts(answers))?;
        write!(f, "faults: {}", Counts(faults))
    }
}

struct Counts<'a, K>(&'a BTreeMap<K, u64>);

impl<K: fmt::Display> fmt::Display for Counts<'_, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let counts: Vec<_> = self.0.iter().map(|(name, times)| format!("{times} {name}")).collect();
        f.write_str(if counts.is_empty() { "none" } else { "" })?;
        f.write_str(&counts.join(", "))
    }
}
