use std::collections::{BTreeMap, BTreeSet};

use delta_core::{
    Cursor, CursorTable, DeadLetter, ErrorTable, Event, Key, Lane, LogName, Position, Resource, ResourceId, Result,
    Scope, ScopeRecord,
};

use crate::database::Database;
use crate::log::Log;
use crate::tables::Tables;
use crate::workspace::Workspace;

/// What a connection sees: what is committed, and its own transaction's work over it.
#[derive(Clone, Copy)]
pub(crate) struct View<'a> {
    database: &'a Database,
    work: Option<&'a Workspace>,
}

impl<'a> View<'a> {
    pub(crate) fn new(database: &'a Database, work: Option<&'a Workspace>) -> Self {
        Self { database, work }
    }

    pub(crate) fn row(self, id: ResourceId) -> Option<&'a Resource> {
        match self.work.and_then(|work| work.rows.get(&id)) {
            Some(written) => written.as_ref(),
            None => self.database.rows.get(&id),
        }
    }

    pub(crate) fn id_of(self, key: &Key) -> Option<ResourceId> {
        match self.work.and_then(|work| work.keys.get(key)) {
            Some(written) => *written,
            None => self.database.keys.get(key).copied(),
        }
    }

    /// All rows by id.
    pub(crate) fn rows(self) -> impl Iterator<Item = &'a Resource> {
        let written = self.work.map(|work| &work.rows);
        let committed = self.database.rows.values();
        let untouched = committed.filter(move |row| written.is_none_or(|written| !written.contains_key(&row.id)));
        let mut own = written.into_iter().flat_map(BTreeMap::values).flatten().peekable();
        let mut untouched = untouched.peekable();
        std::iter::from_fn(move || match (own.peek(), untouched.peek()) {
            (Some(one), Some(other)) if one.id < other.id => own.next(),
            (_, Some(_)) => untouched.next(),
            (_, None) => own.next(),
        })
    }

    pub(crate) fn cursor(self, name: &str) -> Option<&'a Cursor> {
        match self.work.and_then(|work| work.cursors.get(name)) {
            Some(written) => written.as_ref(),
            None => self.database.cursors.get(name),
        }
    }

    /// All cursors by name.
    pub(crate) fn cursors(self) -> impl Iterator<Item = &'a Cursor> {
        let own = self.work.into_iter().flat_map(|work| &work.cursors);
        let own = own.map(|(name, cursor)| (name, cursor.as_ref()));
        let committed = self.database.cursors.iter().map(|(name, cursor)| (name, Some(cursor)));
        // A later entry of one name takes the place of the earlier one.
        let names: BTreeMap<&String, Option<&Cursor>> = committed.chain(own).collect();
        names.into_values().flatten()
    }

    pub(crate) fn scope(self, scope: &Scope) -> Option<&'a ScopeRecord> {
        self.work.and_then(|work| work.scopes.get(scope)).or_else(|| self.database.scopes.get(scope))
    }

    /// All kinds and then all namespaces, by name.
    pub(crate) fn scopes(self) -> impl Iterator<Item = &'a ScopeRecord> {
        let own = self.work.into_iter().flat_map(|work| &work.scopes);
        let all: BTreeMap<&Scope, &ScopeRecord> = self.database.scopes.iter().chain(own).collect();
        all.into_values()
    }

    pub(crate) fn log(self) -> &'a Log<Event> {
        &self.database.log
    }

    pub(crate) fn tables(self) -> &'a Tables {
        &self.database.tables
    }

    /// What the connection's own transaction has removed from a log.
    pub(crate) fn trimmed(self, log: &LogName) -> Option<&'a BTreeSet<Position>> {
        self.work.and_then(|work| work.trimmed.get(log))
    }

    pub(crate) fn table_cursor(self, table: &CursorTable, consumer: &str) -> Result<Option<Position>> {
        let committed = self.database.tables.cursors(table)?.get(consumer);
        let own = self.work.and_then(|work| work.table_cursors.get(&(table.name().to_owned(), consumer.to_owned())));
        Ok(own.or(committed).copied())
    }

    /// All dead letters of a table by id.
    pub(crate) fn letters(self, table: &ErrorTable) -> Result<BTreeMap<i64, &'a DeadLetter>> {
        let mut letters: BTreeMap<i64, &DeadLetter> =
            self.database.tables.letters(table)?.iter().map(|(id, letter)| (*id, letter)).collect();
        let own = self.work.into_iter().flat_map(|work| &work.letters);
        letters.extend(own.filter(|((name, _), _)| name == table.name()).map(|((_, id), letter)| (*id, letter)));
        Ok(letters)
    }

    /// Whether a lane's kind or namespace is paused.
    pub(crate) fn is_paused(self, lane: &Lane) -> bool {
        [Scope::Kind(lane.kind.clone()), Scope::Namespace(lane.namespace.clone())]
            .iter()
            .any(|scope| self.scope(scope).is_some_and(|record| record.paused))
    }
}
