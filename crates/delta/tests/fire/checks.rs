//! What must be true in the end.

use std::collections::{BTreeMap, BTreeSet};

use delta::core::{Access, Browse, Depth, Event, LogEvent, ResourceId, Store};
use delta::{Client, Filter, ListQuery, Log, Position, Resource, State};

use crate::calls::Calls;
use crate::consumers::EFFECTS;
use crate::item::Item;
use crate::log_kit::place::Place;
use crate::writer::{Book, Fate, Wanted, table_log};
use crate::{history, until};

/// Every row, whole.
pub(crate) async fn rows<S: Store + Browse>(client: &Client<S>) -> Vec<delta::core::Resource> {
    let mut query =
        ListQuery { filter: Filter::default(), after: ResourceId::default(), limit: 1_000, depth: Depth::Full };
    let mut rows = Vec::new();
    loop {
        let page = client.list(&query).await.unwrap();
        let Some(last) = page.last() else { return rows };
        query.after = last.id;
        rows.extend(page);
    }
}

/// Waits until everything is synced or deleted.
pub(crate) async fn at_rest<S: Store + Browse>(client: &Client<S>) {
    until("everything is synced or deleted", async || {
        let counts = client.count(&Filter::default()).await.unwrap_or_default();
        !counts.is_empty() && counts.iter().all(|count| matches!(count.state, State::Synced | State::Deleted))
    })
    .await;
}

async fn whole<S: Place, E: LogEvent>(log: &Log<S, E>) -> Vec<E> {
    let mut events = Vec::new();
    let mut after = Position::START;
    loop {
        let page = log.page(after, 1_000, &E::Filter::default()).await.unwrap();
        let done = page.events.is_empty() && page.next >= page.head;
        after = page.next;
        events.extend(page.events);
        if done {
            return events;
        }
    }
}

fn positions<E: LogEvent>(log: &[E]) -> Vec<i64> {
    log.iter().map(|event| event.position().get()).collect()
}

/// Waits until the consumers have done all, and no more: one effect for each event of both logs.
pub(crate) async fn consumed<S: Place>(client: &Client<S>) {
    let logs = [positions(&whole(&client.log()).await), positions(&whole(&table_log(client)).await)];
    for (table, log) in EFFECTS.iter().zip(logs) {
        let effects = async || {
            let mut conn = client.store().acquire(Access::Read).await.unwrap();
            S::numbers(&mut conn, &format!("position FROM {table} ORDER BY position")).await
        };
        until(&format!("{table} is complete"), async || effects().await.len() >= log.len()).await;
        assert_eq!(effects().await, log, "{table}");
    }
}

/// What a consumer was given for the first time came in the log's order, and left nothing out.
pub(crate) async fn given_in_order<S: Place>(client: &Client<S>, given: &[Position]) {
    let mut seen = BTreeSet::new();
    let first: Vec<i64> = given.iter().filter(|at| seen.insert(**at)).map(|at| at.get()).collect();
    let log = positions(&whole::<S, Event>(&client.log()).await);
    assert_eq!(first, log);
}

/// Rows are what was last acknowledged, or asked for since without an answer; what belongs together is there together; the
/// log tells how all of it came about.
pub(crate) async fn told<S: Place>(client: &Client<S>, book: &Book) -> BTreeMap<String, Wanted> {
    let mut found = BTreeMap::new();
    for row in rows(client).await {
        let resource = Resource::<Item>::decode(row).unwrap();
        let is = match resource.state {
            State::Synced => Wanted::Present(resource.object.value),
            State::Deleted => Wanted::Absent,
            ref state => panic!("{} is {state}", resource.key),
        };
        assert!(is == Wanted::Absent || resource.synced_generation == resource.generation, "{}", resource.key);
        found.insert(resource.key.object_id.as_str().to_owned(), is);
    }
    for (id, may_be) in &book.items {
        let is = found.get(id).copied().unwrap_or(Wanted::Absent);
        assert!(may_be.contains(&is), "{id} is {is:?}, not one of {may_be:?}");
    }
    let events: BTreeSet<String> = whole(&table_log(client)).await.iter().map(label).collect();
    let mut known: BTreeSet<&String> = book.items.keys().collect();
    for group in &book.groups {
        let there = group.labels.iter().filter(|label| found.contains_key(*label)).count();
        assert!(there == 0 || there == group.labels.len(), "half of it is there: {group:?}");
        if group.with_event {
            assert_eq!(events.contains(&group.labels[0]), there > 0, "of {group:?} there are {there}");
        }
        match group.fate {
            Fate::Kept => assert!(there > 0, "lost: {group:?}"),
            Fate::Undone => assert_eq!(there, 0, "undone: {group:?}"),
            Fate::InDoubt => {}
        }
        known.extend(&group.labels);
    }
    assert!(found.keys().all(|id| known.contains(id)), "somebody else wrote");
    history::check(client).await;
    found
}

fn label<E: LogEvent>(event: &E) -> String {
    event.key().rsplit('/').next().unwrap_or_default().to_owned()
}

/// Nothing was worked by two at once, and the last call of each row worked what the row is.
pub(crate) fn calls(calls: &Calls, rows: &BTreeMap<String, Wanted>) {
    assert_eq!(calls.overlaps(), Vec::<String>::new());
    for (id, is) in rows {
        let last = calls.0.get(id).and_then(|calls| calls.last());
        let worked = last.map(|last| if last.deleted { Wanted::Absent } else { Wanted::Present(last.value) });
        assert_eq!(worked, Some(*is), "{id}");
    }
}
