use std::collections::{BTreeMap, BTreeSet};

use delta_core::{
    Cursor, CursorQuery, Depth, Desired, Due, DueQuery, Filter, Lane, LaneQuery, ListQuery, Resource, State, StateCount,
};

use crate::claim::is_due;
use crate::view::View;

fn taken(limit: u32) -> usize {
    usize::try_from(limit).unwrap_or(usize::MAX)
}

/// A row as far as it was asked for.
pub(crate) fn at_depth(row: &Resource, depth: Depth) -> Resource {
    match depth {
        Depth::Full => row.clone(),
        Depth::Head => Resource { detail: None, ..row.clone() },
    }
}

pub(crate) fn due(view: View<'_>, query: &DueQuery) -> Vec<Resource> {
    let chosen = |row: &&Resource| query.namespaces.contains(&row.key.namespace) && query.kinds.contains(&row.key.kind);
    let mut due: Vec<_> = view
        .rows()
        .filter(chosen)
        .filter_map(|row| {
            let since = match &query.due {
                Due::Expiry { synced_by } => row.synced_at.filter(|at| row.state == State::Synced && at <= synced_by),
                Due::Rescue { now } => row
                    .lease
                    .filter(|lease| row.state == State::Pending && lease.until <= *now)
                    .map(|lease| lease.until),
                Due::Purge { state, since_by } => Some(row.state_since).filter(|at| {
                    let wanted = row.state != State::Degraded || row.desired == Desired::Present;
                    row.state == *state && wanted && at <= since_by
                }),
                Due::Missing { after } => return (row.id > *after).then_some((None, row)),
            };
            since.map(|since| (Some(since), row))
        })
        .collect();
    due.sort_by_key(|(since, row)| (*since, row.id));
    due.into_iter().take(taken(query.limit)).map(|(_, row)| at_depth(row, Depth::Head)).collect()
}

pub(crate) fn lanes(view: View<'_>, query: &LaneQuery) -> Vec<Lane> {
    let due = view.rows().filter(|row| is_due(row, query.now)).map(|row| row.key.lane());
    let lanes: BTreeSet<Lane> =
        due.filter(|lane| query.namespaces.contains(&lane.namespace) && query.kinds.contains(&lane.kind)).collect();
    lanes.into_iter().filter(|lane| !view.is_paused(lane)).collect()
}

pub(crate) fn cursors(view: View<'_>, query: &CursorQuery) -> Vec<Cursor> {
    match query {
        CursorQuery::Names(names) => {
            let names: BTreeSet<&String> = names.iter().collect();
            names.into_iter().filter_map(|name| view.cursor(name)).cloned().collect()
        }
        CursorQuery::Prefix(prefix) => {
            view.cursors().filter(|cursor| cursor.name.starts_with(prefix)).cloned().collect()
        }
        CursorQuery::Due { prefix, now, limit } => {
            let is_due = |cursor: &&Cursor| {
                cursor.name.starts_with(prefix) && cursor.next_at.is_some_and(|next_at| next_at <= *now)
            };
            let mut due: Vec<&Cursor> = view.cursors().filter(is_due).collect();
            due.sort_by_key(|cursor| cursor.next_at);
            due.into_iter().take(taken(*limit)).cloned().collect()
        }
    }
}

fn fits(filter: &Filter, row: &Resource) -> bool {
    let has_tag = |tag: &String| row.detail.as_ref().is_some_and(|detail| detail.tags.as_slice().contains(tag));
    let begins = |prefix: &String| row.key.object_id.as_str().starts_with(prefix);
    filter.namespaces.contains(&row.key.namespace)
        && filter.kinds.contains(&row.key.kind)
        && (filter.states.is_empty() || filter.states.contains(&row.state))
        && filter.tag.as_ref().is_none_or(has_tag)
        && filter.object_id_prefix.as_ref().is_none_or(begins)
        && filter.paused.is_none_or(|paused| row.paused == paused)
}

pub(crate) fn list(view: View<'_>, query: &ListQuery) -> Vec<Resource> {
    view.rows()
        .filter(|row| row.id > query.after && fits(&query.filter, row))
        .take(taken(query.limit))
        .map(|row| at_depth(row, query.depth))
        .collect()
}

pub(crate) fn count(view: View<'_>, filter: &Filter) -> Vec<StateCount> {
    let mut counts: BTreeMap<(Lane, State), StateCount> = BTreeMap::new();
    for row in view.rows().filter(|row| fits(filter, row)) {
        let (lane, state) = (row.key.lane(), row.state.clone());
        let entry = counts.entry((lane.clone(), state.clone())).or_insert(StateCount {
            lane,
            state,
            count: 0,
            oldest_run_at: None,
            oldest_lease: None,
        });
        entry.count += 1;
        let run_at = row.run_at.filter(|_| row.state.is_claimable() && !row.paused);
        let lease = row.lease.filter(|_| row.state == State::Pending).map(|lease| lease.until);
        entry.oldest_run_at = entry.oldest_run_at.into_iter().chain(run_at).min();
        entry.oldest_lease = entry.oldest_lease.into_iter().chain(lease).min();
    }
    counts.into_values().collect()
}
