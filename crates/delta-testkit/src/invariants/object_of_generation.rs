use std::collections::BTreeMap;

use delta_core::{ObjectHash, ResourceId};

use super::invariant::Invariant;
use crate::history::{Entry, What};

/// A worker is given the object of the generation that it has claimed, and no other.
///
/// It holds of a history without writes of rows.
#[derive(Debug, Default)]
pub struct ObjectOfGeneration {
    objects: BTreeMap<(ResourceId, i64), ObjectHash>,
}

impl Invariant for ObjectOfGeneration {
    fn name(&self) -> &'static str {
        "a worker is given the object of its generation"
    }

    fn see(&mut self, entry: &Entry) -> Result<(), String> {
        match &entry.what {
            What::Row { after: Some(row), .. } => {
                self.objects.insert((row.id, row.generation), row.hash);
                Ok(())
            }
            What::Given(attempt, given) => match self.objects.get(&(attempt.id, attempt.generation)) {
                Some(stored) if stored != given => {
                    Err(format!("expected {stored}, the object of its generation, to {attempt}, found {given}"))
                }
                _ => Ok(()),
            },
            _ => Ok(()),
        }
    }
}
