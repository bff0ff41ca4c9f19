use std::collections::{BTreeMap, VecDeque};

use delta_core::transition::Phase;
use delta_core::{Event, EventKind, Position, Resource, ResourceId, State, Subject};

use super::invariant::Invariant;
use super::steps::{Explained, Path, Steps, Told};
use crate::history::{Entry, Last, What};

/// Every write of a row appends exactly the events that its effect names, and the log tells what the tables hold.
///
/// Events may become readable later than their row was written: an open transaction may hold them back. At the end nothing
/// is open any more.
#[derive(Default)]
pub struct LogExplainsRows {
    steps: Steps,
    open: BTreeMap<ResourceId, Open>,
    /// Those of `open` that something was added to.
    touched: Vec<ResourceId>,
    /// Whether the history has writes of rows: one that was put together from tables has none.
    has_rows: bool,
}

/// What is yet to be matched of one resource.
#[derive(Default)]
struct Open {
    /// Too much was written at once to tell what appended what.
    lost: bool,
    writes: VecDeque<(Vec<Path>, String)>,
    events: VecDeque<(Told, Position)>,
}

impl Invariant for LogExplainsRows {
    fn name(&self) -> &'static str {
        "the log explains the rows"
    }

    fn see(&mut self, entry: &Entry) -> Result<(), String> {
        match &entry.what {
            What::Row { before, after } => {
                self.has_rows = true;
                let Some(id) = before.as_ref().or(after.as_ref()).map(|row| row.id) else { return Ok(()) };
                match self.steps.explain(before.as_deref(), after.as_deref()) {
                    Explained::By(paths) => {
                        if paths.iter().all(|path| path.effects.is_empty()) {
                            return Ok(());
                        }
                        self.open.entry(id).or_default().writes.push_back((paths, entry.what.to_string()));
                    }
                    // What it appended cannot be told apart either.
                    Explained::Unclear => drop(self.open.insert(id, Open { lost: true, ..Open::default() })),
                }
                self.touched.push(id);
                Ok(())
            }
            What::Appended(event) => {
                if let Some((id, told)) = told(event) {
                    self.open.entry(id).or_default().events.push_back((told, event.position));
                    self.touched.push(id);
                }
                Ok(())
            }
            What::Cursor { .. } | What::Scope { .. } => Ok(()),
            _ => self.settle(),
        }
    }

    fn end(&mut self, last: &Last) -> Result<(), String> {
        self.settle()?;
        for (id, open) in &self.open {
            if let Some((paths, write)) = open.writes.front() {
                let expected: Vec<_> = paths.iter().map(|path| &path.events).collect();
                return Err(format!(
                    "expected one of {expected:?} in the log for \"{write}\", found {:?}",
                    open.events
                ));
            }
            if let Some(event) = open.events.front().filter(|_| self.has_rows) {
                return Err(format!("expected a write of resource {id} for each event, found none for {event:?}"));
            }
        }
        replay(last)
    }
}

impl LogExplainsRows {
    /// Matches writes with events, where all that a store call wrote has been seen.
    fn settle(&mut self) -> Result<(), String> {
        if !self.has_rows {
            return Ok(());
        }
        for id in std::mem::take(&mut self.touched) {
            let Some(open) = self.open.get_mut(&id) else { continue };
            open.settle()?;
            if !open.lost && open.writes.is_empty() && open.events.is_empty() {
                self.open.remove(&id);
            }
        }
        Ok(())
    }
}

impl Open {
    fn settle(&mut self) -> Result<(), String> {
        if self.lost {
            self.writes.clear();
            self.events.clear();
        }
        while let Some((paths, write)) = self.writes.front() {
            let there = |path: &&Path| {
                path.events.len() <= self.events.len()
                    && path.events.iter().zip(&self.events).all(|(expected, (found, _))| expected == found)
            };
            // Of several ways, the one that says the most.
            if let Some(path) = paths.iter().filter(there).max_by_key(|path| path.events.len()) {
                self.events.drain(..path.events.len());
                self.writes.pop_front();
                continue;
            }
            let may_come =
                |path: &Path| path.events.iter().zip(&self.events).all(|(expected, (found, _))| expected == found);
            if paths.is_empty() || paths.iter().any(may_come) {
                return Ok(());
            }
            let expected: Vec<_> = paths.iter().map(|path| &path.events).collect();
            return Err(format!("expected one of {expected:?} in the log for \"{write}\", found {:?}", self.events));
        }
        Ok(())
    }
}

fn told(event: &Event) -> Option<(ResourceId, Told)> {
    let Subject::Resource { id, state, generation, attempt, .. } = &event.subject else { return None };
    let told = Told { kind: event.kind, phase: Phase::of(state), generation: *generation, attempt: *attempt };
    Some((*id, told))
}

/// What the log last said of each row, beside the row.
fn replay(last: &Last) -> Result<(), String> {
    let mut said: BTreeMap<ResourceId, (&Event, Told)> = BTreeMap::new();
    for event in &last.log {
        if let Some((id, told)) = told(event) {
            said.insert(id, (event, told));
        }
    }
    let trimmed = last.cursors.iter().any(|cursor| cursor.name.starts_with(delta_core::TRIM_PREFIX));
    for row in &last.rows {
        match said.remove(&row.id) {
            Some((event, told)) => agrees(row, told)
                .map_err(|expected| format!("expected {expected}, as {row:?} is stored, found at last {event:?}"))?,
            None if trimmed || matches!(row.state, State::Unknown(_)) => {}
            None => return Err(format!("expected events about {row:?}, found none")),
        }
    }
    match said.into_values().find(|(_, told)| told.kind != EventKind::Purged) {
        Some((event, _)) => Err(format!("expected a row, or its purge in the log, found neither after {event:?}")),
        None => Ok(()),
    }
}

/// What the last event of a row must say.
fn agrees(row: &Resource, told: Told) -> Result<(), &'static str> {
    if told.kind == EventKind::Purged {
        return Err("no purge");
    }
    let phase = Phase::of(&row.state);
    match phase {
        // A claim says nothing, nor what is asked for meanwhile.
        Phase::Pending if told.generation <= row.generation => Ok(()),
        Phase::Unknown => Ok(()),
        _ if told.phase != phase => Err("the row's state"),
        // What was asked for while an attempt ran has its event when that ends.
        _ if told.generation != row.generation => Err("the row's generation"),
        _ => Ok(()),
    }
}
