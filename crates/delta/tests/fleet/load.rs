//! Informs, deletions and retries, and what they must come to.

use std::collections::BTreeMap;
use std::time::Duration;

use delta::core::{Browse, Depth, ResourceId, Store};
use delta::{Client, Filter, IdempotencyKey, Key, ListQuery, Object, Resource, State};
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

use crate::calls::Calls;
use crate::work::Item;

/// What was last asked for a resource, and acknowledged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wanted {
    Present(u64),
    Absent,
}

pub(crate) struct Load<S: Store> {
    client: Client<S>,
    rng: StdRng,
    wanted: BTreeMap<String, Wanted>,
}

fn key(id: &str) -> Key {
    Key::new("default", Item::KIND, id).unwrap()
}

impl<S: Store + Browse> Load<S> {
    pub(crate) async fn begin(client: Client<S>, resources: usize) -> Self {
        let items: Vec<Item> = (0..resources).map(|number| Item { id: format!("item-{number}"), value: 0 }).collect();
        let answers = client.inform_many(&items).await.unwrap();
        assert!(answers.iter().all(Result::is_ok));
        let wanted = items.into_iter().map(|item| (item.id, Wanted::Present(0))).collect();
        Self { client, rng: StdRng::seed_from_u64(7), wanted }
    }

    pub(crate) async fn go_on(&mut self, operations: usize) {
        for _ in 0..operations {
            let id = format!("item-{}", self.rng.random_range(0..self.wanted.len()));
            match self.rng.random_range(0..10) {
                0..7 => {
                    let value = self.rng.random_range(1..1_000_000);
                    self.client.inform(Item { id: id.clone(), value }).await.unwrap();
                    self.wanted.insert(id, Wanted::Present(value));
                }
                7..9 => {
                    self.client.delete(&key(&id)).await.unwrap();
                    self.wanted.insert(id, Wanted::Absent);
                }
                _ => {
                    let idempotency_key = if self.rng.random() { IdempotencyKey::Keep } else { IdempotencyKey::Fresh };
                    // Most are not failed, which is an answer and no fault.
                    let _ = self.client.retry(&key(&id), idempotency_key).await;
                }
            }
        }
    }

    /// Waits until everything is synced or deleted; what gave up is tried again.
    pub(crate) async fn settle(&self) {
        let mut tick = tokio::time::interval(Duration::from_millis(500));
        for _ in 0..600 {
            tick.tick().await;
            for row in self.list(vec![State::Failed, State::Degraded], Depth::Head).await {
                let _ = self.client.retry(&row.key, IdempotencyKey::Keep).await;
            }
            let counts = self.client.count(&Filter::default()).await.unwrap();
            if counts.iter().all(|count| matches!(count.state, State::Synced | State::Deleted)) {
                return;
            }
        }
        panic!("not settled within five minutes: {:?}", self.client.count(&Filter::default()).await.unwrap());
    }

    async fn list(&self, states: Vec<State>, depth: Depth) -> Vec<delta::core::Resource> {
        let filter = Filter { states, ..Filter::default() };
        let mut query = ListQuery { filter, after: ResourceId::default(), limit: 1_000, depth };
        let mut rows = Vec::new();
        loop {
            let page = self.client.list(&query).await.unwrap();
            let Some(last) = page.last() else { return rows };
            query.after = last.id;
            rows.extend(page);
        }
    }

    /// Every row is what was last asked for.
    pub(crate) async fn check_rows(&self) {
        let rows = self.list(Vec::new(), Depth::Full).await;
        assert_eq!(rows.len(), self.wanted.len());
        for row in rows {
            let resource = Resource::<Item>::decode(row).unwrap();
            match self.wanted[resource.key.object_id.as_str()] {
                Wanted::Present(value) => {
                    assert_eq!((&resource.state, resource.object.value), (&State::Synced, value), "{}", resource.key);
                    assert_eq!(resource.synced_generation, resource.generation, "{}", resource.key);
                }
                Wanted::Absent => assert_eq!(resource.state, State::Deleted, "{}", resource.key),
            }
        }
    }

    /// The last call of every resource worked what was last asked for.
    pub(crate) fn check_calls(&self, calls: &Calls) {
        assert_eq!(calls.0.len(), self.wanted.len());
        for (object, calls) in &calls.0 {
            let last = calls.last().unwrap();
            let worked = if last.deleted { Wanted::Absent } else { Wanted::Present(last.value) };
            assert_eq!(worked, self.wanted[object], "{object}");
        }
    }
}
