use std::collections::BTreeSet;

use delta_core::{
    Cursor, CursorQuery, Depth, Due, DueQuery, Event, EventPage, EventQuery, Filter, Lane, LaneQuery, ListQuery, Load,
    LoadBy, Name, Position, Resource, ResourceId, Scope, ScopeRecord, StateCount, Timestamp,
};
use redb::ReadableTable;
use serde::de::DeserializeOwned;

use crate::errors::{Failure, Result};
use crate::tables::{
    CLAIMABLE, CURSORS, ClaimKey, DUE, EVENTS, KEYS, NUMBERS, ROWS, SCOPES, ScopeKey, Source, claim_range, due_for,
    object_key, scope_key,
};

/// A question, with its answer from any transaction.
pub(crate) trait Read {
    type Answer;
    fn read(&self, from: &impl Source) -> Result<Self::Answer>;
}

impl Read for Load {
    type Answer = Vec<Resource>;

    fn read(&self, from: &impl Source) -> Result<Vec<Resource>> {
        let ids: BTreeSet<i64> = match &self.by {
            LoadBy::Ids(ids) => ids.iter().map(|id| id.get()).collect(),
            LoadBy::Keys(keys) => {
                let table = from.table(KEYS)?;
                let found = keys.iter().map(|key| Ok(table.get(object_key(key))?.map(|id| id.value())));
                found.filter_map(Result::transpose).collect::<Result<_>>()?
            }
        };
        let rows = from.table(ROWS)?;
        let found = ids.into_iter().filter_map(|id| find(&rows, id).transpose());
        found.map(|row| Ok(row?.at_depth(self.depth))).collect()
    }
}

impl Read for LaneQuery {
    type Answer = Vec<Lane>;

    fn read(&self, from: &impl Source) -> Result<Vec<Lane>> {
        let (claimable, scopes) = (from.table(CLAIMABLE)?, from.table(SCOPES)?);
        let mut lanes: Vec<Lane> = Vec::new();
        let (mut namespace, mut kind) = (String::new(), String::new());
        // From lane to lane: past the last priority of one stands the first entry of the next.
        while let Some(entry) = claimable.range((&*namespace, &*kind, u8::MAX, 0, 0)..)?.next() {
            let entry = entry?.0;
            let lane = Lane { namespace: name(entry.value().0)?, kind: name(entry.value().1)? };
            (namespace, kind) = (lane.namespace.to_string(), lane.kind.to_string());
            let chosen = self.namespaces.contains(&lane.namespace) && self.kinds.contains(&lane.kind);
            if chosen && !first_due(&claimable, &lane, self.now, 1)?.is_empty() && !is_paused(&scopes, &lane)? {
                lanes.push(lane);
            }
        }
        Ok(lanes)
    }
}

/// The ids of the first of a lane that are due, by priority and age.
pub(crate) fn first_due(
    claimable: &impl ReadableTable<ClaimKey<'static>, ()>,
    lane: &Lane,
    now: Timestamp,
    limit: u32,
) -> Result<Vec<i64>> {
    let mut ids = Vec::new();
    for priority in 1..=4 {
        let due = claimable.range(claim_range(lane, priority, now))?;
        for entry in due.take(limit as usize - ids.len()) {
            ids.push(entry?.0.value().4);
        }
    }
    Ok(ids)
}

/// Whether a lane's kind or namespace is paused.
pub(crate) fn is_paused(scopes: &impl ReadableTable<ScopeKey<'static>, &'static [u8]>, lane: &Lane) -> Result<bool> {
    let scopes_of = [Scope::Kind(lane.kind.clone()), Scope::Namespace(lane.namespace.clone())];
    let records = scopes_of.map(|scope| stored::<ScopeRecord>(scopes.get(scope_key(&scope))?));
    records.into_iter().try_fold(false, |paused, record| Ok(paused || record?.is_some_and(|record| record.paused)))
}

impl Read for DueQuery {
    type Answer = Vec<Resource>;

    fn read(&self, from: &impl Source) -> Result<Vec<Resource>> {
        let (rows, due) = (from.table(ROWS)?, from.table(DUE)?);
        let names = Filter { namespaces: self.namespaces.clone(), kinds: self.kinds.clone(), ..Filter::default() };
        let until = match &self.due {
            Due::Missing { after } => return page(rows_after(&rows, *after)?, &names, self.limit, Depth::Head),
            Due::Expiry { synced_by } => synced_by,
            Due::Rescue { now } => now,
            Due::Purge { since_by, .. } => since_by,
        };
        let Some(due_for) = due_for(&self.due) else { return Ok(Vec::new()) };
        let due = due.range((due_for, i64::MIN, i64::MIN)..=(due_for, until.as_micros(), i64::MAX))?;
        let found = due.map(|entry| find(&rows, entry?.0.value().2)).filter_map(Result::transpose);
        page(found, &names, self.limit, Depth::Head)
    }
}

impl Read for ListQuery {
    type Answer = Vec<Resource>;

    fn read(&self, from: &impl Source) -> Result<Vec<Resource>> {
        page(rows_after(&from.table(ROWS)?, self.after)?, &self.filter, self.limit, self.depth)
    }
}

impl Read for Filter {
    type Answer = Vec<StateCount>;

    fn read(&self, from: &impl Source) -> Result<Vec<StateCount>> {
        let all = rows_after(&from.table(ROWS)?, ResourceId::default())?.collect::<Result<Vec<_>, _>>()?;
        Ok(StateCount::tally(all.into_iter().filter(|row| self.matches(row))))
    }
}

/// The row of an id.
pub(crate) fn find(rows: &impl ReadableTable<i64, &'static [u8]>, id: i64) -> Result<Option<Resource>> {
    stored(rows.get(id)?)
}

/// Rows by id, from above an id.
fn rows_after(
    rows: &impl ReadableTable<i64, &'static [u8]>,
    after: ResourceId,
) -> Result<impl Iterator<Item = Result<Resource, Failure>>> {
    Ok(rows.range(after.get().saturating_add(1)..)?.map(|entry| parse(entry?.1.value())))
}

/// The first rows that fit.
fn page(
    rows: impl Iterator<Item = Result<Resource>>,
    filter: &Filter,
    limit: u32,
    depth: Depth,
) -> Result<Vec<Resource>> {
    let fitting = rows.filter(|row| row.as_ref().map_or(true, |row| filter.matches(row)));
    fitting.take(limit as usize).map(|row| Ok(row?.at_depth(depth))).collect()
}

impl Read for EventQuery {
    type Answer = EventPage;

    /// To be asked of what is committed. With one writer at a time positions are committed in the order in which they are
    /// given out, so whatever a reader sees has nothing missing below it.
    fn read(&self, from: &impl Source) -> Result<EventPage> {
        let (numbers, events) = (from.table(NUMBERS)?, from.table(EVENTS)?);
        let head = Position::new(numbers.get("position")?.map_or(0, |last| last.value()));
        let mut page = EventPage { events: Vec::new(), next: self.after.max(head), head, held_back: 0, gap: None };
        for entry in events.range(self.after.get().saturating_add(1)..)? {
            if page.events.len() >= self.limit as usize {
                page.next = page.events.last().map_or(self.after, |last| last.position);
                break;
            }
            let event: Event = parse(entry?.1.value())?;
            if self.filter.matches(&event) {
                page.events.push(event);
            }
        }
        Ok(page)
    }
}

impl Read for CursorQuery {
    type Answer = Vec<Cursor>;

    fn read(&self, from: &impl Source) -> Result<Vec<Cursor>> {
        let table = from.table(CURSORS)?;
        let prefix = match self {
            Self::Names(names) => {
                let names: BTreeSet<&String> = names.iter().collect();
                return names.into_iter().filter_map(|name| find_cursor(&table, name).transpose()).collect();
            }
            Self::Prefix(prefix) | Self::Due { prefix, .. } => prefix.as_str(),
        };
        let mut found: Vec<Cursor> = Vec::new();
        for entry in table.range(prefix..)? {
            let (name, bytes) = entry?;
            if !name.value().starts_with(prefix) {
                break;
            }
            found.push(parse(bytes.value())?);
        }
        if let Self::Due { now, limit, .. } = self {
            found.retain(|cursor| cursor.next_at.is_some_and(|next_at| next_at <= *now));
            found.sort_by_key(|cursor| cursor.next_at);
            found.truncate(*limit as usize);
        }
        Ok(found)
    }
}

pub(crate) fn find_cursor(
    cursors: &impl ReadableTable<&'static str, &'static [u8]>,
    name: &str,
) -> Result<Option<Cursor>> {
    stored(cursors.get(name)?)
}

/// All kinds and namespaces.
pub(crate) struct Scopes;

impl Read for Scopes {
    type Answer = Vec<ScopeRecord>;

    fn read(&self, from: &impl Source) -> Result<Vec<ScopeRecord>> {
        from.table(SCOPES)?.iter()?.map(|entry| parse(entry?.1.value())).collect()
    }
}

/// What is stored in the place that was looked at.
pub(crate) fn stored<T: DeserializeOwned>(found: Option<redb::AccessGuard<'_, &'static [u8]>>) -> Result<Option<T>> {
    found.map(|bytes| parse(bytes.value())).transpose()
}

fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T> {
    serde_json::from_slice(bytes).map_err(Failure::corrupt)
}

fn name(text: &str) -> Result<Name> {
    Name::new(text).map_err(Failure::corrupt)
}
