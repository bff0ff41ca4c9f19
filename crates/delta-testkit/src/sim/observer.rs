use std::collections::BTreeMap;
use std::future::Future;

use delta_core::{
    Access, Browse, Cursor, CursorQuery, Depth, EventFilter, EventQuery, Filter, ListQuery, Position, Resource,
    ResourceId, Result, Scope, ScopeRecord, Store,
};
use delta_store_memory::MemoryStore;
use futures::FutureExt as _;

use crate::history::What;

/// Sees what changes in a store in memory, from one look to the next.
#[derive(Debug, Default)]
pub(super) struct Observer {
    rows: BTreeMap<ResourceId, Resource>,
    cursors: BTreeMap<String, Cursor>,
    scopes: BTreeMap<Scope, ScopeRecord>,
    position: Position,
}

impl Observer {
    /// What has changed since the last look: rows by id, then events, then cursors and scopes by name.
    pub(super) fn look(&mut self, memory: &MemoryStore) -> Vec<What> {
        let mut conn = read(memory.acquire(Access::Read));
        let mut seen = Vec::new();
        let query =
            ListQuery { filter: Filter::default(), after: ResourceId::default(), limit: u32::MAX, depth: Depth::Full };
        let rows: BTreeMap<_, _> = read(memory.list(&mut conn, &query)).into_iter().map(|row| (row.id, row)).collect();
        for (before, after) in differences(&self.rows, &rows) {
            seen.push(What::Row { before: before.map(Box::new), after: after.map(Box::new) });
        }
        self.rows = rows;
        let query = EventQuery { after: self.position, limit: u32::MAX, filter: EventFilter::default() };
        let page = read(memory.events(&mut conn, &query));
        self.position = page.next;
        seen.extend(page.events.into_iter().map(|event| What::Appended(Box::new(event))));
        let all = CursorQuery::Prefix(String::new());
        let cursors: BTreeMap<_, _> =
            read(memory.cursors(&mut conn, &all)).into_iter().map(|cursor| (cursor.name.clone(), cursor)).collect();
        for (before, after) in differences(&self.cursors, &cursors) {
            seen.push(What::Cursor { before: before.map(Box::new), after: after.map(Box::new) });
        }
        self.cursors = cursors;
        let scopes: BTreeMap<_, _> =
            read(memory.scopes(&mut conn)).into_iter().map(|record| (record.scope.clone(), record)).collect();
        for (before, after) in differences(&self.scopes, &scopes) {
            seen.extend(after.map(|after| What::Scope { before: before.map(Box::new), after: Box::new(after) }));
        }
        self.scopes = scopes;
        seen
    }
}

/// What is in one of the two, or differs, by key.
fn differences<K: Ord, V: Clone + PartialEq>(
    before: &BTreeMap<K, V>,
    after: &BTreeMap<K, V>,
) -> Vec<(Option<V>, Option<V>)> {
    let changed = before.iter().filter(|(key, value)| after.get(key) != Some(value));
    let new = after.iter().filter(|(key, _)| !before.contains_key(key));
    let mut all: BTreeMap<&K, (Option<V>, Option<V>)> = BTreeMap::new();
    all.extend(changed.map(|(key, value)| (key, (Some(value.clone()), after.get(key).cloned()))));
    all.extend(new.map(|(key, value)| (key, (None, Some(value.clone())))));
    all.into_values().collect()
}

/// Reads from the store in memory, which never waits for that.
pub(super) fn read<T>(answer: impl Future<Output = Result<T>>) -> T {
    match answer.now_or_never() {
        Some(Ok(read)) => read,
        Some(Err(error)) => panic!("expected the store in memory to be read, found: {error}"),
        None => panic!("expected the store in memory to answer at once, found that it waits"),
    }
}
