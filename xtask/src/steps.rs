use std::time::{Duration, Instant};

use crate::failure::Failure;

/// Steps done one after the other, with the time that each took.
#[derive(Debug, Default)]
pub(crate) struct Steps {
    done: Vec<(String, Duration)>,
}

impl Steps {
    /// Runs a step, and prints its name before and how long it took after.
    pub(crate) fn run<T>(&mut self, name: &str, step: impl FnOnce() -> Result<T, Failure>) -> Result<T, Failure> {
        eprintln!("\n==> {name}");
        let start = now();
        let outcome = step();
        let took = now() - start;
        let verdict = if outcome.is_ok() { "done" } else { "FAILED" };
        eprintln!("<== {name}: {verdict} in {:.1} s", took.as_secs_f64());
        self.done.push((format!("{name}: {verdict}"), took));
        outcome
    }
}

impl Drop for Steps {
    /// Also after a failure: the last step is the one that failed.
    fn drop(&mut self) {
        eprintln!();
        for (step, took) in &self.done {
            eprintln!("{:>8.1} s  {step}", took.as_secs_f64());
        }
        let total: Duration = self.done.iter().map(|(_, took)| *took).sum();
        eprintln!("{:>8.1} s  in all", total.as_secs_f64());
    }
}

#[expect(clippy::disallowed_methods, reason = "what a step takes is measured, not decided by")]
fn now() -> Instant {
    Instant::now()
}
