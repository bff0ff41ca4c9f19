use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound::{Excluded, Included, Unbounded};

use delta_core::{Gap, LogEvent, LogHolder, LogPage, Position, Timestamp};

use crate::lock::TxId;

/// The committed events of one log, and which positions are given out but not yet settled.
#[derive(Debug)]
pub(crate) struct Log<E> {
    events: BTreeMap<Position, E>,
    last: i64,
    open: BTreeMap<TxId, Appender>,
}

/// An open transaction that has appended.
#[derive(Clone, Debug)]
struct Appender {
    positions: BTreeSet<Position>,
    since: Timestamp,
}

impl<E> Default for Log<E> {
    fn default() -> Self {
        Self { events: BTreeMap::new(), last: 0, open: BTreeMap::new() }
    }
}

/// How a log is read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reading<'a> {
    pub(crate) after: Position,
    pub(crate) limit: u32,
    /// What the reader's own transaction has trimmed.
    pub(crate) trimmed: Option<&'a BTreeSet<Position>>,
}

impl<E: LogEvent> Log<E> {
    /// Gives out the next position, and holds readers below it until the transaction ends.
    pub(crate) fn give_out(&mut self, tx: TxId, since: Timestamp) -> Position {
        self.last += 1;
        let position = Position::new(self.last);
        self.hold(tx, since, position);
        position
    }

    /// Holds readers below a position until the transaction ends.
    pub(crate) fn hold(&mut self, tx: TxId, since: Timestamp, position: Position) {
        let appender = self.open.entry(tx).or_insert_with(|| Appender { positions: BTreeSet::new(), since });
        appender.positions.insert(position);
    }

    /// The last position given out.
    pub(crate) fn last(&self) -> Position {
        Position::new(self.last)
    }

    /// Counts all positions up to this one as given out.
    pub(crate) fn raise(&mut self, position: Position) {
        self.last = self.last.max(position.get());
    }

    /// Whether an event is committed here.
    pub(crate) fn has(&self, position: Position) -> bool {
        self.events.contains_key(&position)
    }

    /// Whether an open transaction has an event here.
    pub(crate) fn is_held(&self, position: Position) -> bool {
        self.open.values().any(|appender| appender.positions.contains(&position))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.events.is_empty()
    }

    /// Ends a transaction with the events that it keeps.
    pub(crate) fn end(&mut self, tx: TxId, events: Vec<E>) {
        self.open.remove(&tx);
        self.events.extend(events.into_iter().map(|event| (event.position(), event)));
    }

    /// Forgets events for good.
    pub(crate) fn remove(&mut self, positions: BTreeSet<Position>) {
        for position in positions {
            self.events.remove(&position);
        }
    }

    /// The open transactions that have appended, the oldest first.
    pub(crate) fn holders(&self, now: Timestamp) -> Vec<LogHolder> {
        let holder = |(tx, appender): (&TxId, &Appender)| LogHolder {
            session: format!("transaction {}", tx.0),
            age: now.since(appender.since),
            statement: String::new(),
            activity: "open, and has appended events".to_owned(),
        };
        self.open.iter().map(holder).collect()
    }

    /// The last position that may be read now.
    pub(crate) fn head(&self) -> Position {
        let first_held = self.open.values().filter_map(|appender| appender.positions.first()).min();
        first_held.map_or(self.last(), |position| Position::new(position.get() - 1))
    }

    /// How far committed events follow a position one by one, and the gap that ends that, if the log goes on behind it.
    pub(crate) fn contiguous(&self, after: Position) -> (Position, Option<Gap>) {
        let mut previous = after;
        for position in self.events.range((Excluded(after), Unbounded)).map(|(position, _)| *position) {
            if position.get() != previous.get() + 1 {
                return (previous, Some(Gap { after: previous, before: position }));
            }
            previous = position;
        }
        (previous, None)
    }

    /// The committed positions up to one, the lowest first.
    pub(crate) fn up_to(&self, position: Position) -> impl Iterator<Item = Position> + '_ {
        self.events.range((Unbounded, Included(position))).map(|(position, _)| *position)
    }

    /// Reads up to the head, or up to a lower one.
    pub(crate) fn read(&self, reading: Reading<'_>, head: Position, passes: impl Fn(&E) -> bool) -> LogPage<E> {
        let Reading { after, limit, trimmed } = reading;
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let mut page = LogPage {
            events: Vec::new(),
            next: after.max(head),
            head,
            held_back: u64::try_from(self.last - head.get()).unwrap_or(0),
            gap: None,
        };
        for (position, event) in self.events.range((Excluded(after), Unbounded)) {
            if *position > head {
                break;
            }
            if page.events.len() == limit {
                page.next = page.events.last().map_or(after, LogEvent::position);
                break;
            }
            if trimmed.is_none_or(|trimmed| !trimmed.contains(position)) && passes(event) {
                page.events.push(event.clone());
            }
        }
        page
    }
}
