//! What is wrong with a call whatever the database holds: S20.

use std::collections::HashSet;
use std::fmt::Display;
use std::hash::Hash;

use delta_core::{Change, Changeset, ClaimRequest, CursorChange, Error, ErrorKind, Result};

fn once<T: Hash + Eq + Display>(operation: &'static str, what: &str, items: impl Iterator<Item = T>) -> Result<()> {
    let mut seen = HashSet::with_capacity(items.size_hint().0);
    for item in items {
        if seen.contains(&item) {
            return Err(Error::new(
                ErrorKind::Invalid,
                operation,
                format!("expected each {what} once, found {item} twice"),
            ));
        }
        seen.insert(item);
    }
    Ok(())
}

/// Checks a changeset before any of it is written.
pub(crate) fn changeset(operation: &'static str, set: &Changeset) -> Result<()> {
    once(operation, "resource", set.changes.iter().filter_map(Change::id))?;
    once(operation, "new key", set.changes.iter().filter_map(Change::inserted_key))?;
    once(operation, "cursor", set.cursors.iter().map(CursorChange::name))?;
    once(operation, "kind and namespace", set.scopes.iter().map(|change| &change.scope))?;
    for change in &set.changes {
        let (row, needed) = match change {
            Change::Insert(insert) => (&insert.row, true),
            Change::Update(update) => (&update.row, update.write_object || update.write_tags),
            _ => continue,
        };
        if needed && row.detail.is_none() {
            let what = format!("expected the detail that is to be written, found {} without", row.key);
            return Err(Error::new(ErrorKind::Invalid, operation, what));
        }
    }
    Ok(())
}

/// Checks a claim before any of it is done.
pub(crate) fn claim(operation: &'static str, request: &ClaimRequest) -> Result<()> {
    once(operation, "lane", request.lanes.iter().map(|(lane, _)| lane))
}
