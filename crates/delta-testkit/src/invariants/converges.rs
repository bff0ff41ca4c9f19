use std::collections::BTreeSet;

use delta_core::{Resource, Scope, State};

use super::invariant::Invariant;
use crate::history::{Entry, Last, What};

/// Once no more faults happen, everything comes to rest: at the end nothing is worked, nothing is due that may be worked, and
/// what is synced is so as it is wanted.
#[derive(Debug, Default)]
pub struct Converges {
    is_calm: bool,
    paused: BTreeSet<Scope>,
}

impl Invariant for Converges {
    fn name(&self) -> &'static str {
        "everything comes to rest once faults have ended"
    }

    fn see(&mut self, entry: &Entry) -> Result<(), String> {
        match &entry.what {
            What::Calm => self.is_calm = true,
            What::Scope { after, .. } if after.paused => drop(self.paused.insert(after.scope.clone())),
            What::Scope { after, .. } => drop(self.paused.remove(&after.scope)),
            _ => {}
        }
        Ok(())
    }

    fn end(&mut self, last: &Last) -> Result<(), String> {
        if !self.is_calm {
            return Ok(());
        }
        let paused = |row: &Resource| {
            let scopes = [Scope::Kind(row.key.kind.clone()), Scope::Namespace(row.key.namespace.clone())];
            row.paused || scopes.iter().any(|scope| self.paused.contains(scope))
        };
        for row in &last.rows {
            let rests = match row.state {
                State::Pending => false,
                State::Synced => row.synced_generation == row.generation && row.desired.absent_by().is_none(),
                _ => paused(row) || !row.is_due(last.now),
            };
            if !rests {
                return Err(format!("expected every resource to be at rest, found {row:?}"));
            }
        }
        Ok(())
    }
}
