use delta_core::{Key, Subject};

use crate::history::{Entry, History, What};
use crate::invariants::Violation;

/// The resource that a violation is about, if it is about one.
pub(super) fn focus(history: &History, violation: &Violation) -> Option<Key> {
    let entries = history.entries();
    let broke = violation.entries.checked_sub(1).and_then(|last| entries.get(last));
    let at_the_end = violation.entries >= entries.len();
    if let Some(key) = broke.filter(|_| !at_the_end).and_then(key) {
        return Some(key.clone());
    }
    // Of keys of which one begins with the other, the longer one.
    let named =
        |key: &&Key| violation.found.contains(&key.to_string()) || violation.found.contains(&format!("{key:?}"));
    entries.iter().filter_map(key).filter(named).max_by_key(|key| key.to_string().len()).cloned()
}

/// The resource that an entry is about.
pub(super) fn key(entry: &Entry) -> Option<&Key> {
    match &entry.what {
        What::Row { before, after } => after.as_ref().or(before.as_ref()).map(|row| &row.key),
        What::Appended(event) => match &event.subject {
            Subject::Resource { key, .. } => Some(key),
            Subject::Scope(_) => None,
        },
        What::Asked { key, .. }
        | What::Refused { key, .. }
        | What::Acknowledged { key, .. }
        | What::Effect { key, .. } => Some(key),
        What::Began(attempt) | What::Given(attempt, _) | What::Ended(attempt, _) | What::Settles(attempt, _) => {
            Some(&attempt.key)
        }
        _ => None,
    }
}
