//! What clients were told that it is done.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use delta::core::{ResourceId, Store, Subject};
use delta::{Client, Event, EventKind, InformOutcome, Notice, Position, Reason};

use crate::instant;

/// What is known of one object.
#[derive(Clone, Debug)]
pub(crate) struct Known {
    pub(crate) id: ResourceId,
    /// Of the last inform that wrote something.
    pub(crate) generation: i64,
    pub(crate) value: u64,
}

#[derive(Debug, Default)]
struct Book {
    objects: BTreeMap<String, Known>,
    informs: usize,
    /// Told to subscribers, which is after the commit.
    events: BTreeMap<Position, Event>,
    /// When each settlement was told.
    settled: Vec<Instant>,
    /// What contradicts what was acknowledged before.
    wrong: Vec<String>,
}

/// What all clients were told.
#[derive(Clone, Debug, Default)]
pub(crate) struct Acknowledged(Arc<Mutex<Book>>);

impl Acknowledged {
    pub(crate) fn inform(&self, object: &str, value: u64, informed: delta::Informed) {
        let mut book = self.0.lock().unwrap();
        book.informs += 1;
        let now = Known { id: informed.id, generation: informed.generation, value };
        let wrote = matches!(informed.outcome, InformOutcome::Created | InformOutcome::Changed);
        if let Some(before) = book.objects.insert(object.to_owned(), now.clone())
            && (before.id != now.id
                || now.generation < before.generation
                || wrote && now.generation == before.generation)
        {
            book.wrong.push(format!("{object}: {:?} gave {now:?} after {before:?}", informed.outcome));
        }
    }

    /// Notes what a client commits, for as long as it lives.
    pub(crate) async fn listen<S: Store>(self, client: Client<S>) {
        let kinds = [
            EventKind::Scheduled(Reason::Created),
            EventKind::Synced,
            EventKind::Failed,
            EventKind::Expired,
            EventKind::Deleted,
        ];
        let mut subscription = client.subscribe(kinds);
        while let Some(notice) = subscription.recv().await {
            let now = instant();
            let mut book = self.0.lock().unwrap();
            match notice {
                Notice::Event(event) => {
                    if event.kind == EventKind::Synced {
                        book.settled.push(now);
                    }
                    if let Some(before) = book.events.insert(event.position, event.clone()) {
                        book.wrong.push(format!("{event:?} has the position of {before:?}"));
                    }
                }
                Notice::Lagged(missed) => book.wrong.push(format!("the test has missed {missed} events")),
            }
        }
    }

    pub(crate) fn informs(&self) -> usize {
        self.0.lock().unwrap().informs
    }

    pub(crate) fn settlements(&self) -> usize {
        self.0.lock().unwrap().settled.len()
    }

    /// When the first settlement after that was told.
    pub(crate) fn settled_after(&self, then: Instant) -> Option<Instant> {
        self.0.lock().unwrap().settled.iter().copied().find(|settled| *settled > then)
    }

    pub(crate) fn objects(&self) -> BTreeMap<String, Known> {
        self.0.lock().unwrap().objects.clone()
    }

    pub(crate) fn wrong(&self) -> Vec<String> {
        self.0.lock().unwrap().wrong.clone()
    }

    /// What was told and is not in a log, or is something else there.
    pub(crate) fn missing(&self, log: &[Event]) -> Vec<String> {
        let log: BTreeMap<Position, &Event> = log.iter().map(|event| (event.position, event)).collect();
        let same = |event: &Event, other: &Event| {
            let of = |event: &Event| match &event.subject {
                Subject::Resource { id, generation, .. } => Some((*id, *generation)),
                Subject::Scope(_) => None,
            };
            event.kind == other.kind && of(event) == of(other)
        };
        let book = self.0.lock().unwrap();
        let lost =
            book.events.values().filter(|event| !log.get(&event.position).is_some_and(|found| same(event, found)));
        lost.map(|event| format!("{event:?}, at its place: {:?}", log.get(&event.position))).collect()
    }
}
