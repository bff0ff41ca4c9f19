use std::collections::{BTreeMap, BTreeSet};

use delta_core::{Cursor, Event, Key, Lane, Resource, ResourceId, Scope, ScopeRecord, Timestamp};

use crate::lock::{Locks, TxId};
use crate::log::Log;
use crate::tables::Tables;
use crate::workspace::Workspace;

/// What is committed, and who holds which part of it.
#[derive(Debug, Default)]
pub(crate) struct Database {
    pub(crate) rows: BTreeMap<ResourceId, Resource>,
    pub(crate) keys: BTreeMap<Key, ResourceId>,
    pub(crate) cursors: BTreeMap<String, Cursor>,
    /// Every kind and namespace that a resource was ever stored of, and those written by themselves.
    pub(crate) scopes: BTreeMap<Scope, ScopeRecord>,
    pub(crate) log: Log<Event>,
    pub(crate) tables: Tables,
    pub(crate) locks: Locks,
    last_id: i64,
    last_tx: u64,
}

impl Database {
    /// Starts a transaction.
    pub(crate) fn begin(&mut self, since: Timestamp) -> Workspace {
        self.last_tx += 1;
        Workspace::new(TxId(self.last_tx), since)
    }

    /// Gives out an id. A rolled-back insert wastes it.
    pub(crate) fn next_id(&mut self) -> ResourceId {
        self.last_id += 1;
        ResourceId::new(self.last_id)
    }

    /// The last id given out.
    pub(crate) fn last_id(&self) -> ResourceId {
        ResourceId::new(self.last_id)
    }

    /// Counts all ids up to this one as given out.
    pub(crate) fn raise_id(&mut self, id: ResourceId) {
        self.last_id = self.last_id.max(id.get());
    }

    /// Ends a transaction and keeps its work. Returns the lanes to wake.
    pub(crate) fn merge(&mut self, work: Workspace) -> BTreeSet<Lane> {
        for (id, row) in work.rows {
            match row {
                Some(row) => self.rows.insert(id, row),
                None => self.rows.remove(&id),
            };
        }
        for (key, id) in work.keys {
            match id {
                Some(id) => self.keys.insert(key, id),
                None => self.keys.remove(&key),
            };
        }
        for (name, cursor) in work.cursors {
            match cursor {
                Some(cursor) => self.cursors.insert(name, cursor),
                None => self.cursors.remove(&name),
            };
        }
        self.scopes.extend(work.scopes);
        self.log.end(work.tx, work.events);
        let mut table_events = work.table_events;
        for (name, log) in self.tables.logs_mut() {
            log.end(work.tx, table_events.remove(name).unwrap_or_default());
        }
        for (log, positions) in work.trimmed {
            if log.is_own() {
                self.log.remove(positions);
            } else if let Some(log) = self.tables.log_mut(log.as_str()) {
                log.remove(positions);
            }
        }
        for ((table, consumer), position) in work.table_cursors {
            self.tables.put_cursor(&table, consumer, position);
        }
        for ((table, _), letter) in work.letters {
            self.tables.put_letter(&table, letter);
        }
        self.locks.release(work.tx);
        work.wake
    }

    /// Ends a transaction and forgets its work.
    pub(crate) fn forget(&mut self, tx: TxId) {
        self.log.end(tx, Vec::new());
        for (_, log) in self.tables.logs_mut() {
            log.end(tx, Vec::new());
        }
        self.locks.release(tx);
    }
}
