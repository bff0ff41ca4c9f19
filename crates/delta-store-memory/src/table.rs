use std::collections::BTreeMap;

use delta_core::{CursorTable, CursorType, DeadLetter, ErrorTable, EventTable, ForeignIdType, Position, TableEvent};

use crate::log::Log;

/// A table of an application's: what it was made as, and what is committed in it.
#[derive(Debug)]
pub(crate) struct Table {
    shape: Shape,
    pub(crate) content: Content,
}

#[derive(Debug)]
pub(crate) enum Content {
    Events(Log<TableEvent>),
    /// By consumer.
    Cursors(BTreeMap<String, Position>),
    Errors {
        letters: BTreeMap<i64, DeadLetter>,
        last_id: i64,
    },
}

/// What a table is for, and its columns with what they hold, the unique one first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Shape {
    of: &'static str,
    columns: Vec<(String, &'static str)>,
}

impl Shape {
    pub(crate) fn of_events(table: &EventTable) -> Self {
        let names = table.columns();
        let foreign_id = match table.foreign_id_type() {
            ForeignIdType::Text => "text",
            ForeignIdType::Int => "integer",
        };
        let required =
            [(&names.id, "id"), (&names.foreign_id, foreign_id), (&names.kind, "integer"), (&names.at, "time")];
        let optional = [(&names.metadata, "bytes"), (&names.trace, "text")];
        Self::new("events", required, optional)
    }

    pub(crate) fn of_cursors(table: &CursorTable) -> Self {
        let names = table.columns();
        let position = match table.cursor_type() {
            CursorType::Int => "integer",
            CursorType::Text => "text",
        };
        Self::new("cursors", [(&names.id, "name"), (&names.position, position), (&names.updated_at, "time")], [])
    }

    pub(crate) fn of_errors(table: &ErrorTable) -> Self {
        let names = table.columns();
        let required = [
            (&names.id, "id"),
            (&names.consumer, "text"),
            (&names.position, "integer"),
            (&names.message, "text"),
            (&names.created_at, "time"),
            (&names.updated_at, "time"),
            (&names.status, "integer"),
        ];
        let optional = [(&names.log, "text"), (&names.event, "text"), (&names.attempts, "integer")];
        Self::new("errors", required, optional)
    }

    fn new<'a>(
        of: &'static str,
        required: impl IntoIterator<Item = (&'a String, &'static str)>,
        optional: impl IntoIterator<Item = (&'a Option<String>, &'static str)>,
    ) -> Self {
        let optional = optional.into_iter().filter_map(|(name, holds)| Some((name.as_ref()?, holds)));
        let columns = required.into_iter().chain(optional).map(|(name, holds)| (name.clone(), holds)).collect();
        Self { of, columns }
    }
}

impl Table {
    pub(crate) fn new(shape: Shape, content: Content) -> Self {
        Self { shape, content }
    }

    /// What is wrong with it, if it is to be used so.
    pub(crate) fn fault(&self, name: &str, wanted: &Shape) -> Option<String> {
        if self.shape.of != wanted.of {
            return Some(format!("expected {name} to be a table of {}, found one of {}", wanted.of, self.shape.of));
        }
        wanted.columns.iter().find_map(|(column, holds)| {
            let found = self.shape.columns.iter().find(|(found, _)| found.eq_ignore_ascii_case(column));
            match found {
                Some((_, found)) if found == holds => None,
                Some((_, found)) => Some(format!("expected column {column} of {name} to hold {holds}, found {found}")),
                None => Some(format!("expected column {column} ({holds}) in {name}, found none")),
            }
        })
    }
}
