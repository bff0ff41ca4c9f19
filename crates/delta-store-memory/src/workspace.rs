use std::collections::{BTreeMap, BTreeSet};

use delta_core::{
    Cursor, DeadLetter, Event, Key, Lane, LogName, Position, Resource, ResourceId, Scope, ScopeRecord, TableEvent,
    Timestamp,
};

use crate::lock::TxId;

/// What an open transaction has written: laid over the database in its own reads, merged into it when it commits.
#[derive(Debug)]
pub(crate) struct Workspace {
    pub(crate) tx: TxId,
    pub(crate) since: Timestamp,
    /// `None` is a removed row.
    pub(crate) rows: BTreeMap<ResourceId, Option<Resource>>,
    /// `None` is the key of a removed row.
    pub(crate) keys: BTreeMap<Key, Option<ResourceId>>,
    /// `None` is a removed cursor.
    pub(crate) cursors: BTreeMap<String, Option<Cursor>>,
    pub(crate) scopes: BTreeMap<Scope, ScopeRecord>,
    pub(crate) events: Vec<Event>,
    /// By the name of their table.
    pub(crate) table_events: BTreeMap<String, Vec<TableEvent>>,
    /// What was removed from logs.
    pub(crate) trimmed: BTreeMap<LogName, BTreeSet<Position>>,
    /// By table and consumer.
    pub(crate) table_cursors: BTreeMap<(String, String), Position>,
    /// By table and id.
    pub(crate) letters: BTreeMap<(String, i64), DeadLetter>,
    /// The lanes whose wake-ups leave with the commit.
    pub(crate) wake: BTreeSet<Lane>,
}

impl Workspace {
    pub(crate) fn new(tx: TxId, since: Timestamp) -> Self {
        Self {
            tx,
            since,
            rows: BTreeMap::new(),
            keys: BTreeMap::new(),
            cursors: BTreeMap::new(),
            scopes: BTreeMap::new(),
            events: Vec::new(),
            table_events: BTreeMap::new(),
            trimmed: BTreeMap::new(),
            table_cursors: BTreeMap::new(),
            letters: BTreeMap::new(),
            wake: BTreeSet::new(),
        }
    }

    /// Writes a row, new or not.
    pub(crate) fn put(&mut self, row: Resource) {
        self.keys.insert(row.key.clone(), Some(row.id));
        self.rows.insert(row.id, Some(row));
    }

    /// Removes a row.
    pub(crate) fn remove(&mut self, row: &Resource) {
        self.keys.insert(row.key.clone(), None);
        self.rows.insert(row.id, None);
    }
}
