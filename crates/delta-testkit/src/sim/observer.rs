use std::future::Future;

use delta_core::{
    Access, Browse, Cursor, CursorQuery, Depth, EventFilter, EventQuery, Filter, ListQuery, Position, Resource,
    ResourceId, Result, ScopeRecord, Store,
};
use delta_store_memory::MemoryStore;
use futures::FutureExt as _;

use crate::history::What;

/// What to look at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Look {
    /// The log, and everything only if there is something new in it.
    Log,
    /// Everything.
    All,
}

/// Sees what changes in a store in memory, from one look to the next.
#[derive(Debug, Default)]
pub(super) struct Observer {
    /// Each in the order of its ids or names.
    rows: Vec<Resource>,
    cursors: Vec<Cursor>,
    scopes: Vec<ScopeRecord>,
    position: Position,
}

impl Observer {
    /// What has changed since the last look: rows by id, then events, then cursors and scopes by name.
    pub(super) fn look(&mut self, memory: &MemoryStore, look: Look) -> Vec<What> {
        let mut conn = read(memory.acquire(Access::Read));
        let mut seen = Vec::new();
        let query = EventQuery { after: self.position, limit: u32::MAX, filter: EventFilter::default() };
        let page = read(memory.events(&mut conn, &query));
        self.position = page.next;
        let all = look == Look::All || !page.events.is_empty();
        if all {
            let (filter, after) = (Filter::default(), ResourceId::default());
            let query = ListQuery { filter, after, limit: u32::MAX, depth: Depth::Full };
            let rows = read(memory.list(&mut conn, &query));
            changed(
                &mut self.rows,
                rows,
                |row| &row.id,
                |before, after| {
                    seen.push(What::Row { before: before.map(Box::new), after: after.map(Box::new) });
                },
            );
        }
        seen.extend(page.events.into_iter().map(|event| What::Appended(Box::new(event))));
        if all {
            let cursors = read(memory.cursors(&mut conn, &CursorQuery::Prefix(String::new())));
            changed(
                &mut self.cursors,
                cursors,
                |cursor| &cursor.name,
                |before, after| {
                    seen.push(What::Cursor { before: before.map(Box::new), after: after.map(Box::new) });
                },
            );
            let scopes = read(memory.scopes(&mut conn));
            changed(
                &mut self.scopes,
                scopes,
                |record| &record.scope,
                |before, after| {
                    seen.extend(
                        after.map(|after| What::Scope { before: before.map(Box::new), after: Box::new(after) }),
                    );
                },
            );
        }
        seen
    }
}

/// Tells what is in one of the two, or differs, by key, and keeps the later ones.
fn changed<K: Ord, V: Clone + PartialEq>(
    before: &mut Vec<V>,
    mut after: Vec<V>,
    key: impl Fn(&V) -> &K,
    mut tell: impl FnMut(Option<V>, Option<V>),
) {
    if !after.is_sorted_by(|one, next| key(one) < key(next)) {
        after.sort_by(|one, other| key(one).cmp(key(other)));
    }
    let mut old = std::mem::take(before).into_iter().peekable();
    for new in &after {
        while let Some(gone) = old.next_if(|old| key(old) < key(new)) {
            tell(Some(gone), None);
        }
        let same = old.next_if(|old| key(old) == key(new));
        if same.as_ref() != Some(new) {
            tell(same, Some(new.clone()));
        }
    }
    old.for_each(|gone| tell(Some(gone), None));
    *before = after;
}

/// Reads from the store in memory, which never waits for that.
pub(super) fn read<T>(answer: impl Future<Output = Result<T>>) -> T {
    match answer.now_or_never() {
        Some(Ok(read)) => read,
        Some(Err(error)) => panic!("expected the store in memory to be read, found: {error}"),
        None => panic!("expected the store in memory to answer at once, found that it waits"),
    }
}
