use std::collections::BTreeMap;
use std::ops::Bound::{Excluded, Unbounded};

use delta_core::{Event, EventPage, EventQuery, Position, Timestamp};

use crate::lock::TxId;

/// The committed events, and which positions are given out but not yet settled.
#[derive(Debug, Default)]
pub(crate) struct Log {
    events: BTreeMap<Position, Event>,
    last: i64,
    open: BTreeMap<TxId, Appender>,
}

/// An open transaction that has appended.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Appender {
    pub(crate) first: Position,
    pub(crate) since: Timestamp,
}

impl Log {
    /// Gives out the next position, and holds readers below it until the transaction ends.
    pub(crate) fn give_out(&mut self, tx: TxId, since: Timestamp) -> Position {
        self.last += 1;
        let position = Position::new(self.last);
        self.hold(tx, since, position);
        position
    }

    /// Holds readers below a position until the transaction ends.
    pub(crate) fn hold(&mut self, tx: TxId, since: Timestamp, position: Position) {
        let appender = self.open.entry(tx).or_insert(Appender { first: position, since });
        appender.first = appender.first.min(position);
    }

    /// The last position given out.
    pub(crate) fn last(&self) -> Position {
        Position::new(self.last)
    }

    /// Counts all positions up to this one as given out.
    pub(crate) fn raise(&mut self, position: Position) {
        self.last = self.last.max(position.get());
    }

    pub(crate) fn has(&self, position: Position) -> bool {
        self.events.contains_key(&position)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.events.is_empty()
    }

    /// Ends a transaction with the events that it keeps.
    pub(crate) fn end(&mut self, tx: TxId, events: Vec<Event>) {
        self.open.remove(&tx);
        self.events.extend(events.into_iter().map(|event| (event.position, event)));
    }

    /// The open transactions that have appended, the oldest first.
    pub(crate) fn appenders(&self) -> impl Iterator<Item = (TxId, Appender)> + '_ {
        self.open.iter().map(|(tx, appender)| (*tx, *appender))
    }

    fn head(&self) -> i64 {
        self.open.values().map(|appender| appender.first.get() - 1).min().unwrap_or(self.last)
    }

    pub(crate) fn read(&self, query: &EventQuery) -> EventPage {
        let head = Position::new(self.head());
        let limit = usize::try_from(query.limit).unwrap_or(usize::MAX);
        let mut page = EventPage {
            events: Vec::new(),
            next: query.after.max(head),
            head,
            held_back: u64::try_from(self.last - head.get()).unwrap_or(0),
            gap: None,
        };
        for event in self.events.range((Excluded(query.after), Unbounded)).map(|(_, event)| event) {
            if event.position > head {
                break;
            }
            if page.events.len() == limit {
                page.next = page.events.last().map_or(query.after, |last| last.position);
                break;
            }
            if query.filter.matches(event) {
                page.events.push(event.clone());
            }
        }
        page
    }
}
