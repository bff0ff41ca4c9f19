use std::collections::{BTreeMap, BTreeSet};

use delta_core::{Desired, EventKind, Key, ObjectHash, Reason, Resource, ResourceId, State, Subject, TRIM_PREFIX};

use super::invariant::Invariant;
use crate::history::{Actor, Ask, Entry, Last, What};

/// What somebody was told to be done, is done: it was so at some time between the asking and the answer, and an acknowledged
/// generation is never forgotten, unless its row is purged.
///
/// The object of an acknowledged inform is what its generation holds; if a later inform of the same batch has replaced it,
/// a later generation does.
#[derive(Debug, Default)]
pub struct AcknowledgedKept {
    /// Every resource that there is, by key, and the ids of all there ever were.
    rows: BTreeMap<Key, Resource>,
    known: BTreeMap<ResourceId, Generations>,
    /// What held of a key since somebody asked.
    asked: BTreeMap<(Actor, Key, String), BTreeSet<&'static str>>,
    /// What ever held, for who was not seen to ask.
    ever: BTreeMap<Key, BTreeSet<&'static str>>,
    informed: BTreeMap<ResourceId, (i64, Key)>,
    deleted: BTreeSet<Key>,
    has_rows: bool,
}

/// What is known of one row.
#[derive(Debug, Default)]
struct Generations {
    /// The objects of its generations, where they were ever stored.
    objects: BTreeMap<i64, ObjectHash>,
    is_purged: bool,
}

impl Invariant for AcknowledgedKept {
    fn name(&self) -> &'static str {
        "what was acknowledged is done and kept"
    }

    fn see(&mut self, entry: &Entry) -> Result<(), String> {
        match &entry.what {
            What::Row { before, after } => {
                self.has_rows = true;
                self.written(before.as_deref(), after.as_deref())
            }
            What::Asked { key, ask } => {
                // Of two at once, the one that was asked first.
                let asked = (entry.actor.clone(), key.clone(), ask.clone());
                let now = held(None, self.rows.get(key));
                self.asked.entry(asked).or_insert(now);
                Ok(())
            }
            What::Refused { key, ask } => {
                self.asked.remove(&(entry.actor.clone(), key.clone(), ask.clone()));
                Ok(())
            }
            What::Acknowledged { key, ask } => self.acknowledged(&entry.actor, key, ask),
            _ => Ok(()),
        }
    }

    fn end(&mut self, last: &Last) -> Result<(), String> {
        let purged = |id: ResourceId| {
            let in_log = last.log.iter().any(|event| {
                event.kind == EventKind::Purged
                    && matches!(&event.subject, Subject::Resource { id: of, .. } if *of == id)
            });
            in_log || self.known.get(&id).is_some_and(|known| known.is_purged)
        };
        let trimmed = last.cursors.iter().any(|cursor| cursor.name.starts_with(TRIM_PREFIX));
        let rows: BTreeMap<ResourceId, &Resource> = last.rows.iter().map(|row| (row.id, row)).collect();
        for (id, (generation, key)) in &self.informed {
            let found = match rows.get(id) {
                Some(row) if row.generation >= *generation => continue,
                Some(row) => format!("generation {}", row.generation),
                None if purged(*id) || (trimmed && !self.has_rows) => continue,
                None => "no row and no purge".to_owned(),
            };
            return Err(format!("expected resource {id}, {key}, at generation {generation} or later, found {found}"));
        }
        if self.has_rows || trimmed {
            return Ok(());
        }
        let is_deletion =
            |kind| matches!(kind, EventKind::Scheduled(Reason::Deletion) | EventKind::Deleted | EventKind::Purged);
        for key in &self.deleted {
            let in_log = last.log.iter().any(|event| {
                is_deletion(event.kind) && matches!(&event.subject, Subject::Resource { key: of, .. } if of == key)
            });
            // A deletion that waits for an attempt to end is in no event yet.
            let row = last.rows.iter().find(|row| row.key == *key);
            if !in_log && row.is_some_and(|row| row.desired == Desired::Present && row.state != State::Deleted) {
                return Err(format!("expected a deletion of {key}, found none in the log, and {row:?}"));
            }
        }
        Ok(())
    }
}

impl AcknowledgedKept {
    fn written(&mut self, before: Option<&Resource>, after: Option<&Resource>) -> Result<(), String> {
        let Some(row) = after.or(before) else { return Ok(()) };
        let held = held(before, after);
        self.ever.entry(row.key.clone()).or_default().extend(&held);
        for ((_, key, _), since) in &mut self.asked {
            if *key == row.key {
                since.extend(&held);
            }
        }
        let known = self.known.entry(row.id).or_default();
        known.is_purged = after.is_none();
        let Some(after) = after else {
            self.rows.remove(&row.key);
            return Ok(());
        };
        self.rows.insert(after.key.clone(), after.clone());
        if let Some((kept, key)) = self.informed.get(&row.id).filter(|(kept, _)| *kept > after.generation) {
            return Err(format!("expected {key} to keep generation {kept}, found {}", after.generation));
        }
        known.objects.insert(after.generation, after.hash);
        Ok(())
    }

    fn acknowledged(&mut self, actor: &Actor, key: &Key, ask: &Ask) -> Result<(), String> {
        let since = self.asked.remove(&(actor.clone(), key.clone(), ask.name().to_owned()));
        if let Ask::Delete = ask {
            self.deleted.insert(key.clone());
        }
        let wanted = match ask {
            Ask::Inform { id, generation, hash, outcome } => {
                let kept = self.informed.entry(*id).or_insert_with(|| (*generation, key.clone()));
                kept.0 = kept.0.max(*generation);
                return self.informed(key, *id, *generation, *hash, outcome);
            }
            Ask::Delete => ABSENT,
            Ask::Invalidate => INVALIDATED,
            Ask::Retry => RETRIED,
            Ask::Cancel => CANCELLED,
            Ask::Pause => PAUSED,
            Ask::Resume => RESUMED,
        };
        if !self.has_rows {
            return Ok(());
        }
        let held = since.as_ref().or_else(|| self.ever.get(key));
        if held.is_some_and(|held| held.contains(wanted)) {
            return Ok(());
        }
        let row = self.rows.get(key);
        Err(format!("expected {key} to have been {wanted} since {actor} asked, found {held:?}, and now {row:?}"))
    }

    fn informed(
        &self,
        key: &Key,
        id: ResourceId,
        generation: i64,
        hash: ObjectHash,
        outcome: &str,
    ) -> Result<(), String> {
        if !self.has_rows {
            return Ok(());
        }
        let objects = self.known.get(&id).map(|known| &known.objects);
        let stored = objects.and_then(|objects| objects.range(generation..).next());
        match stored {
            Some((at, stored)) if *at == generation && *stored != hash && writes_object(outcome) => {
                Err(format!("expected the object {hash:?} as generation {generation} of {key}, found {stored:?}"))
            }
            Some(_) => Ok(()),
            None => {
                let found = objects.and_then(|objects| objects.last_key_value()).map(|(generation, _)| generation);
                Err(format!("expected {outcome} {key}, resource {id}, at generation {generation}, found {found:?}"))
            }
        }
    }
}

/// Whether such an outcome says that the object was written: a comparison of the kind's own may hold different texts for
/// the same.
fn writes_object(outcome: &str) -> bool {
    matches!(outcome, "created" | "changed" | "revived")
}

const ABSENT: &str = "absent, or to be";
const INVALIDATED: &str = "invalidated";
const RETRIED: &str = "retried";
const CANCELLED: &str = "cancelled";
const PAUSED: &str = "paused";
const RESUMED: &str = "not paused";

/// What a write, or a row as it is, makes true of what may be asked for.
fn held(before: Option<&Resource>, after: Option<&Resource>) -> BTreeSet<&'static str> {
    let mut held = BTreeSet::new();
    let Some(row) = after else {
        held.insert(ABSENT);
        return held;
    };
    if row.state == State::Deleted || row.desired != Desired::Present {
        held.insert(ABSENT);
    }
    held.insert(if row.paused { PAUSED } else { RESUMED });
    if row.lease.is_some_and(|lease| lease.cancel_requested) {
        held.insert(CANCELLED);
    }
    let Some(before) = before else { return held };
    let again = row.generation > before.generation;
    if before.state == State::Synced && row.state == State::Expired && again {
        held.insert(INVALIDATED);
    }
    if matches!(before.state, State::Failed | State::Degraded) && row.state != before.state && row.attempt < 2 {
        held.insert(RETRIED);
    }
    if row.state == State::Degraded && before.state != State::Degraded {
        held.insert(CANCELLED);
    }
    held
}
