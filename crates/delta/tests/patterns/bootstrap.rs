use std::collections::BTreeMap;

use delta::core::plan::consume::{Shape, Standing, cursor_name, slice_name};
use delta::core::{CursorQuery, LogName, Subject};
use delta::{Client, ErrorKind, EventFilter, Filter, MemoryStore, Object as _, Trim, TrimPast};
use futures::TryStreamExt as _;

use crate::kit::{Item, append, at, client, item, stand};

fn own(consumer: &str) -> String {
    cursor_name(&LogName::own(), consumer)
}

async fn standing(client: &Client<MemoryStore>, name: String) -> Standing {
    let cursor = client.cursors(&CursorQuery::Names(vec![name])).await.unwrap().pop().unwrap();
    Standing::of(&cursor).unwrap().unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_snapshot_and_the_events_after_its_position_make_a_copy_that_misses_nothing() {
    let client = client();
    append(&client, 1..=10).await;
    let mut snapshot = client.log().bootstrap(Filter::default()).await.unwrap().page_size(3);
    assert_eq!(snapshot.position(), at(10));
    let mut copy: BTreeMap<String, u32> = BTreeMap::new();
    let mut pages = 0;
    while let Some(page) = snapshot.next_page().await.unwrap() {
        assert!(page.len() <= 3);
        for row in page {
            let object: Item = serde_json::from_str(&row.detail.unwrap().object).unwrap();
            copy.insert(object.id, object.value);
        }
        // What was given out changes, and so does what is yet to come.
        if pages < 4 {
            client.inform(item(1 + pages, 100 + pages)).await.unwrap();
            client.inform(item(10 - pages, 200 + pages)).await.unwrap();
            client.inform(item(20 + pages, 300)).await.unwrap();
        }
        pages += 1;
    }
    assert!(pages >= 4, "{pages}");
    let page = client.log().page(snapshot.position(), 1_000, &EventFilter::default()).await.unwrap();
    for event in page.events {
        let Subject::Resource { key, .. } = event.subject else { panic!("of a scope") };
        let row = client.resource::<Item>(&key).await.unwrap().unwrap();
        copy.insert(row.object.id(), row.object.value);
    }
    let now = client.log().bootstrap(Filter::default()).await.unwrap().into_stream();
    let rows: Vec<_> = now.try_collect().await.unwrap();
    let now: BTreeMap<String, u32> = rows
        .into_iter()
        .map(|row| serde_json::from_str::<Item>(&row.detail.unwrap().object).unwrap())
        .map(|object| (object.id, object.value))
        .collect();
    assert_eq!(copy, now);
}

#[tokio::test(start_paused = true)]
async fn a_consumer_that_missed_events_goes_on_after_the_snapshot() {
    let client = client();
    append(&client, 1..=10).await;
    stand(&client, own("copier"), Some(2), Shape::One).await;
    client.log().trim(Trim::keep(3)).past(TrimPast::Consumers).run().await.unwrap();
    let place = standing(&client, own("copier")).await.position.unwrap();
    let error = client.log().page(place, 10, &EventFilter::default()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::CursorTooOld);

    let mut snapshot = client.log().bootstrap(Filter::default()).await.unwrap();
    assert_eq!(snapshot.next_page().await.unwrap().unwrap().len(), 10);
    append(&client, 11..=12).await;
    snapshot.hand_over("copier").await.unwrap();
    let place = standing(&client, own("copier")).await.position.unwrap();
    assert_eq!(place, at(10));
    let page = client.log().page(place, 10, &EventFilter::default()).await.unwrap();
    assert_eq!(page.events.iter().map(|event| event.position.get()).collect::<Vec<_>>(), [11, 12]);
}

#[tokio::test(start_paused = true)]
async fn all_slices_of_a_consumer_go_on_and_none_goes_back() {
    let client = client();
    append(&client, 1..=10).await;
    stand(&client, own("sharded"), None, Shape::Sharded).await;
    let slice = |slice| slice_name(&LogName::own(), "sharded", slice);
    stand(&client, slice(3), Some(2), Shape::Sharded).await;
    stand(&client, slice(700), Some(9), Shape::Sharded).await;
    client.log().go_on_from("sharded", at(5)).await.unwrap();
    let mut places = BTreeMap::new();
    for number in 0..1_024 {
        let standing = standing(&client, slice(number)).await;
        assert_eq!((standing.data.log, standing.data.shape), (LogName::own(), Shape::Sharded));
        *places.entry(standing.position.unwrap().get()).or_insert(0) += 1;
    }
    assert_eq!(places, BTreeMap::from([(5, 1_023), (9, 1)]));
    assert_eq!(standing(&client, own("sharded")).await.position, None);
}

#[tokio::test(start_paused = true)]
async fn nobody_is_moved_to_where_there_is_nothing_yet_or_made() {
    let client = client();
    append(&client, 1..=3).await;
    stand(&client, own("copier"), Some(2), Shape::One).await;
    let error = client.log().go_on_from("copier", at(4)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
    let error = client.log().go_on_from("copyer", at(3)).await.unwrap_err();
    assert!(error.to_string().contains("expected one that has a cursor in this log, found none of \"copyer\""));
    assert_eq!(client.cursors(&CursorQuery::Prefix("consumer/".into())).await.unwrap().len(), 1);
}
