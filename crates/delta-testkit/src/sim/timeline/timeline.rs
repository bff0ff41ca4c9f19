use std::fmt;

use delta_core::plan::consume::MEMBER_PREFIX;
use delta_core::{Key, Timestamp};

use super::focus::{focus, key};
use super::line::Line;
use super::row::{Holders, seconds};
use crate::history::{Entry, What};
use crate::invariants::Violation;
use crate::sim::run::Run;
use crate::sim::scenario::Scenario;

/// How much of a history is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Detail {
    /// What has changed something, about the resource that the violation is about, if it is about one.
    #[default]
    Brief,
    /// Everything.
    Full,
}

/// A run as text: its seed, its scenario, and what happened, line by line. What happened after the violation is left out,
/// unless that is about the end.
#[derive(Debug)]
pub struct Timeline<'a, T> {
    scenario: &'a Scenario<T>,
    run: &'a Run,
    detail: Detail,
    replay: Option<String>,
}

impl<'a, T: fmt::Display> Timeline<'a, T> {
    /// Of this run of this scenario.
    #[must_use]
    pub fn new(scenario: &'a Scenario<T>, run: &'a Run) -> Self {
        Self { scenario, run, detail: Detail::default(), replay: None }
    }

    /// How much is shown; by default, what is [brief](Detail::Brief).
    #[must_use]
    pub fn detail(mut self, detail: Detail) -> Self {
        self.detail = detail;
        self
    }

    /// Says what command runs it again; nothing by default.
    #[must_use]
    pub fn replay(mut self, command: impl Into<String>) -> Self {
        self.replay = Some(command.into());
        self
    }

    fn head(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Scenario { seed, processes, left_out, rates, steps, calm_at, .. } = self.scenario;
        match &self.run.violation {
            Some(violation) => writeln!(f, "seed {seed}: {violation}")?,
            None => writeln!(f, "seed {seed}: all holds")?,
        }
        if let Some(replay) = &self.replay {
            writeln!(f, "replay: {replay}")?;
        }
        for (number, plan) in processes.iter().enumerate().filter(|(number, _)| !left_out.contains(number)) {
            writeln!(f, "process p{number}: lease {:?}, clock off by {} ppm", plan.lease, plan.drift_ppm)?;
        }
        writeln!(f, "faults of a thousand: {rates:?}; those that happened: {}", self.run.faults.len())?;
        writeln!(f, "{} store calls, {} steps, calm at {calm_at:?}:", self.run.operations, steps.len())?;
        for timed in steps {
            let at = i64::try_from(timed.at.as_millis()).unwrap_or(i64::MAX);
            writeln!(f, "{:>12}  {}", seconds(at), timed.step)?;
        }
        writeln!(f)
    }

    /// What is shown: all that was seen when the violation was found.
    fn entries(&self) -> &[Entry] {
        let entries = self.run.history.entries();
        let seen = self.run.violation.as_ref().map_or(entries.len(), |violation| violation.entries);
        &entries[..seen.min(entries.len())]
    }

    fn lines(&self) -> Vec<(Timestamp, &Entry, Line)> {
        let about = self.run.violation.as_ref().and_then(|violation| focus(&self.run.history, violation));
        let broke = self.broke();
        let place = broke.and_then(|number| cursor(&self.entries()[number]));
        let (mut holders, mut lines) = (Holders::new(), Vec::new());
        for (number, entry) in self.entries().iter().enumerate() {
            if let What::Row { after: Some(row), .. } = &entry.what
                && let Some(lease) = row.lease
            {
                holders.entry(lease.token).or_insert_with(|| entry.actor.clone());
            }
            let mut line = Line::of(entry, &holders);
            if broke == Some(number) {
                line.mark = '>';
            } else if self.detail == Detail::Brief && (line.boring || is_elsewhere(entry, about.as_ref(), place)) {
                continue;
            }
            lines.push((entry.at, entry, line));
        }
        lines
    }

    /// The entry that broke the invariant; none if the end did.
    fn broke(&self) -> Option<usize> {
        let Violation { entries, .. } = self.run.violation.as_ref()?;
        (*entries < self.run.history.entries().len()).then(|| entries.checked_sub(1)).flatten()
    }
}

/// The name of the cursor that an entry is about.
fn cursor(entry: &Entry) -> Option<&str> {
    match &entry.what {
        What::Cursor { before, after } => after.as_ref().or(before.as_ref()).map(|cursor| cursor.name.as_str()),
        _ => None,
    }
}

fn is_elsewhere(entry: &Entry, about: Option<&Key>, place: Option<&str>) -> bool {
    if place.is_some() {
        // Members of a sharded consumer hold its slices.
        return cursor(entry).is_some_and(|name| Some(name) != place && !name.starts_with(MEMBER_PREFIX));
    }
    let Some(about) = about else { return false };
    match &entry.what {
        What::Called { asked, .. } => !asked.contains(&about.to_string()),
        What::Cursor { .. } | What::PassedOver { .. } => true,
        _ => key(entry).is_some_and(|key| key != about),
    }
}

impl<T: fmt::Display> fmt::Display for Timeline<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.head(f)?;
        let lines = self.lines();
        let widest = |widths: &mut dyn Iterator<Item = usize>| widths.max().unwrap_or(0);
        let actors = widest(&mut lines.iter().map(|(_, entry, _)| entry.actor.as_str().len()));
        let operations = widest(&mut lines.iter().map(|(_, _, line)| line.operation.len()));
        let Some(begin) = self.entries().first().map(|entry| entry.at) else { return Ok(()) };
        for (at, entry, line) in &lines {
            // Signed: the database's clock may have been set backwards.
            let time = (at.as_micros() - begin.as_micros()) / 1_000;
            let time = format!("{}{}.{:03}", if time < 0 { "-" } else { "" }, time.abs() / 1_000, time.abs() % 1_000);
            let Line { mark, operation, text, .. } = line;
            writeln!(f, "{time:>9} {mark} {:<actors$}  {operation:<operations$}  {text}", entry.actor)?;
        }
        if let Some(violation) = &self.run.violation {
            writeln!(f, "\n{violation}")?;
        }
        Ok(())
    }
}
