use std::hint::black_box;
use std::sync::Arc;

use criterion::{BatchSize, Criterion, Throughput};
use delta::Resource;
use delta::core::{CanonicalObject, ObjectHash};
use serde_json::value::RawValue;

use crate::samples::{Item, SIZES, row};

/// Makes the canonical text of an object and its hash: what each inform costs before any database.
pub(crate) fn canonical(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("canonical form of an object");
    for (name, bytes) in SIZES {
        let item = Item::new(1, bytes);
        let length = CanonicalObject::new(&item).expect("an item is JSON").text().len();
        group.throughput(Throughput::Bytes(length as u64));
        group.bench_function(name, |bencher| bencher.iter(|| CanonicalObject::new(black_box(&item))));
    }
}

/// Hashes a canonical text, and compares hashes as an inform of an unchanged object does.
pub(crate) fn hash(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("hash of an object, compared");
    for (name, bytes) in SIZES {
        let object = CanonicalObject::new(&Item::new(1, bytes)).expect("an item is JSON");
        group.throughput(Throughput::Bytes(object.text().len() as u64));
        group.bench_function(name, |bencher| {
            bencher.iter(|| ObjectHash::of(black_box(object.text())) == object.hash());
        });
    }
}

/// What a worker is given: its object decoded, against JSON handed on as it is, and against a tree of values.
pub(crate) fn decode(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("decode an object");
    for (name, bytes) in SIZES {
        let row = row(1, &Item::new(1, bytes));
        let text: Arc<str> = row.detail.as_ref().expect("a full row").object.clone();
        group.throughput(Throughput::Bytes(text.len() as u64));
        group.bench_function(format!("{name}, to its type"), |bencher| {
            bencher.iter_batched(|| row.clone(), Resource::<Item>::decode, BatchSize::SmallInput);
        });
        group.bench_function(format!("{name}, to a tree of values"), |bencher| {
            bencher.iter(|| serde_json::from_str::<serde_json::Value>(black_box(&text)));
        });
        group.bench_function(format!("{name}, to raw JSON that is checked"), |bencher| {
            bencher.iter(|| serde_json::from_str::<&RawValue>(black_box(&text)));
        });
        group
            .bench_function(format!("{name}, handed on as it is"), |bencher| bencher.iter(|| black_box(&text).clone()));
    }
}
