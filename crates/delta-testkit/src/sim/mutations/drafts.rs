use delta_core::{Change, EventDraft};

/// The lists of events that a change may append one of.
pub(super) fn drafts(change: &mut Change) -> Vec<&mut Vec<EventDraft>> {
    match change {
        Change::Insert(insert) => vec![&mut insert.events],
        Change::Update(update) => vec![&mut update.events],
        Change::Remove(remove) => vec![&mut remove.events],
        Change::Settle(settle) => vec![&mut settle.unmoved.events, &mut settle.moved.events],
        Change::Renew(_) => Vec::new(),
    }
}
