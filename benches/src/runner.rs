//! Rounds: every subject of a case once, before any of them again.

use std::sync::Arc;

use indicatif::{ProgressBar, ProgressStyle};

use crate::record::{Record, Sample};
use crate::scenario::{Plan, Scenario};
use crate::server::World;
use crate::subject::{Case, Measured};

/// What is run, and how often.
#[derive(Clone, Debug)]
pub struct Runner {
    /// The scenarios.
    pub scenarios: Vec<Scenario>,
    /// Subjects whose names have one of these parts; all where there is none.
    pub subjects: Vec<String>,
    /// How much is done.
    pub plan: Plan,
    /// How often.
    pub rounds: usize,
}

impl Runner {
    /// The cases of all scenarios, with the subjects that were asked for.
    #[must_use]
    pub fn cases(&self) -> Vec<(Scenario, Case)> {
        let wanted = |name: &str| self.subjects.is_empty() || self.subjects.iter().any(|part| name.contains(part));
        let mut cases = Vec::new();
        for scenario in &self.scenarios {
            for mut case in (scenario.cases)(&self.plan) {
                case.subjects.retain(|subject| wanted(&subject.name));
                if !case.subjects.is_empty() {
                    cases.push((*scenario, case));
                }
            }
        }
        cases
    }

    /// Measures all of it.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses what was measured.
    pub async fn run(&self, world: Arc<World>) -> Record {
        let cases = self.cases();
        let runs = cases.iter().map(|(_, case)| case.subjects.len() * self.rounds).sum::<usize>();
        let style = ProgressStyle::with_template("{elapsed_precise} {wide_bar} {pos}/{len} {eta} {msg}");
        let bar = ProgressBar::new(runs as u64).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        let mut record = Record::default();
        for (scenario, case) in &cases {
            for round in 0..scenario.rounds.unwrap_or(self.rounds).min(self.rounds) {
                // Whoever is first is another in each round.
                for number in 0..case.subjects.len() {
                    let subject = &case.subjects[(number + round) % case.subjects.len()];
                    bar.set_message(format!("{} {}", scenario.name, subject.name));
                    match subject.run(world.clone()).await {
                        Ok(measured) => {
                            record.samples.extend(
                                measured.into_iter().map(|one| sample(scenario, case, &subject.name, round, one)),
                            );
                        }
                        Err(error) => {
                            let what = format!("{} {} {:?}: {error}", scenario.name, subject.name, case.parameters);
                            bar.suspend(|| eprintln!("failed: {what}"));
                            record.failures.push(what);
                        }
                    }
                    bar.inc(1);
                }
            }
        }
        bar.finish_and_clear();
        record.about = about(&world, self);
        record
    }
}

fn sample(scenario: &Scenario, case: &Case, subject: &str, round: usize, measured: Measured) -> Sample {
    let Measured { metric, unit, value, usage, series, notes } = measured;
    Sample {
        scenario: scenario.name.to_owned(),
        subject: subject.to_owned(),
        parameters: case.parameters.clone(),
        round,
        metric,
        unit: unit.to_owned(),
        value,
        usage,
        series,
        notes,
    }
}

fn about(world: &World, runner: &Runner) -> std::collections::BTreeMap<String, String> {
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let own = [
        ("cores", cores.to_string()),
        ("delta version", env!("CARGO_PKG_VERSION").to_owned()),
        ("rounds", runner.rounds.to_string()),
        ("items", runner.plan.items.to_string()),
        ("size", format!("{:?}", runner.plan.size).to_lowercase()),
    ];
    own.into_iter().map(|(name, value)| (name.to_owned(), value)).chain(world.settings()).collect()
}
