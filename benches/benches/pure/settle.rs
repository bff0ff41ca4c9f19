use std::time::Duration;

use criterion::{BatchSize, Criterion, Throughput};
use delta::core::plan::{self, Report};
use delta::core::{Lease, LeaseToken, Owner};
use delta::{EventObjects, State};

use crate::samples::{BATCH, NOW, pending, rows};

/// Plans 1,000 settlements, and takes 1,000 rows under leases.
pub(crate) fn plan(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("plan of 1,000");
    group.throughput(Throughput::Elements(BATCH.unsigned_abs()));
    let rows_in_flight = pending();
    let failed = Report::Failed { message: "refused".to_owned(), backtrace: None, retry_in: Duration::from_secs(5) };
    for (name, report) in [("settle as synced", Report::Synced), ("settle as failed", failed)] {
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                let settled = rows_in_flight.iter().map(|row| plan::settle(row, &report, EventObjects::Omit, NOW));
                settled.filter_map(Result::ok).collect::<Vec<_>>()
            });
        });
    }
    let due: Vec<_> = rows()
        .into_iter()
        .map(|mut row| {
            (row.state, row.run_at) = (State::Scheduled, Some(NOW));
            row
        })
        .collect();
    group.bench_function("claim", |bencher| {
        let claim = |mut rows: Vec<delta::core::Resource>| {
            for (token, row) in (1..).zip(&mut rows) {
                let lease = Lease {
                    owner: Owner::new(1),
                    token: LeaseToken::new(token),
                    until: NOW + Duration::from_mins(1),
                    generation: 0,
                    attempt: 0,
                    cancel_requested: false,
                };
                assert!(plan::claim(row, lease, NOW), "a due row is claimed");
            }
            rows
        };
        bencher.iter_batched(|| due.clone(), claim, BatchSize::LargeInput);
    });
}
