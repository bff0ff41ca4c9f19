//! What must be so in the end.

use std::collections::{BTreeMap, BTreeSet};

use delta::core::{Depth, ResourceId, Subject};
use delta::{Client, Event, EventFilter, EventKind, Filter, ListQuery, Position, Resource, State};

use crate::acknowledged::Acknowledged;
use crate::calls::Calls;
use crate::history;
use crate::item::Item;
use crate::log_kit::place::Place;

pub(crate) async fn log<S: Place>(client: &Client<S>) -> Vec<Event> {
    let (mut events, mut after) = (Vec::new(), Position::START);
    loop {
        let page = client.log().page(after, 10_000, &EventFilter::default()).await.unwrap();
        events.extend(page.events);
        if page.next >= page.head {
            return events;
        }
        after = page.next;
    }
}

pub(crate) async fn rows<S: Place>(client: &Client<S>) -> Vec<delta::core::Resource> {
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

/// Every row is synced, and is what the log last said of it; the log is a path through the transition table.
pub(crate) async fn log_explains_rows<S: Place>(client: &Client<S>) {
    history::check(client).await;
    let (mut last, mut settled) = (BTreeMap::new(), BTreeSet::new());
    for event in log(client).await {
        if let Subject::Resource { id, state, generation, .. } = event.subject {
            let again = event.kind == EventKind::Synced && !settled.insert((id, generation));
            assert!(!again, "generation {generation} of {id} is settled twice");
            last.insert(id, (state, generation));
        }
    }
    let rows = rows(client).await;
    assert_eq!(rows.len(), last.len());
    for row in rows {
        assert_eq!(last.get(&row.id), Some(&(row.state.clone(), row.generation)), "{}", row.key);
        assert_eq!(row.state, State::Synced, "{}", row.key);
    }
}

/// Every acknowledged inform and settlement is there.
pub(crate) async fn nothing_is_lost<S: Place>(client: &Client<S>, acknowledged: &Acknowledged, calls: &Calls) {
    assert_eq!(acknowledged.wrong(), Vec::<String>::new());
    assert_eq!(acknowledged.missing(&log(client).await), Vec::<String>::new());
    let objects = acknowledged.objects();
    let rows = rows(client).await;
    assert_eq!(rows.len(), objects.len());
    for row in rows {
        let resource = Resource::<Item>::decode(row).unwrap();
        let known = &objects[resource.key.object_id.as_str()];
        assert_eq!((resource.id, resource.generation), (known.id, known.generation), "{}", resource.key);
        assert_eq!((resource.object.value, resource.synced_generation), (known.value, known.generation));
        assert_eq!(calls.last(&resource.object.id), Some(known.value), "{}", resource.key);
    }
}
