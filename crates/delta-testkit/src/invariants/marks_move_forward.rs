use std::collections::BTreeMap;

use delta_core::plan::schedule::{InformCursor, high_water};
use delta_core::{Cursor, Position, TRIM_PREFIX};

use super::consumed_once::consumer_of;
use super::invariant::Invariant;
use crate::history::{Entry, What};

/// High-water marks of informers and marks of trimming never go back, nor go away; a consumer's cursor goes back only where
/// somebody sets it.
#[derive(Debug, Default)]
pub struct MarksMoveForward {
    /// Where consumers were set to, and have not gone yet.
    set: BTreeMap<String, Position>,
}

impl Invariant for MarksMoveForward {
    fn name(&self) -> &'static str {
        "marks and cursors never go back by themselves"
    }

    fn see(&mut self, entry: &Entry) -> Result<(), String> {
        let (before, after) = match &entry.what {
            What::Reset { consumer, after } => {
                self.set.insert(consumer.clone(), *after);
                return Ok(());
            }
            What::Cursor { before: Some(before), after } => (before, after.as_deref()),
            _ => return Ok(()),
        };
        let place = |cursor: &Cursor| {
            let is_mark = matches!(InformCursor::parse(&cursor.name), Some(InformCursor::Mark(..)));
            let mark = if is_mark { high_water(cursor).map(delta_core::Timestamp::as_micros) } else { None };
            mark.or_else(|| position(cursor).map(Position::get))
        };
        let Some(stood) = place(before) else { return Ok(()) };
        let stands = after.and_then(place);
        if let Some(name) = consumer_of(before) {
            let set = self.set.remove(&name).map(Position::get);
            if after.is_none() || set.is_some_and(|set| stands == Some(set)) {
                return Ok(());
            }
        }
        if stands.is_some_and(|stands| stands >= stood) {
            return Ok(());
        }
        Err(format!("expected {} to stay at {stood} or go on, found it at {stands:?}", before.name))
    }
}

/// The place in a log that a cursor names.
fn position(cursor: &Cursor) -> Option<Position> {
    let is_place = cursor.name.starts_with(TRIM_PREFIX) || consumer_of(cursor).is_some();
    cursor.position.as_deref().filter(|_| is_place)?.parse().ok()
}
