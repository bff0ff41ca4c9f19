use std::collections::BTreeMap;

use delta_core::{Event, EventKind, Reason, Resource, ResourceId, Subject, TRIM_PREFIX};

use super::invariant::Invariant;
use crate::history::{Entry, Last, What};

/// Generations only grow, and so do those that workers have finished; each that becomes claimable is said to be so in the log
/// once, is finished at most once, and no attempt is of one that was not.
#[derive(Debug, Default)]
pub struct GenerationsGrow {
    said: BTreeMap<ResourceId, Said>,
    has_log: bool,
}

/// What the log has said of one resource.
#[derive(Debug, Default)]
struct Said {
    /// The latest generation that became claimable.
    scheduled: i64,
    /// The latest generation that was finished.
    finished: i64,
    purged: bool,
}

impl Invariant for GenerationsGrow {
    fn name(&self) -> &'static str {
        "generations only grow, and each is announced and finished once"
    }

    fn see(&mut self, entry: &Entry) -> Result<(), String> {
        match &entry.what {
            What::Row { before: Some(before), after: Some(after) } => grows(before, after),
            What::Appended(event) => {
                self.has_log = true;
                self.hear(event)
            }
            _ => Ok(()),
        }
    }

    fn end(&mut self, last: &Last) -> Result<(), String> {
        let trimmed = last.cursors.iter().any(|cursor| cursor.name.starts_with(TRIM_PREFIX));
        if self.has_log || trimmed {
            return Ok(());
        }
        last.log.iter().try_for_each(|event| self.hear(event))
    }
}

impl GenerationsGrow {
    fn hear(&mut self, event: &Event) -> Result<(), String> {
        let Subject::Resource { id, generation, .. } = &event.subject else { return Ok(()) };
        let (said, generation) = (self.said.entry(*id).or_default(), *generation);
        let wrong = |expected: String| Err(format!("expected {expected}, found {event:?}"));
        if std::mem::replace(&mut said.purged, event.kind == EventKind::Purged) {
            return wrong("nothing about a resource after its purge".to_owned());
        }
        match event.kind {
            EventKind::Scheduled(reason) => {
                let before = std::mem::replace(&mut said.scheduled, generation);
                let again = matches!(reason, Reason::SecondChance | Reason::Snoozed | Reason::Released);
                let either = reason == Reason::Retried && generation == before;
                match () {
                    () if reason == Reason::Created && generation != 1 => {
                        wrong("generation 1 of what is new".to_owned())
                    }
                    () if again && generation != before => wrong(format!("generation {before} again")),
                    () if !again && !either && generation <= before => {
                        wrong(format!("a generation after {before}, which was announced before"))
                    }
                    () => Ok(()),
                }
            }
            EventKind::Synced | EventKind::Deleted => {
                let before = std::mem::replace(&mut said.finished, generation);
                if generation > said.scheduled {
                    return wrong(format!("a generation up to {}, which was announced", said.scheduled));
                }
                if generation <= before {
                    return wrong(format!("a generation after {before}, which was finished before"));
                }
                Ok(())
            }
            EventKind::Failed if generation > said.scheduled => {
                wrong(format!("a generation up to {}, which was announced", said.scheduled))
            }
            _ => Ok(()),
        }
    }
}

fn grows(before: &Resource, after: &Resource) -> Result<(), String> {
    let finished = after.synced_generation;
    if after.generation < before.generation || finished < before.synced_generation || finished > after.generation {
        let (old, new) = ((before.generation, before.synced_generation), (after.generation, finished));
        return Err(format!(
            "expected generations (wanted, finished) of {} to grow from {old:?}, found {new:?}",
            after.key
        ));
    }
    Ok(())
}
