use std::collections::BTreeMap;
use std::ops::Bound::{Excluded, Unbounded};

use delta_core::{Event, EventFilter, EventPage, EventQuery, Names, Position, Scope, Subject, Timestamp};

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
        self.open.entry(tx).or_insert(Appender { first: position, since });
        position
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
        };
        for event in self.events.range((Excluded(query.after), Unbounded)).map(|(_, event)| event) {
            if event.position > head {
                break;
            }
            if page.events.len() == limit {
                page.next = page.events.last().map_or(query.after, |last| last.position);
                break;
            }
            if fits(&query.filter, event) {
                page.events.push(event.clone());
            }
        }
        page
    }
}

fn fits(filter: &EventFilter, event: &Event) -> bool {
    let any = |names: &Names| *names == Names::All;
    let kind_fits = filter.event_kinds.as_ref().is_none_or(|kinds| kinds.contains(event.kind.as_str()));
    kind_fits
        && match &event.subject {
            Subject::Resource { id, key, .. } => {
                filter.namespaces.contains(&key.namespace)
                    && filter.kinds.contains(&key.kind)
                    && filter.resource.is_none_or(|wanted| wanted == *id)
            }
            Subject::Scope(Scope::Kind(kind)) => {
                filter.kinds.contains(kind) && any(&filter.namespaces) && filter.resource.is_none()
            }
            Subject::Scope(Scope::Namespace(namespace)) => {
                filter.namespaces.contains(namespace) && any(&filter.kinds) && filter.resource.is_none()
            }
        }
}
