//! Listing and counting, for people and gauges.

use std::collections::BTreeSet;

use delta_core::{Browse, Depth, Detail, Filter, ListQuery, Names, Resource, ResourceId, State, StateCount, Tags};

use super::fixture::Fixture;
use super::kit::{Kit, applied, object_ids};
use super::rows::{at, key_in, lane_of, name, row, row_of, settle, synced_row};

async fn list<F: Fixture>(kit: &Kit<F>, query: &ListQuery) -> Vec<Resource> {
    let mut conn = kit.reader().await;
    kit.store().list(&mut conn, query).await.expect("a list")
}

async fn count<F: Fixture>(kit: &Kit<F>, filter: &Filter) -> Vec<StateCount> {
    let mut conn = kit.reader().await;
    kit.store().count(&mut conn, filter).await.expect("a count")
}

fn first(filter: Filter) -> ListQuery {
    ListQuery { filter, after: ResourceId::default(), limit: 100, depth: Depth::Head }
}

fn tagged(row: Resource, tags: &[&str]) -> Resource {
    let tags = Tags::new(tags.iter().copied()).expect("tags");
    Resource { detail: row.detail.map(|detail| Detail { tags, ..detail }), ..row }
}

/// Pages by id, at the depth that was asked for.
pub async fn list_pages_by_id<F: Fixture>(kit: Kit<F>) {
    assert_eq!(list(&kit, &first(Filter::default())).await, []);
    let mut stored = kit.insert_all((0..7).map(|n| tagged(row(&format!("{n}")), &["some-tag"]))).await;
    stored.sort_by_key(|row| row.id);
    for depth in [Depth::Head, Depth::Full] {
        let (mut after, mut found) = (ResourceId::default(), Vec::new());
        loop {
            let page = list(&kit, &ListQuery { after, limit: 3, depth, ..first(Filter::default()) }).await;
            assert!(page.len() <= 3);
            let Some(last) = page.last() else { break };
            after = last.id;
            found.extend(page);
            assert!(found.len() <= stored.len(), "no row is on two pages");
        }
        let head = |row: &Resource| Resource { detail: None, ..row.clone() };
        match depth {
            Depth::Full => assert_eq!(found, stored),
            Depth::Head => assert_eq!(found, stored.iter().map(head).collect::<Vec<_>>()),
        }
    }
}

/// Each filter alone, and all of them joined; counts agree with lists.
pub async fn list_and_count_take_the_same_filters<F: Fixture>(kit: Kit<F>) {
    let of = |namespace: &str, kind: &str, object_id: &str| row_of(key_in(namespace, kind, object_id));
    let rows = [
        tagged(of("one", "cat", "a%1"), &["vip", "eu-west"]),
        Resource { paused: true, ..tagged(of("one", "dog", "a_1"), &["vip-2"]) },
        Resource { state: State::Failed, ..tagged(of("two", "cat", "A%1"), &["vip"]) },
        synced_row(key_in("two", "dog", "aX1"), at(0)),
        Resource { paused: true, ..of("two", "dog", "a%") },
        of("two", "cow", "unknown"),
    ];
    let stored = kit.insert_all(rows).await;
    kit.fixture().set_state(stored[5].id, "hibernating").await.expect("a state set by hand");
    let tag = |tag: &str| Filter { tag: Some(tag.to_owned()), ..Filter::default() };
    let prefix = |prefix: &str| Filter { object_id_prefix: Some(prefix.to_owned()), ..Filter::default() };
    let states = |states: &[State]| Filter { states: states.to_vec(), ..Filter::default() };
    let cases: Vec<(Filter, Vec<&str>)> = vec![
        (Filter::default(), vec!["a%1", "a_1", "A%1", "aX1", "a%", "unknown"]),
        (Filter { namespaces: Names::one(name("one")), ..Filter::default() }, vec!["a%1", "a_1"]),
        (
            Filter { namespaces: Names::Except([name("one")].into()), ..Filter::default() },
            vec!["A%1", "aX1", "a%", "unknown"],
        ),
        (
            Filter { kinds: Names::Only([name("cat"), name("cow")].into()), ..Filter::default() },
            vec!["a%1", "A%1", "unknown"],
        ),
        (Filter { kinds: Names::Only(BTreeSet::new()), ..Filter::default() }, vec![]),
        (
            Filter { kinds: Names::Except([name("cat")].into()), ..Filter::default() },
            vec!["a_1", "aX1", "a%", "unknown"],
        ),
        (states(&[State::Failed]), vec!["A%1"]),
        (states(&[State::Synced, State::Scheduled]), vec!["a%1", "a_1", "aX1", "a%"]),
        (states(&[State::from("hibernating")]), vec!["unknown"]),
        (states(&[State::Pending]), vec![]),
        (tag("vip"), vec!["a%1", "A%1"]),
        (tag("eu-west"), vec!["a%1"]),
        (tag("eu"), vec![]),
        (tag("VIP"), vec![]),
        (tag("%"), vec![]),
        (prefix("a"), vec!["a%1", "a_1", "aX1", "a%"]),
        (prefix("a%"), vec!["a%1", "a%"]),
        (prefix("a_"), vec!["a_1"]),
        (prefix("A"), vec!["A%1"]),
        (prefix(""), vec!["a%1", "a_1", "A%1", "aX1", "a%", "unknown"]),
        (prefix("a%12"), vec![]),
        (Filter { paused: Some(true), ..Filter::default() }, vec!["a_1", "a%"]),
        (Filter { paused: Some(false), ..Filter::default() }, vec!["a%1", "A%1", "aX1", "unknown"]),
        (Filter { paused: Some(false), namespaces: Names::one(name("two")), ..tag("vip") }, vec!["A%1"]),
        (Filter { kinds: Names::one(name("dog")), ..prefix("a%") }, vec!["a%"]),
    ];
    for (filter, expected) in cases {
        let found = list(&kit, &first(filter.clone())).await;
        assert_eq!(object_ids(&found), expected, "{filter:?}");
        let counted: u64 = count(&kit, &filter).await.iter().map(|count| count.count).sum();
        assert_eq!(usize::try_from(counted).expect("a count"), expected.len(), "{filter:?}");
    }
}

/// One count for each lane and state that there is, in that order, with the oldest of each.
pub async fn count_is_by_lane_and_state<F: Fixture>(kit: Kit<F>) {
    assert_eq!(count(&kit, &Filter::default()).await, []);
    let due = |kind: &str, n: u64, seconds| Resource {
        run_at: Some(at(seconds)),
        ..row_of(key_in("one", kind, &format!("{n}")))
    };
    kit.insert_all([
        due("dog", 1, 5),
        due("dog", 2, 3),
        Resource { paused: true, ..due("dog", 3, 1) },
        Resource { state: State::Failed, ..due("dog", 4, 9) },
        synced_row(key_in("one", "dog", "5"), at(0)),
    ])
    .await;
    kit.insert_all([due("cat", 1, 2), due("cat", 2, 2)]).await;
    let claimed = kit.claim_lanes(at(10), [(lane_of("one", "cat"), 1)]).await.remove(0);
    kit.claim_lanes(at(20), [(lane_of("one", "cat"), 1)]).await;
    kit.insert(row("elsewhere")).await;
    let of = |kind: &str, state: State, count, oldest_run_at, oldest_lease| StateCount {
        lane: lane_of("one", kind),
        state,
        count,
        oldest_run_at,
        oldest_lease,
    };
    let elsewhere =
        StateCount { lane: lane_of("default", "thing"), ..of("dog", State::Scheduled, 1, Some(at(0)), None) };
    let mut expected = vec![
        elsewhere,
        of("cat", State::Pending, 2, None, Some(at(70))),
        of("dog", State::Scheduled, 3, Some(at(3)), None),
        of("dog", State::Synced, 1, None, None),
        of("dog", State::Failed, 1, Some(at(9)), None),
    ];
    assert_eq!(count(&kit, &Filter::default()).await, expected);
    applied(&kit.apply(at(21), settle(&claimed)).await);
    expected[1] = of("cat", State::Pending, 1, None, Some(at(80)));
    expected.insert(2, of("cat", State::Synced, 1, None, None));
    assert_eq!(count(&kit, &Filter::default()).await, expected);
    let paused = Filter { paused: Some(true), ..Filter::default() };
    assert_eq!(count(&kit, &paused).await, [of("dog", State::Scheduled, 1, None, None)]);
}
