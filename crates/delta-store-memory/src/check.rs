use std::collections::HashSet;
use std::hash::Hash;

use delta_core::{Change, Changeset, ClaimRequest, Error, ErrorKind, Result};

fn invalid(operation: &'static str, what: String) -> Error {
    Error::new(ErrorKind::Invalid, operation, what)
}

fn repeated<T: Hash + Eq>(items: impl IntoIterator<Item = T>) -> Option<T> {
    let mut seen = HashSet::new();
    for item in items {
        if seen.contains(&item) {
            return Some(item);
        }
        seen.insert(item);
    }
    None
}

/// What a changeset must be before any of it is applied: S20.
pub(crate) fn changeset(changes: &Changeset) -> Result<()> {
    let fail = |what| Err(invalid("commit", what));
    if let Some(id) = repeated(changes.changes.iter().filter_map(Change::id)) {
        return fail(format!("expected each resource once, found {id} twice"));
    }
    if let Some(key) = repeated(changes.changes.iter().filter_map(Change::inserted_key)) {
        return fail(format!("expected each new key once, found {key} twice"));
    }
    if let Some(name) = repeated(changes.cursors.iter().map(delta_core::CursorChange::name)) {
        return fail(format!("expected each cursor once, found {name:?} twice"));
    }
    if let Some(scope) = repeated(changes.scopes.iter().map(|change| &change.scope)) {
        return fail(format!("expected each kind and namespace once, found {scope} twice"));
    }
    for change in &changes.changes {
        match change {
            Change::Insert(insert) if insert.row.detail.is_none() => {
                return fail(format!("expected an insert with its detail, found {} without", insert.row.key));
            }
            Change::Update(update) if (update.write_object || update.write_tags) && update.row.detail.is_none() => {
                return fail(format!("expected the detail that is to be written, found {} without", update.row.key));
            }
            _ => {}
        }
    }
    Ok(())
}

/// What a claim must be before any of it is done: S20.
pub(crate) fn claim(request: &ClaimRequest) -> Result<()> {
    match repeated(request.lanes.iter().map(|(lane, _)| lane)) {
        Some(lane) => Err(invalid("claim", format!("expected each lane once, found {lane} twice"))),
        None => Ok(()),
    }
}
