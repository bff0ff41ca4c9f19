use criterion::{BatchSize, Criterion, Throughput};
use delta::core::Resource;
use delta::core::plan::{self, InformInput};

use crate::samples::{BATCH, Item, NOW, inputs, rows};

/// Plans 1,000 informs over what a store has loaded for them.
pub(crate) fn plan(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("plan an inform of 1,000");
    group.throughput(Throughput::Elements(BATCH.unsigned_abs()));
    let items = || (1..=BATCH).map(|id| Item::new(id, 560));
    // Rows are loaded without their objects unless a kind compares them itself.
    let loaded: Vec<Resource> = rows().into_iter().map(|row| Resource { detail: None, ..row }).collect();
    let cases: [(&str, Vec<Resource>, Vec<InformInput>); 3] = [
        ("new", Vec::new(), inputs(items())),
        ("unchanged", loaded.clone(), inputs(items())),
        ("changed", loaded, inputs(items().map(Item::changed))),
    ];
    for (name, loaded, inputs) in &cases {
        group.bench_function(*name, |bencher| {
            bencher.iter_batched(|| loaded.clone(), |rows| plan::inform(rows, inputs, NOW), BatchSize::LargeInput);
        });
    }
}
