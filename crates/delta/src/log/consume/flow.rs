use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::Arc;
use std::time::Duration;

use delta_core::{LogEvent, LogPage, LogStore, Position, Timestamp};
use tokio::time::Instant;

use crate::executor::guarded;
use crate::log::consume::delivery::Ack;
use crate::log::consume::lanes::Lanes;
use crate::log::consume::setup::Setup;
use crate::log::consume::slice::{Slice, Unwritten};
use crate::log::consume::unit::{Item, LaneKey, Unit};
use crate::log::consume::{ConsumeSummary, CursorWrites, meter::Meter};
use crate::log::consumer::Order;

/// What a run has read and not yet handled, and what the store does not know of it. It does no I/O.
pub(super) struct Flow<S: LogStore, E: LogEvent> {
    setup: Arc<Setup<S, E>>,
    pub(super) slices: BTreeMap<u16, Slice>,
    lanes: Lanes<E>,
    /// Delivered, and waiting for an ack.
    acking: BTreeMap<u64, Unit<E>>,
    /// What was said of units whose handler has yet to return.
    said: BTreeMap<u64, Ack>,
    /// The units that run, and their slices.
    running: BTreeMap<u64, u16>,
    open: usize,
    unwritten: Option<Unwritten>,
    pub(super) summary: ConsumeSummary,
}

impl<S: LogStore, E: LogEvent> Flow<S, E> {
    pub(super) fn new(setup: Arc<Setup<S, E>>) -> Self {
        let lanes = Lanes::new(!matches!(setup.consumer.order, Order::None(_)), setup.consumer.batch);
        Self {
            setup,
            slices: BTreeMap::new(),
            lanes,
            acking: BTreeMap::new(),
            said: BTreeMap::new(),
            running: BTreeMap::new(),
            open: 0,
            unwritten: None,
            summary: ConsumeSummary::default(),
        }
    }

    /// Where reading has to begin: before the first event that any slice has not seen.
    pub(super) fn read_from(&self) -> Option<Position> {
        let reading = self.slices.values().filter(|slice| !slice.is_draining());
        reading.map(|slice| slice.mark().read()).min()
    }

    /// Whether there is room for another page.
    pub(super) fn has_room(&self) -> bool {
        self.open < self.setup.window()
    }

    /// Whether everything that was read is handled.
    pub(super) fn is_clear(&self) -> bool {
        self.open == 0
    }

    /// The last position with nothing unhandled at it or below.
    pub(super) fn handled_up_to(&self) -> Option<Position> {
        self.slices.values().map(|slice| slice.mark().at()).min()
    }

    /// When the first event happened that is read and not handled.
    pub(super) fn oldest_open(&self) -> Option<Timestamp> {
        self.slices.values().filter_map(|slice| slice.mark().first_open_at()).min()
    }

    /// Takes in what was read: filters it, and puts it into lanes.
    pub(super) fn take_in(&mut self, page: LogPage<E>, now: Instant, server: Option<Timestamp>, meter: &Meter) {
        for event in page.events {
            let position = event.position();
            let number = self.setup.slice(&event);
            let Some(slice) = self.slices.get_mut(&number) else { continue };
            if position <= slice.mark().read() || slice.is_draining() {
                continue;
            }
            let passes = match &self.setup.consumer.filter_with {
                Some(filter) => guarded(|| filter(&event)).map_or(None, Result::ok),
                None => Some(true),
            };
            if passes == Some(false) || slice.skips(position) {
                slice.mark_mut().pass(position);
                self.summary.skipped += 1;
                meter.skipped(1);
                continue;
            }
            slice.mark_mut().begin(position, event.at());
            self.open += 1;
            let wait = match server {
                Some(server) if self.setup.options.lag > Duration::ZERO => {
                    (event.at() + self.setup.options.lag).since(server)
                }
                _ => Duration::ZERO,
            };
            let key = match self.setup.consumer.order {
                Order::Key(_) => hash(&event.key()),
                Order::Log | Order::None(_) => 0,
            };
            let item = Item { event, arrived: now, ready_at: now + wait, doubtful: passes.is_none() };
            self.lanes.push(LaneKey { slice: number, key }, item);
        }
        for slice in self.slices.values_mut().filter(|slice| !slice.is_draining()) {
            slice.mark_mut().pass(page.next);
        }
        self.note(Unwritten::Passed);
    }

    /// The next unit that may be handled now, as one that has begun.
    pub(super) fn next(&mut self, now: Instant) -> Option<Unit<E>> {
        let strict = self.setup.options.writes == CursorWrites::Sync;
        let transactional = self.setup.is_transactional();
        let (slices, lanes) = (&self.slices, &mut self.lanes);
        let may_begin = |number| {
            slices.get(&number).is_some_and(|slice: &Slice| {
                !(slice.is_draining() || strict && !slice.is_settled() || transactional && slice.is_busy())
            })
        };
        let mut unit = lanes.next(now, may_begin)?;
        // A new one for each attempt, so that what is said of an earlier one is told apart.
        unit.id = lanes.id();
        self.running.insert(unit.id, unit.lane.slice);
        Some(unit)
    }

    /// When something may be handled that may not yet.
    pub(super) fn next_timer(&self) -> Option<Instant> {
        self.lanes.next_timer()
    }

    /// Nothing more is read.
    pub(super) fn flush(&mut self) {
        self.lanes.flush();
    }

    /// Cursors were written: what waited for that may begin.
    pub(super) fn unhold(&mut self) {
        self.lanes.unhold();
    }

    pub(super) fn slice_of(&mut self, unit: &Unit<E>) -> Option<&mut Slice> {
        self.slices.get_mut(&unit.lane.slice)
    }

    /// A unit's attempt is over. Returns what was said of it meanwhile.
    pub(super) fn ended(&mut self, unit: &Unit<E>) -> Option<Ack> {
        self.running.remove(&unit.id);
        self.said.remove(&unit.id)
    }

    /// What is behind a unit, whose attempt is over, may begin.
    pub(super) fn go_on(&mut self, unit: &Unit<E>) {
        self.lanes.ended(unit.lane);
    }

    /// A unit is handled, or passed over.
    pub(super) fn handled(&mut self, unit: &Unit<E>) {
        if let Some(slice) = self.slices.get_mut(&unit.lane.slice) {
            let before = slice.mark().open();
            slice.handled(unit.positions());
            self.open -= before - slice.mark().open();
            self.note(Unwritten::Handled);
        }
    }

    /// Counts an attempt at a unit that has failed. Returns how many have.
    pub(super) fn failed(&mut self, unit: &Unit<E>) -> u32 {
        self.note(Unwritten::Counted);
        self.slice_of(unit).map_or(1, |slice| slice.failed(unit.position()))
    }

    /// Has a unit tried again.
    pub(super) fn retry(&mut self, unit: Unit<E>, at: Instant) {
        if self.slices.get(&unit.lane.slice).is_some_and(|slice| !slice.is_draining()) {
            self.lanes.retry(unit, at);
        }
    }

    /// A unit waits for its ack.
    pub(super) fn wait_for_ack(&mut self, unit: Unit<E>) {
        self.acking.insert(unit.id, unit);
    }

    /// Takes in what was said of deliveries. Returns the units that are handled by it, and those that have failed.
    pub(super) fn hear(&mut self, ack: Ack) -> (Vec<Unit<E>>, Option<Unit<E>>) {
        match ack {
            Ack::One(id) => {
                if self.running.contains_key(&id) {
                    self.said.insert(id, ack);
                }
                (self.acking.remove(&id).into_iter().collect(), None)
            }
            Ack::UpTo(id) => {
                self.said.extend(self.running.range(..=id).map(|(running, _)| (*running, Ack::One(*running))));
                let later = self.acking.split_off(&(id + 1));
                (std::mem::replace(&mut self.acking, later).into_values().collect(), None)
            }
            Ack::Dropped(id) => {
                if self.running.contains_key(&id) {
                    self.said.entry(id).or_insert(ack);
                }
                (Vec::new(), self.acking.remove(&id))
            }
        }
    }

    /// What the store does not know, by how much it hurts to lose it.
    pub(super) fn unwritten(&self) -> Option<Unwritten> {
        self.unwritten
    }

    fn note(&mut self, unwritten: Unwritten) {
        self.unwritten = self.unwritten.max(Some(unwritten));
    }

    /// Adds a slice.
    pub(super) fn add(&mut self, number: u16, slice: Slice) {
        self.remove(number);
        self.slices.insert(number, slice);
    }

    /// Forgets a slice, with all that was read of it.
    pub(super) fn remove(&mut self, number: u16) -> Option<Slice> {
        let slice = self.slices.remove(&number)?;
        self.open -= slice.mark().open();
        self.lanes.drop_slice(number);
        self.acking.retain(|_, unit| unit.lane.slice != number);
        Some(slice)
    }

    /// Begins nothing more of so many slices.
    pub(super) fn drain(&mut self, slices: usize) {
        let draining = self.slices.values().filter(|slice| slice.is_draining()).count();
        let rest = self.slices.iter_mut().rev().filter(|(_, slice)| !slice.is_draining());
        for (number, slice) in rest.take(slices.saturating_sub(draining)) {
            slice.drain();
            self.lanes.drop_slice(*number);
        }
    }

    /// Whether anything is drained that could be given back.
    pub(super) fn has_drained(&self) -> bool {
        self.slices.iter().any(|(number, slice)| self.is_drained(*number, slice))
    }

    fn is_drained(&self, number: u16, slice: &Slice) -> bool {
        slice.is_draining() && !slice.is_busy() && self.running.values().all(|running| *running != number)
    }

    /// Forgets the slices that are drained, to be given back.
    pub(super) fn take_drained(&mut self) -> Vec<Slice> {
        let drained = self.slices.iter().filter(|(number, slice)| self.is_drained(**number, slice));
        let numbers: Vec<u16> = drained.map(|(number, _)| *number).collect();
        numbers.into_iter().filter_map(|number| self.remove(number)).collect()
    }

    /// Looks again at what is to be written.
    pub(super) fn look_again(&mut self) {
        self.unwritten = self.slices.values().filter_map(Slice::unwritten).max();
    }
}

fn hash(key: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    key.hash(&mut hasher);
    hasher.finish()
}
