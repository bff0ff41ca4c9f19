use std::collections::BTreeMap;
use std::hint::black_box;

use criterion::{BatchSize, Criterion, Throughput};
use delta::core::plan::consume::{self, CursorData, Shape, Standing};
use delta::core::{Cursor, LogName, Position};
use delta::{EventFilter, EventKind, Name, Names, Object};

use crate::samples::{BATCH, Item, events};

/// Asks 1,000 events whether they fit.
pub(crate) fn filter(criterion: &mut Criterion) {
    let events = events();
    let mut group = criterion.benchmark_group("filter 1,000 events");
    group.throughput(Throughput::Elements(BATCH.unsigned_abs()));
    let kind = Names::one(Name::new(Item::KIND).expect("a name"));
    let member = BTreeMap::from([("tenant".to_owned(), "t7".to_owned())]);
    for (name, filter) in [
        ("everything", EventFilter::default()),
        ("by kinds of event", EventFilter::of_kinds([EventKind::Synced, EventKind::Deleted])),
        ("by kind of object", EventFilter { kinds: kind, ..EventFilter::default() }),
        ("by prefix", EventFilter { object_id_prefix: Some("item-00005".to_owned()), ..EventFilter::default() }),
        ("by metadata", EventFilter { metadata: member, ..EventFilter::default() }),
    ] {
        group.bench_function(name, |bencher| {
            bencher.iter(|| events.iter().filter(|event| filter.matches(black_box(event))).count());
        });
    }
}

/// Writes a consumer's place into its cursor and reads it again: with nothing beside the position, and with what a consumer
/// keeps that has failed.
pub(crate) fn cursor(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("cursor");
    let log = LogName::own();
    let plain = CursorData::new(log.clone(), None, Shape::One);
    let mut failing = plain.clone();
    failing.attempts = (1..=100).map(|position| (Position::new(position), 3)).collect();
    for (name, data) in [("plain", plain), ("with 100 failures", failing)] {
        let standing = Standing { position: Some(Position::new(123_456)), data };
        let cursor = Cursor::new(consume::cursor_name(&log, "mailer"));
        let written = standing.clone().into_cursor(cursor.clone());
        group.bench_function(format!("{name}, written"), |bencher| {
            let states = || (standing.clone(), cursor.clone());
            bencher.iter_batched(states, |(standing, cursor)| standing.into_cursor(cursor), BatchSize::SmallInput);
        });
        group.bench_function(format!("{name}, read"), |bencher| bencher.iter(|| Standing::of(black_box(&written))));
    }
    group.bench_function("slice of a key", |bencher| {
        bencher.iter(|| consume::slice_of(black_box("default/item/item-0000001")));
    });
}
