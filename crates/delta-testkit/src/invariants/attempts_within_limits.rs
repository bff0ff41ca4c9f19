use std::collections::BTreeMap;

use delta_core::{Resource, ResourceId};

use super::invariant::Invariant;
use crate::history::{Attempt, Entry, Last, What};

/// No generation is worked more often than it may be: a claim counts the attempt up by one, a new generation begins at none,
/// and what was given back counts not at all.
///
/// A row whose last attempt has begun is claimed no more, and what begins is what was claimed.
#[derive(Debug, Default)]
pub struct AttemptsWithinLimits {
    rows: BTreeMap<ResourceId, Resource>,
}

impl Invariant for AttemptsWithinLimits {
    fn name(&self) -> &'static str {
        "no generation is tried more often than it may be"
    }

    fn see(&mut self, entry: &Entry) -> Result<(), String> {
        match &entry.what {
            What::Row { before, after } => {
                if let Some(row) = after {
                    within(row)?;
                    self.rows.insert(row.id, (**row).clone());
                } else if let Some(row) = before {
                    self.rows.remove(&row.id);
                }
                Ok(())
            }
            What::Began(attempt) => self.begins(attempt),
            _ => Ok(()),
        }
    }

    fn end(&mut self, last: &Last) -> Result<(), String> {
        last.rows.iter().try_for_each(within)
    }
}

impl AttemptsWithinLimits {
    fn begins(&self, attempt: &Attempt) -> Result<(), String> {
        if attempt.attempt < 1 {
            return Err(format!("expected attempts to count from 1, found {attempt}"));
        }
        // Somebody else may have the row by now, where the process has not noticed yet: that is another's to judge.
        let lease = self.rows.get(&attempt.id).and_then(|row| row.lease).filter(|lease| lease.token == attempt.token);
        match lease {
            Some(lease) if (lease.generation, lease.attempt) != (attempt.generation, attempt.attempt) => {
                Err(format!("expected {attempt} to be what was claimed, found {lease:?}"))
            }
            _ => Ok(()),
        }
    }
}

/// A row that has used no more attempts than it may. The attempt that runs may be one of an earlier generation, which had
/// limits of its own.
fn within(row: &Resource) -> Result<(), String> {
    let lease = row.lease.filter(|lease| lease.generation == row.generation);
    let used = lease.map_or(row.attempt, |lease| lease.attempt.max(row.attempt));
    if row.attempt >= 0 && row.max_attempts.is_none_or(|most| used <= most) {
        return Ok(());
    }
    let (generation, most) = (row.generation, row.max_attempts);
    Err(format!("expected 0 to {most:?} attempts of generation {generation}, found {used}: {row:?}"))
}
