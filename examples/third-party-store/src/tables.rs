use std::ops::RangeInclusive;

use delta_core::{Desired, Due, Key, Lane, Resource, Scope, State, Timestamp};
use redb::{ReadTransaction, ReadableTable, TableDefinition, Value, WriteTransaction};

use crate::errors::Result;

/// Every row, by id.
pub(crate) const ROWS: TableDefinition<i64, &[u8]> = TableDefinition::new("rows");
/// The ids of rows by namespace, kind and object id, which are compared byte by byte.
pub(crate) const KEYS: TableDefinition<ObjectKey, i64> = TableDefinition::new("keys");
/// What may be claimed, in the order of claims.
pub(crate) const CLAIMABLE: TableDefinition<ClaimKey, ()> = TableDefinition::new("claimable");
/// What maintenance asks for, the longest due first.
pub(crate) const DUE: TableDefinition<DueKey, ()> = TableDefinition::new("due");
/// The log, by position.
pub(crate) const EVENTS: TableDefinition<i64, &[u8]> = TableDefinition::new("events");
/// The cursors, by name.
pub(crate) const CURSORS: TableDefinition<&str, &[u8]> = TableDefinition::new("cursors");
/// Kinds and then namespaces, by name.
pub(crate) const SCOPES: TableDefinition<ScopeKey, &[u8]> = TableDefinition::new("scopes");
/// The last id and the last position given out, and the version of all these tables.
pub(crate) const NUMBERS: TableDefinition<&str, i64> = TableDefinition::new("numbers");

/// Namespace, kind, object id.
pub(crate) type ObjectKey<'a> = (&'a str, &'a str, &'a str);
/// Namespace, kind, priority, `run_at`, id.
pub(crate) type ClaimKey<'a> = (&'a str, &'a str, u8, i64, i64);
/// What it is due for, since when, id.
pub(crate) type DueKey = (u8, i64, i64);
/// Kind or namespace, name.
pub(crate) type ScopeKey<'a> = (u8, &'a str);

pub(crate) fn object_key(key: &Key) -> ObjectKey<'_> {
    (key.namespace.as_str(), key.kind.as_str(), key.object_id.as_str())
}

pub(crate) fn scope_key(scope: &Scope) -> ScopeKey<'_> {
    match scope {
        Scope::Kind(name) => (0, name.as_str()),
        Scope::Namespace(name) => (1, name.as_str()),
    }
}

/// Where a row stands among what may be claimed, if it does.
pub(crate) fn claim_key(row: &Resource) -> Option<ClaimKey<'_>> {
    let run_at = row.run_at.filter(|_| row.state.is_claimable() && !row.paused)?;
    let (namespace, kind, _) = object_key(&row.key);
    Some((namespace, kind, row.priority.get(), run_at.as_micros(), row.id.get()))
}

/// What may be claimed now of one lane and priority.
pub(crate) fn claim_range(lane: &Lane, priority: u8, now: Timestamp) -> RangeInclusive<ClaimKey<'_>> {
    let (namespace, kind) = (lane.namespace.as_str(), lane.kind.as_str());
    (namespace, kind, priority, i64::MIN, i64::MIN)..=(namespace, kind, priority, now.as_micros(), i64::MAX)
}

/// The number of a thing to be due for since a time; none if that says nothing about any row.
pub(crate) fn due_for(due: &Due) -> Option<u8> {
    match due {
        Due::Expiry { .. } => Some(0),
        Due::Rescue { .. } => Some(1),
        Due::Purge { state: State::Synced, .. } => Some(2),
        Due::Purge { state: State::Deleted, .. } => Some(3),
        Due::Purge { state: State::Degraded, .. } => Some(4),
        Due::Purge { .. } | Due::Missing { .. } => None,
    }
}

/// Where a row stands among what is due.
pub(crate) fn due_keys(row: &Resource) -> impl Iterator<Item = DueKey> {
    let present = row.desired == Desired::Present;
    let since = match &row.state {
        State::Synced => [(0, row.synced_at), (2, Some(row.state_since))],
        State::Pending => [(1, row.lease.map(|lease| lease.until)), (0, None)],
        State::Deleted => [(3, Some(row.state_since)), (0, None)],
        State::Degraded => [(4, Some(row.state_since).filter(|_| present)), (0, None)],
        _ => [(0, None); 2],
    };
    let id = row.id.get();
    since.into_iter().filter_map(move |(due_for, since)| Some((due_for, since?.as_micros(), id)))
}

/// A transaction to read in: one that only reads, or one that also writes and sees its own work.
pub(crate) trait Source {
    fn table<K: redb::Key + 'static, V: Value + 'static>(
        &self,
        definition: TableDefinition<K, V>,
    ) -> Result<impl ReadableTable<K, V>>;
}

impl Source for ReadTransaction {
    fn table<K: redb::Key + 'static, V: Value + 'static>(
        &self,
        definition: TableDefinition<K, V>,
    ) -> Result<impl ReadableTable<K, V>> {
        Ok(self.open_table(definition)?)
    }
}

impl Source for WriteTransaction {
    fn table<K: redb::Key + 'static, V: Value + 'static>(
        &self,
        definition: TableDefinition<K, V>,
    ) -> Result<impl ReadableTable<K, V>> {
        Ok(self.open_table(definition)?)
    }
}
