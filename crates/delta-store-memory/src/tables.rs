use std::collections::BTreeMap;

use delta_core::{
    CursorTable, DeadLetter, Error, ErrorKind, ErrorTable, EventTable, Gap, Gaps, Position, Result, TableEvent,
};

use crate::log::Log;
use crate::table::{Content, Shape, Table};

/// The table of dead letters that every database has.
pub(crate) const DEAD_LETTERS: &str = "delta_dead_letter";

/// The applications' tables, by name.
#[derive(Debug)]
pub(crate) struct Tables(BTreeMap<String, Table>);

impl Default for Tables {
    fn default() -> Self {
        let mut tables = Self(BTreeMap::new());
        let content = Content::Errors { letters: BTreeMap::new(), last_id: 0 };
        tables.create(DEAD_LETTERS, Shape::of_errors(&ErrorTable::own(DEAD_LETTERS)), content);
        tables
    }
}

impl Tables {
    /// Makes a table, unless there is one of this name.
    pub(crate) fn create(&mut self, name: &str, shape: Shape, content: Content) {
        self.0.entry(name.to_owned()).or_insert_with(|| Table::new(shape, content));
    }

    /// The log of an event table that is as it was named.
    pub(crate) fn events(&self, table: &EventTable) -> Result<&Log<TableEvent>> {
        match &self.get(table.name(), &Shape::of_events(table))?.content {
            Content::Events(log) => Ok(log),
            _ => Err(unlike(table.name())),
        }
    }

    pub(crate) fn events_mut(&mut self, table: &EventTable) -> Result<&mut Log<TableEvent>> {
        self.get(table.name(), &Shape::of_events(table))?;
        self.log_mut(table.name()).ok_or_else(|| unlike(table.name()))
    }

    pub(crate) fn log_mut(&mut self, name: &str) -> Option<&mut Log<TableEvent>> {
        match self.0.get_mut(name).map(|table| &mut table.content) {
            Some(Content::Events(log)) => Some(log),
            _ => None,
        }
    }

    /// All event tables.
    pub(crate) fn logs_mut(&mut self) -> impl Iterator<Item = (&str, &mut Log<TableEvent>)> {
        self.0.iter_mut().filter_map(|(name, table)| match &mut table.content {
            Content::Events(log) => Some((name.as_str(), log)),
            _ => None,
        })
    }

    /// The cursors of a table that is as it was named.
    pub(crate) fn cursors(&self, table: &CursorTable) -> Result<&BTreeMap<String, Position>> {
        match &self.get(table.name(), &Shape::of_cursors(table))?.content {
            Content::Cursors(cursors) => Ok(cursors),
            _ => Err(unlike(table.name())),
        }
    }

    /// The dead letters of a table that is as it was named.
    pub(crate) fn letters(&self, table: &ErrorTable) -> Result<&BTreeMap<i64, DeadLetter>> {
        match &self.get(table.name(), &Shape::of_errors(table))?.content {
            Content::Errors { letters, .. } => Ok(letters),
            _ => Err(unlike(table.name())),
        }
    }

    /// Gives out an id of a table of dead letters. A rolled-back insert wastes it.
    pub(crate) fn next_letter(&mut self, table: &ErrorTable) -> Result<i64> {
        match self.0.get_mut(table.name()).map(|table| &mut table.content) {
            Some(Content::Errors { last_id, .. }) => {
                *last_id += 1;
                Ok(*last_id)
            }
            _ => Err(unlike(table.name())),
        }
    }

    pub(crate) fn put_cursor(&mut self, table: &str, consumer: String, position: Position) {
        if let Some(Content::Cursors(cursors)) = self.0.get_mut(table).map(|table| &mut table.content) {
            cursors.insert(consumer, position);
        }
    }

    pub(crate) fn put_letter(&mut self, table: &str, letter: DeadLetter) {
        if let Some(Content::Errors { letters, .. }) = self.0.get_mut(table).map(|table| &mut table.content) {
            letters.insert(letter.id, letter);
        }
    }

    fn get(&self, name: &str, wanted: &Shape) -> Result<&Table> {
        let table = self.0.get(name).ok_or_else(|| unsupported(format!("expected a table {name}, found none")))?;
        match table.fault(name, wanted) {
            None => Ok(table),
            Some(fault) => Err(unsupported(fault)),
        }
    }
}

/// The last position of a table that may be read now by who has read up to one, and the gap that it is before.
pub(crate) fn readable(log: &Log<TableEvent>, table: &EventTable, from: Position) -> (Position, Option<Gap>) {
    let head = log.head();
    if table.gap_rule() == Gaps::Passed {
        return (head, None);
    }
    let (reached, gap) = log.contiguous(from);
    (reached.min(head), gap.filter(|gap| gap.after <= head))
}

fn unlike(name: &str) -> Error {
    unsupported(format!("expected {name} to be a table of another sort"))
}

fn unsupported(what: String) -> Error {
    Error::new(ErrorKind::Unsupported, "use a table", what)
}
