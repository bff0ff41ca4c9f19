//! Answers of two stores made comparable: ids, tokens and positions are each store's own.

use std::collections::BTreeMap;

use delta_core::{Event, LeaseToken, Outcome, Position, Receipt, Resource, ResourceId, ScopeRecord, Subject};

/// A row without what is its store's own.
pub(super) fn row(row: &Resource) -> Resource {
    let lease = row.lease.map(|lease| delta_core::Lease { token: LeaseToken::new(0), ..lease });
    Resource { id: ResourceId::default(), lease, ..row.clone() }
}

pub(super) fn rows(rows: &[Resource]) -> Vec<Resource> {
    rows.iter().map(row).collect()
}

/// Rows in the order of their keys.
pub(super) fn by_key(mut rows: Vec<Resource>) -> Vec<Resource> {
    rows.sort_by(|one, other| one.key.cmp(&other.key));
    self::rows(&rows)
}

/// An outcome without the id.
pub(super) fn outcome(outcome: &Outcome) -> Outcome {
    match outcome {
        Outcome::Applied(applied) => Outcome::Applied(delta_core::Applied { id: ResourceId::default(), ..*applied }),
        other => *other,
    }
}

/// An event without its position and the id of its resource.
pub(super) fn event(event: &Event) -> Event {
    let subject = match &event.subject {
        Subject::Resource { key, state, generation, attempt, .. } => Subject::Resource {
            id: ResourceId::default(),
            key: key.clone(),
            state: state.clone(),
            generation: *generation,
            attempt: *attempt,
        },
        scope @ Subject::Scope(_) => scope.clone(),
    };
    Event { position: Position::START, subject, ..event.clone() }
}

pub(super) fn events(events: &[Event]) -> Vec<Event> {
    events.iter().map(event).collect()
}

/// The events of each subject, in their order: what is left of the order where things went on at once.
pub(super) fn events_by_subject(events: &[Event]) -> BTreeMap<String, Vec<Event>> {
    let mut subjects: BTreeMap<String, Vec<Event>> = BTreeMap::new();
    for event in self::events(events) {
        let subject = match &event.subject {
            Subject::Resource { key, .. } => key.to_string(),
            Subject::Scope(scope) => scope.to_string(),
        };
        subjects.entry(subject).or_default().push(event);
    }
    subjects
}

/// A receipt without ids and positions.
pub(super) fn receipt(receipt: &Receipt) -> Receipt {
    Receipt {
        outcomes: receipt.outcomes.iter().map(outcome).collect(),
        lost_cursor: receipt.lost_cursor.clone(),
        events: events(&receipt.events),
    }
}

/// Kinds and namespaces about which something is stored: a store may note others as soon as it meets them.
pub(super) fn scopes(mut records: Vec<ScopeRecord>) -> Vec<ScopeRecord> {
    records.retain(|record| record.paused || record.settings.is_some());
    records
}
