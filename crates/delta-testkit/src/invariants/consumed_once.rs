use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

use delta_core::plan::consume::{ConsumerCursor, CursorData, slice_of};
use delta_core::{Cursor, Event, LogEvent, LogName, Position};

use super::invariant::Invariant;
use crate::history::{Actor, Entry, Last, What};

/// Every event reaches every consumer, in the order of the log: none is skipped, and none is handled again but by a run that
/// begins anew from the cursor as it was stored. No cursor passes what is not handled.
///
/// It is about consumers of Delta's own log without a filter that keep the log's order, or that of each slice. Where a history
/// has no entries of the log, it is held against what the log has at the end.
#[derive(Debug, Default)]
pub struct ConsumedOnce {
    /// The slice of each event.
    log: BTreeMap<Position, u16>,
    consumers: BTreeMap<String, Consumer>,
    runs: BTreeMap<(Actor, String), Run>,
    is_calm: bool,
}

#[derive(Debug, Default)]
struct Consumer {
    slice: Option<u16>,
    /// Up to where it has handled everything that is its business: not what was before it began, or was set to.
    clear: Option<Position>,
    /// Where its cursor has stood.
    stored: Vec<Position>,
    /// What it has handled, or passed over on purpose.
    handled: BTreeSet<Position>,
    /// What it has passed over on purpose.
    passed: BTreeSet<Position>,
}

/// What one process has handled for a consumer.
#[derive(Debug, Default)]
struct Run {
    last: Option<Position>,
    /// How many places the cursor had stood at then.
    stored: usize,
}

impl Consumer {
    fn named(name: &str) -> Self {
        Self { slice: name.rsplit_once('/').and_then(|(_, slice)| slice.parse().ok()), ..Self::default() }
    }

    fn next(&self, log: &BTreeMap<Position, u16>, after: Position) -> Option<Position> {
        let mut later = log.range((Bound::Excluded(after), Bound::Unbounded));
        later.find(|(_, slice)| self.slice.is_none_or(|mine| mine == **slice)).map(|(position, _)| *position)
    }

    /// Whether one event is the next after a position, but for what is passed over on purpose.
    fn follows(&self, log: &BTreeMap<Position, u16>, after: Position, position: Position) -> bool {
        let mut at = after;
        while let Some(next) = self.next(log, at).filter(|next| *next <= position) {
            if next == position {
                return true;
            }
            if !self.passed.contains(&next) {
                return false;
            }
            at = next;
        }
        false
    }

    /// The first event up to a position that it has neither handled nor passed over.
    fn missed(&mut self, log: &BTreeMap<Position, u16>, up_to: Position) -> Option<Position> {
        loop {
            let next = self.next(log, self.clear?).filter(|next| *next <= up_to)?;
            if !self.handled.contains(&next) {
                return Some(next);
            }
            self.clear = Some(next);
        }
    }
}

impl ConsumedOnce {
    fn consumer(&mut self, name: &str) -> &mut Consumer {
        self.consumers.entry(name.to_owned()).or_insert_with(|| Consumer::named(name))
    }

    fn consumed(&mut self, actor: &Actor, name: &str, position: Position) -> Result<(), String> {
        self.consumer(name);
        let Some(consumer) = self.consumers.get_mut(name) else { return Ok(()) };
        let run = self.runs.entry((actor.clone(), name.to_owned())).or_default();
        let last = run.last.replace(position);
        let since = std::mem::replace(&mut run.stored, consumer.stored.len()).saturating_sub(1);
        consumer.handled.insert(position);
        if self.log.is_empty() {
            let forwards = last.is_none_or(|last| last < position);
            return if forwards {
                Ok(())
            } else {
                Err(format!("expected {name} to go on after {last:?}, found {position}"))
            };
        }
        if !self.log.contains_key(&position) {
            return Err(format!("expected {name} to handle events of the log, found {position}, which is none"));
        }
        // It goes on, or begins anew where its cursor has stood meanwhile.
        let places =
            if last.is_some() { &consumer.stored[since.min(consumer.stored.len())..] } else { &consumer.stored };
        let mut from = last.into_iter().chain(places.iter().rev().copied());
        if from.any(|after| consumer.follows(&self.log, after, position)) || (last.is_none() && places.is_empty()) {
            return Ok(());
        }
        let expected = last.and_then(|last| consumer.next(&self.log, last));
        let stands = consumer.stored.last();
        Err(format!(
            "expected {name} of {actor} to handle {expected:?} after {last:?}, or what follows its cursor, {stands:?}, found {position}"
        ))
    }

    fn stands(&mut self, cursor: &Cursor) -> Result<(), String> {
        let Some(name) = consumer_of(cursor) else { return Ok(()) };
        let data = cursor.data.as_deref().and_then(|data| serde_json::from_str::<CursorData>(data).ok());
        let Some(position) = cursor.position.as_deref().and_then(|position| position.parse().ok()) else {
            return Ok(());
        };
        let consumer = self.consumer(&name);
        for skipped in data.into_iter().flat_map(|data| data.skip) {
            consumer.handled.insert(skipped);
            consumer.passed.insert(skipped);
        }
        consumer.clear.get_or_insert(position);
        if consumer.stored.last() != Some(&position) {
            consumer.stored.push(position);
        }
        match self.consumers.get_mut(&name).and_then(|consumer| consumer.missed(&self.log, position)) {
            None => Ok(()),
            Some(missed) => Err(format!(
                "expected the cursor of {name} to stay before {missed}, which is not handled, found it at {position}"
            )),
        }
    }
}

/// The name in a history of the consumer, or the slice of one, that a cursor of Delta's own log belongs to.
pub(super) fn consumer_of(cursor: &Cursor) -> Option<String> {
    let ConsumerCursor { log, consumer, slice } = ConsumerCursor::parse(&cursor.name)?;
    let name = slice.map_or_else(|| consumer.clone(), |slice| format!("{consumer}/{slice:04}"));
    (log == LogName::own().as_str()).then_some(name)
}

fn slice(event: &Event) -> u16 {
    slice_of(&event.key())
}

impl Invariant for ConsumedOnce {
    fn name(&self) -> &'static str {
        "every consumer handles every event in order"
    }

    fn see(&mut self, entry: &Entry) -> Result<(), String> {
        match &entry.what {
            What::Appended(event) => {
                self.log.insert(event.position, slice(event));
                Ok(())
            }
            What::Cursor { after: Some(cursor), .. } => self.stands(cursor),
            What::Cursor { before: Some(cursor), after: None } => {
                if let Some(name) = consumer_of(cursor) {
                    self.consumers.remove(&name);
                }
                Ok(())
            }
            What::ConsumeFrom { consumer, after } => {
                let known = self.consumer(consumer);
                known.clear.get_or_insert(*after);
                let (stored, is_stored) = (known.stored.len(), known.stored.contains(after));
                self.runs.insert((entry.actor.clone(), consumer.clone()), Run { last: Some(*after), stored });
                if stored == 0 || is_stored {
                    return Ok(());
                }
                Err(format!("expected {consumer} to begin where its cursor stands, found it to begin after {after}"))
            }
            What::Consumed { consumer, position } => self.consumed(&entry.actor, consumer, *position),
            What::PassedOver { consumer, position } => {
                let consumer = self.consumer(consumer);
                consumer.handled.insert(*position);
                consumer.passed.insert(*position);
                Ok(())
            }
            What::Reset { consumer, after } => {
                let consumer = self.consumer(consumer);
                consumer.clear = Some(*after);
                consumer.stored.push(*after);
                Ok(())
            }
            What::Calm => {
                self.is_calm = true;
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn end(&mut self, last: &Last) -> Result<(), String> {
        if !self.log.is_empty() && !self.is_calm {
            return Ok(());
        }
        let log: BTreeMap<Position, u16> = last.log.iter().map(|event| (event.position, slice(event))).collect();
        let end = log.last_key_value().map_or(Position::START, |(end, _)| *end);
        for (name, consumer) in &mut self.consumers {
            if let Some(missed) = consumer.missed(&log, end) {
                return Err(format!(
                    "expected {name} to have handled all up to {end}, found that it has not handled {missed}"
                ));
            }
        }
        Ok(())
    }
}
