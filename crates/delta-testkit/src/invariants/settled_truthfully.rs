use std::collections::BTreeMap;

use delta_core::{EventKind, LeaseToken, Resource, ResourceId, State, Subject};

use super::invariant::Invariant;
use super::one_lease::is_rescue;
use crate::history::{Answer, Attempt, Entry, Last, What};

/// What is recorded of an attempt is what it answered: no success without a worker that said so, and none of its answers
/// recorded as another.
///
/// Where a history has no writes of rows, each success in the log must have an attempt that may have said so.
#[derive(Debug, Default)]
pub struct SettledTruthfully {
    attempts: BTreeMap<LeaseToken, Said>,
    /// The same for what has no tokens: by row, generation and attempt.
    may_succeed: BTreeMap<(ResourceId, i64, i64), bool>,
    has_rows: bool,
}

/// What an attempt has said: as it ended, and in transactions of its own.
#[derive(Debug, Default)]
struct Said {
    answer: Option<Answer>,
    settles: Vec<Answer>,
}

impl Said {
    fn all(&self) -> impl Iterator<Item = &Answer> {
        self.answer.iter().chain(&self.settles)
    }
}

impl Invariant for SettledTruthfully {
    fn name(&self) -> &'static str {
        "what is recorded of an attempt is what it answered"
    }

    fn see(&mut self, entry: &Entry) -> Result<(), String> {
        match &entry.what {
            What::Began(attempt) => {
                self.attempts.entry(attempt.token).or_default();
                self.may_succeed.entry(place(attempt)).or_default();
                Ok(())
            }
            What::Settles(attempt, answer) => {
                self.attempts.entry(attempt.token).or_default().settles.push(answer.clone());
                self.may_succeed.insert(place(attempt), true);
                Ok(())
            }
            What::Ended(attempt, answer) => {
                self.attempts.entry(attempt.token).or_default().answer = Some(answer.clone());
                *self.may_succeed.entry(place(attempt)).or_default() |=
                    !matches!(answer, Answer::Dropped | Answer::Panicked | Answer::Snoozed);
                Ok(())
            }
            What::Row { before: Some(before), after: Some(after) } => {
                self.has_rows = true;
                self.written(before, after).map_err(|expected| format!("expected {expected}, found {entry}"))
            }
            _ => Ok(()),
        }
    }

    fn end(&mut self, last: &Last) -> Result<(), String> {
        if self.has_rows || self.may_succeed.is_empty() {
            return Ok(());
        }
        for event in &last.log {
            let Subject::Resource { id, generation, attempt, .. } = &event.subject else { continue };
            let success = matches!(event.kind, EventKind::Synced | EventKind::Deleted);
            if success && self.may_succeed.get(&(*id, *generation, *attempt)) != Some(&true) {
                return Err(format!("expected an attempt that succeeded, found none for {event:?}"));
            }
        }
        Ok(())
    }
}

fn place(attempt: &Attempt) -> (ResourceId, i64, i64) {
    (attempt.id, attempt.generation, attempt.attempt)
}

impl SettledTruthfully {
    /// What was expected of a write that ends an attempt, if it is not that.
    fn written(&mut self, before: &Resource, after: &Resource) -> Result<(), String> {
        let Some(lease) = before.lease else { return Ok(()) };
        if after.lease.is_some_and(|has| has.token == lease.token) {
            return Ok(());
        }
        let said = self.attempts.remove(&lease.token);
        if is_rescue(before, after) {
            return Ok(());
        }
        let finished = after.synced_generation > before.synced_generation;
        let failed = after.error_count > before.error_count;
        let moved = lease.generation != before.generation;
        let Some(said) = said else {
            return if finished { Err("a success only of an attempt that has begun".to_owned()) } else { Ok(()) };
        };
        let message = after.detail.as_ref().and_then(|detail| detail.errors.last()).map(|error| error.message.as_str());
        let fits = |answer: &Answer| match answer {
            Answer::Synced => finished,
            // Of a generation that is wanted no longer, nothing is recorded but the reason.
            Answer::Deleted => (finished && after.state == State::Deleted) || (moved && !finished),
            Answer::Snoozed => !finished && !failed,
            // What says that the object is gone may be an error as well, which is kept as the reason.
            Answer::Error(text) => failed && (!finished || message == Some(text)),
            // Timed out, cancelled, lost, or given back by a stop.
            Answer::Dropped => !finished,
            // As the worker's own transaction said; if that was not committed, it has failed.
            Answer::Panicked | Answer::Settled => failed && !finished,
        };
        // An attempt may settle itself before it ends, whatever it ends with, or be given back before it has begun.
        let open = said.answer.is_none() && said.settles.is_empty() && !finished;
        if open || said.all().any(fits) {
            return Ok(());
        }
        Err(format!("what the attempt has said, {:?}", said.all().collect::<Vec<_>>()))
    }
}
