use std::collections::BTreeSet;

use delta_core::{
    Cursor, CursorQuery, Depth, Desired, Due, DueQuery, Filter, Lane, LaneQuery, ListQuery, Resource, State, StateCount,
};

use crate::view::View;

fn taken(limit: u32) -> usize {
    usize::try_from(limit).unwrap_or(usize::MAX)
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
    due.into_iter().take(taken(query.limit)).map(|(_, row)| row.clone().at_depth(Depth::Head)).collect()
}

pub(crate) fn lanes(view: View<'_>, query: &LaneQuery) -> Vec<Lane> {
    let due = view.rows().filter(|row| row.is_due(query.now)).map(|row| row.key.lane());
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

pub(crate) fn list(view: View<'_>, query: &ListQuery) -> Vec<Resource> {
    view.rows()
        .filter(|row| row.id > query.after && query.filter.matches(row))
        .take(taken(query.limit))
        .map(|row| row.clone().at_depth(query.depth))
        .collect()
}

pub(crate) fn count(view: View<'_>, filter: &Filter) -> Vec<StateCount> {
    StateCount::tally(view.rows().filter(|row| filter.matches(row)))
}
