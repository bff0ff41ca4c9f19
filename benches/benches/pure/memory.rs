use std::time::Duration;

use criterion::{BatchSize, Criterion, Throughput};
use delta::core::plan::{self, Report};
use delta::core::{Access, Changeset, ClaimRequest, Lane, LeaseToken, Owner};
use delta::{Client, EventObjects, MemoryStore, Name, Object, Store};

use crate::samples::{BATCH, Item};

/// Informs, claims and settles 1,000 on an empty store in memory: all that Delta does itself.
pub(crate) fn round(criterion: &mut Criterion) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
    let mut group = criterion.benchmark_group("in memory, 1,000");
    group.throughput(Throughput::Elements(BATCH.unsigned_abs()));
    let items: Vec<Item> = (1..=BATCH).map(|id| Item::new(id, 560)).collect();
    let empty = || Client::builder(MemoryStore::new()).build().expect("a client");
    let filled = || {
        let client = empty();
        runtime.block_on(inform(&client, &items));
        client
    };
    let informed = |client: Client<MemoryStore>| runtime.block_on(async { inform(&client, &items).await });
    group.bench_function("inform, new", |bencher| bencher.iter_batched(empty, informed, BatchSize::LargeInput));
    group.bench_function("inform, unchanged", |bencher| bencher.iter_batched(filled, informed, BatchSize::LargeInput));
    group.bench_function("inform, claim and settle", |bencher| {
        let all = |client: Client<MemoryStore>| {
            runtime.block_on(async {
                inform(&client, &items).await;
                drain(client.store()).await;
            });
        };
        bencher.iter_batched(empty, all, BatchSize::LargeInput);
    });
}

async fn inform(client: &Client<MemoryStore>, items: &[Item]) {
    client.inform_many(items).await.expect("informed");
}

/// Claims all that is there at once, and settles it.
async fn drain(store: &MemoryStore) {
    let mut conn = store.acquire(Access::Write).await.expect("a connection");
    let now = store.now(&mut conn).await.expect("the time");
    let lane = Lane { namespace: Name::default_namespace(), kind: Name::new(Item::KIND).expect("a name") };
    let most = u32::try_from(BATCH).expect("few");
    let request = ClaimRequest {
        now,
        owner: Owner::new(1),
        base: LeaseToken::new(1),
        until: now + Duration::from_mins(1),
        lanes: vec![(lane, most)],
    };
    let claimed = store.claim(&mut conn, &Changeset::new(now), &request).await.expect("claimed").resources;
    assert_eq!(claimed.len(), most as usize, "all are claimed");
    let settled = claimed.iter().map(|row| plan::settle(row, &Report::Synced, EventObjects::Omit, now));
    let changes = settled.collect::<Result<_, _>>().expect("each holds its lease");
    let changeset = Changeset { changes, ..Changeset::new(now) };
    store.commit(&mut conn, &changeset).await.expect("settled");
}
