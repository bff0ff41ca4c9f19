//! Everything that can be read, read on both sides.

use std::collections::BTreeSet;

use delta_core::{
    Access, Browse, CursorQuery, Depth, Due, DueQuery, EventFilter, Filter, LaneQuery, ListQuery, Position, Resource,
    ResourceId, State, Store, Timestamp,
};

use super::make;
use super::normal;
use super::world::World;
use crate::contract::{Fixture, Kit};

const ALL: u32 = 10_000;

/// Asserts that both sides answer every kind of query alike.
pub(super) async fn everything<R: Fixture, O: Fixture>(world: &World<R, O>, choice: u8, limit: u8) {
    let (reference, other) = (&world.reference, &world.other);
    let now = world.clock.now;
    for query in due_queries(now, choice) {
        let (one, two) = (due(reference, &query).await, due(other, &query).await);
        assert_eq!(one, two, "{query:?}");
    }
    let namespaces = make::names(choice, ["default", "elsewhere"]);
    let kinds = make::names(choice / 4, ["thing", "other"]);
    let lanes = LaneQuery { now, namespaces: namespaces.clone(), kinds: kinds.clone() };
    assert_eq!(lanes_of(reference, &lanes).await, lanes_of(other, &lanes).await, "{lanes:?}");

    let states = match choice % 3 {
        0 => vec![],
        1 => vec![State::Scheduled, State::Failed],
        _ => vec![State::Pending],
    };
    let filter = Filter {
        namespaces: namespaces.clone(),
        kinds: kinds.clone(),
        states,
        tag: choice.is_multiple_of(7).then(|| "vip".to_owned()),
        object_id_prefix: choice.is_multiple_of(5).then(|| "a".to_owned()),
        paused: if choice.is_multiple_of(6) { Some(choice.is_multiple_of(4)) } else { None },
    };
    let (one, two) = (list(reference, &filter, limit).await, list(other, &filter, limit).await);
    assert_eq!(normal::by_key(one), normal::by_key(two), "{filter:?}");
    let (one, two) = (reference.reader().await, other.reader().await);
    let (mut one, mut two) = (one, two);
    let counts = reference.store().count(&mut one, &filter).await.expect("a count");
    assert_eq!(counts, other.store().count(&mut two, &filter).await.expect("a count"), "{filter:?}");
    drop((one, two));

    let cursors = CursorQuery::Due { prefix: "cursor/".to_owned(), now, limit: limit.into() };
    let times = |cursors: Vec<delta_core::Cursor>| cursors.into_iter().map(|cursor| cursor.next_at).collect::<Vec<_>>();
    assert_eq!(times(reference.cursors(&cursors).await), times(other.cursors(&cursors).await));
    assert_eq!(normal::scopes(reference.scopes().await), normal::scopes(other.scopes().await));

    let filter = EventFilter { namespaces, kinds, ..EventFilter::default() };
    let (one, two) = (log(reference, &filter, limit).await, log(other, &filter, limit).await);
    if world.at_once {
        assert_eq!(normal::events_by_subject(&one), normal::events_by_subject(&two), "{filter:?}");
    } else {
        assert_eq!(normal::events(&one), normal::events(&two), "{filter:?}");
    }
}

fn due_queries(now: Timestamp, choice: u8) -> Vec<DueQuery> {
    let purge = |state| Due::Purge { state, since_by: now };
    let kinds = [
        Due::Expiry { synced_by: now },
        Due::Rescue { now },
        purge(State::Synced),
        purge(State::Deleted),
        purge(State::Degraded),
        Due::Missing { after: ResourceId::default() },
    ];
    let namespaces = make::names(choice / 16, ["elsewhere", "default"]);
    let kind_names = make::names(choice / 64, ["other", "thing"]);
    let query = |due| DueQuery { due, namespaces: namespaces.clone(), kinds: kind_names.clone(), limit: ALL };
    kinds.into_iter().map(query).collect()
}

/// What is due, in the order of time and then of keys: rows of one moment are in the order of ids, which differ.
async fn due<F: Fixture>(kit: &Kit<F>, query: &DueQuery) -> Vec<Resource> {
    let mut conn = kit.reader().await;
    let mut rows = kit.store().due(&mut conn, query).await.expect("what is due");
    let since = |row: &Resource| match query.due {
        Due::Expiry { .. } => row.synced_at,
        Due::Rescue { .. } => row.lease.map(|lease| lease.until),
        Due::Purge { .. } => Some(row.state_since),
        Due::Missing { .. } => None,
    };
    assert!(rows.is_sorted_by_key(|row| (since(row), row.id)), "{query:?} is out of order: {rows:?}");
    rows.sort_by_key(|row| (since(row), row.key.clone()));
    normal::rows(&rows)
}

async fn lanes_of<F: Fixture>(kit: &Kit<F>, query: &LaneQuery) -> BTreeSet<delta_core::Lane> {
    let mut conn = kit.store().acquire(Access::Read).await.expect("a connection");
    kit.store().lanes(&mut conn, query).await.expect("lanes").into_iter().collect()
}

/// A whole list, in pages.
async fn list<F: Fixture>(kit: &Kit<F>, filter: &Filter, limit: u8) -> Vec<Resource> {
    let (mut after, mut rows) = (ResourceId::default(), Vec::<Resource>::new());
    loop {
        let mut conn = kit.reader().await;
        let query = ListQuery { filter: filter.clone(), after, limit: limit.into(), depth: Depth::Full };
        let page = kit.store().list(&mut conn, &query).await.expect("a list");
        let Some(last) = page.last() else { return rows };
        assert!(last.id > after, "a page goes on");
        after = last.id;
        rows.extend(page);
    }
}

/// The whole log, in pages.
async fn log<F: Fixture>(kit: &Kit<F>, filter: &EventFilter, limit: u8) -> Vec<delta_core::Event> {
    let (mut after, mut events) = (Position::START, Vec::new());
    loop {
        let page = kit.page(after, limit.into(), filter.clone()).await;
        events.extend(page.events);
        if page.next == page.head && page.held_back == 0 {
            return events;
        }
        after = page.next;
        tokio::task::yield_now().await;
    }
}
