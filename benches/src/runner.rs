//! Rounds: every subject of a case once, before any of them again.

use std::path::PathBuf;
use std::sync::Arc;

use indicatif::{ProgressBar, ProgressStyle};

use crate::about::about;
use crate::failure::Failure;
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
    /// Cases that have all of these parameters.
    pub values: Vec<(String, String)>,
    /// How much is done.
    pub plan: Plan,
    /// How often.
    pub rounds: usize,
    /// Where to write what there is after each case, so that hours are not lost to the last one.
    pub save: Option<PathBuf>,
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
                let has = |(name, value): &(String, String)| case.parameters.get(name) == Some(value);
                if !case.subjects.is_empty() && self.values.iter().all(has) {
                    cases.push((*scenario, case));
                }
            }
        }
        cases
    }

    /// Measures all of it, and writes it after each case.
    ///
    /// # Errors
    ///
    /// What was found cannot be written. A subject that fails is among what was found.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses what was measured of the case that it was at.
    pub async fn run(&self, world: Arc<World>) -> Result<Record, Failure> {
        let cases = self.cases();
        let rounds = |scenario: &Scenario| scenario.rounds.unwrap_or(self.rounds).min(self.rounds);
        let runs = cases.iter().map(|(scenario, case)| case.subjects.len() * rounds(scenario)).sum::<usize>();
        let style = ProgressStyle::with_template("{elapsed_precise} {wide_bar} {pos}/{len} {eta} {msg}")?;
        let bar = ProgressBar::new(runs as u64).with_style(style);
        let mut record = Record::default();
        for (scenario, case) in &cases {
            for round in 0..rounds(scenario) {
                // Whoever is first is another in each round.
                for number in 0..case.subjects.len() {
                    let subject = &case.subjects[(number + round) % case.subjects.len()];
                    bar.set_message(format!("{} {}", scenario.name, subject.name));
                    match subject.run(world.clone()).await {
                        Ok(measured) => {
                            let samples =
                                measured.into_iter().map(|one| sample(scenario, case, &subject.name, round, one));
                            record.samples.extend(samples);
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
            record.about = about(&world, self);
            if let Some(file) = &self.save {
                record.write(file)?;
            }
        }
        bar.finish_and_clear();
        Ok(record)
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
