use std::collections::BTreeMap;

use delta_core::{Key, State};

use super::invariant::Invariant;
use crate::history::{Actor, Answer, Attempt, Entry, Last, What};

/// What was done outside last is what is wanted last, under an idempotency key that belongs to one generation alone.
///
/// This is for controllers that do something outside in every attempt that succeeds, and nothing after it has ended.
#[derive(Debug, Default)]
pub struct OutsideHoldsLast {
    running: BTreeMap<Key, Vec<(Actor, Attempt)>>,
    /// The attempt that did something last.
    last: BTreeMap<Key, Attempt>,
    /// The generation that an idempotency key was first seen with, and the other way round.
    generations: BTreeMap<String, (Key, i64, i64)>,
    keys: BTreeMap<(Key, i64, i64), String>,
}

impl Invariant for OutsideHoldsLast {
    fn name(&self) -> &'static str {
        "the outside holds what was wanted last"
    }

    fn see(&mut self, entry: &Entry) -> Result<(), String> {
        match &entry.what {
            What::Began(attempt) => {
                self.running.entry(attempt.key.clone()).or_default().push((entry.actor.clone(), attempt.clone()));
                Ok(())
            }
            What::Ended(attempt, answer) => {
                if let Some(running) = self.running.get_mut(&attempt.key) {
                    running.retain(|(_, runs)| runs != attempt);
                }
                let acted = self.last.get(&attempt.key).is_some_and(|last| last.generation == attempt.generation);
                if *answer == Answer::Synced && !acted {
                    return Err(format!(
                        "expected something to be done outside, found nothing when {attempt} succeeded"
                    ));
                }
                Ok(())
            }
            What::Crashed | What::Stopped => {
                self.running.values_mut().for_each(|running| running.retain(|(who, _)| *who != entry.actor));
                Ok(())
            }
            What::Effect { key, idempotency_key, .. } => self.acted(key, idempotency_key),
            _ => Ok(()),
        }
    }

    fn end(&mut self, last: &Last) -> Result<(), String> {
        let done = last.rows.iter().filter(|row| matches!(row.state, State::Synced));
        for row in done {
            let acted = self.last.get(&row.key);
            if acted.is_none_or(|acted| (acted.id, acted.generation) != (row.id, row.generation)) {
                let generation = row.generation;
                return Err(format!("expected generation {generation} of {} outside, found {acted:?}", row.key));
            }
        }
        Ok(())
    }
}

impl OutsideHoldsLast {
    fn acted(&mut self, key: &Key, idempotency_key: &str) -> Result<(), String> {
        let Some((_, attempt)) = self.running.get(key).and_then(|running| running.last()) else {
            return Err(format!("expected an attempt of {key} to run while it acts outside, found none"));
        };
        self.last.insert(key.clone(), attempt.clone());
        let generation = (key.clone(), attempt.id.get(), attempt.generation);
        let known = self.generations.entry(idempotency_key.to_owned()).or_insert_with(|| generation.clone());
        if *known != generation {
            return Err(format!("expected an idempotency key of {attempt}'s own, found that of {known:?}"));
        }
        let known = self.keys.entry(generation).or_insert_with(|| idempotency_key.to_owned());
        if known != idempotency_key {
            return Err(format!("expected idempotency key {known} of {attempt} as before, found {idempotency_key}"));
        }
        Ok(())
    }
}
