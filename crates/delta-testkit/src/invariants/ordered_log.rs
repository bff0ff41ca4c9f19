use delta_core::Position;

use super::invariant::Invariant;
use crate::history::{Entry, Last, What};

/// Positions only grow, and what was appended stays as it was until it is trimmed.
#[derive(Debug, Default)]
pub struct OrderedLog {
    last: Position,
}

impl Invariant for OrderedLog {
    fn name(&self) -> &'static str {
        "the log only grows at its end"
    }

    fn see(&mut self, entry: &Entry) -> Result<(), String> {
        let What::Appended(event) = &entry.what else { return Ok(()) };
        let before = std::mem::replace(&mut self.last, event.position);
        if event.position > before {
            return Ok(());
        }
        Err(format!("expected an event after position {before}, found {event:?}"))
    }

    fn end(&mut self, last: &Last) -> Result<(), String> {
        match last.log.windows(2).find(|pair| pair[0].position >= pair[1].position) {
            Some(pair) => {
                Err(format!("expected growing positions, found {} before {}", pair[0].position, pair[1].position))
            }
            None => Ok(()),
        }
    }
}
