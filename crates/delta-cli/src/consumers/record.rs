//! What is printed of consumers as JSON. Fields are added, never renamed or removed.

use std::collections::{BTreeMap, BTreeSet};

use delta::core::plan::consume::Shape;
use delta::core::{DeadLetter, DeadLetterStatus, LogName, Owner};
use delta::{Position, Timestamp};
use serde::Serialize;
use serde_json::Value;

use crate::consumers::{Consumer, Holding, Lag};
use crate::records::json;

/// A consumer.
#[derive(Debug, Serialize)]
pub(crate) struct ConsumerRecord<'a> {
    consumer: &'a str,
    log: &'a LogName,
    program: Option<&'a str>,
    shape: Shape,
    /// Of the slice that is furthest behind, of a sharded one.
    position: Option<Position>,
    lag: LagRecord,
    /// `null` of one that nobody holds, and of a sharded one.
    holder: Option<Owner>,
    lease_until: Option<Timestamp>,
    live: bool,
    members: &'a BTreeSet<Owner>,
    slices: Option<SlicesRecord>,
    dead_letters: u64,
    attempts: BTreeMap<Position, u32>,
    skipped: BTreeSet<Position>,
    faults: Vec<String>,
}

#[derive(Debug, Serialize)]
struct LagRecord {
    events: Option<u64>,
    seconds: Option<f64>,
    /// When the first event happened that is yet to be handled.
    since: Option<Timestamp>,
    /// Why it is not known, or what is wrong with it.
    problem: Option<String>,
}

#[derive(Debug, Serialize)]
struct SlicesRecord {
    stored: usize,
    held: usize,
}

/// A dead letter.
#[derive(Debug, Serialize)]
pub(crate) struct LetterRecord<'a> {
    id: i64,
    position: Position,
    status: DeadLetterStatus,
    message: &'a str,
    attempts: Option<u32>,
    created_at: Timestamp,
    updated_at: Timestamp,
    event: Value,
}

impl<'a> ConsumerRecord<'a> {
    pub(crate) fn new(consumer: &'a Consumer, lag: &Lag, dead_letters: u64, now: Timestamp) -> Self {
        let holding = Holding::of(consumer, now);
        let (holder, lease_until) = match holding {
            Holding::One { owner, until } | Holding::Over { owner, until } => (Some(owner), Some(until)),
            Holding::Nobody | Holding::Members { .. } => (None, None),
        };
        let held = if let Holding::Members { slices, .. } = holding { slices } else { 0 };
        Self {
            consumer: &consumer.name,
            log: &consumer.log,
            program: consumer.program(),
            shape: consumer.shape(),
            position: consumer.position(),
            lag: LagRecord::new(lag, now),
            holder,
            lease_until,
            live: holding.is_live(),
            members: &consumer.members,
            slices: (consumer.shape() == Shape::Sharded)
                .then_some(SlicesRecord { stored: consumer.slices.len(), held }),
            dead_letters,
            attempts: consumer.attempts(),
            skipped: consumer.skipped(),
            faults: consumer.faults(),
        }
    }
}

impl LagRecord {
    fn new(lag: &Lag, now: Timestamp) -> Self {
        let (events, since) = match lag {
            Lag::Behind { events, since } => (Some(*events), *since),
            _ => (None, None),
        };
        let age = since.map(|since| now.since(since).as_secs_f64());
        let seconds = age.or_else(|| events.map(|_| 0.0));
        Self { events, seconds, since, problem: lag.problem() }
    }
}

impl<'a> LetterRecord<'a> {
    pub(crate) fn new(letter: &'a DeadLetter) -> Self {
        Self {
            id: letter.id,
            position: letter.position,
            status: letter.status,
            message: &letter.message,
            attempts: letter.attempts,
            created_at: letter.created_at,
            updated_at: letter.updated_at,
            event: letter.event.as_deref().map_or(Value::Null, json),
        }
    }
}
