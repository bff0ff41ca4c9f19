use std::collections::{BTreeMap, BTreeSet, VecDeque};

use delta_core::LogEvent;
use tokio::time::Instant;

use crate::log::consume::Batch;
use crate::log::consume::unit::{Item, LaneKey, Unit};

/// What waits to be handled, and in which order it may be.
#[derive(Debug)]
pub(super) struct Lanes<E> {
    ordered: bool,
    batch: Option<Batch>,
    by_key: BTreeMap<LaneKey, Lane<E>>,
    /// Lanes that may have something.
    ready: VecDeque<LaneKey>,
    /// Lanes that will.
    timers: BTreeSet<(Instant, LaneKey)>,
    /// Lanes that had something while it might not begin.
    held: BTreeSet<LaneKey>,
    flush: bool,
    last_id: u64,
}

#[derive(Debug)]
struct Lane<E> {
    queue: VecDeque<Item<E>>,
    retries: Vec<(Instant, Unit<E>)>,
    running: usize,
    listed: bool,
}

impl<E> Default for Lane<E> {
    fn default() -> Self {
        Self { queue: VecDeque::new(), retries: Vec::new(), running: 0, listed: false }
    }
}

enum Found<E> {
    Unit(Unit<E>),
    Later(Instant),
    Nothing,
}

impl<E: LogEvent> Lanes<E> {
    /// `ordered`: one unit of a lane at a time.
    pub(super) fn new(ordered: bool, batch: Option<Batch>) -> Self {
        Self {
            ordered,
            batch,
            by_key: BTreeMap::new(),
            ready: VecDeque::new(),
            timers: BTreeSet::new(),
            held: BTreeSet::new(),
            flush: false,
            last_id: 0,
        }
    }

    /// A number for a unit.
    pub(super) fn id(&mut self) -> u64 {
        self.last_id += 1;
        self.last_id
    }

    /// Puts an event at the end of its lane.
    pub(super) fn push(&mut self, key: LaneKey, item: Item<E>) {
        self.by_key.entry(key).or_default().queue.push_back(item);
        self.list(key);
    }

    /// Nothing more will come: batches are not waited for.
    pub(super) fn flush(&mut self) {
        if !self.flush {
            self.flush = true;
            let keys: Vec<_> = self.by_key.keys().copied().collect();
            for key in keys {
                self.list(key);
            }
        }
    }

    /// Has a unit, which has run, tried again at some time.
    pub(super) fn retry(&mut self, unit: Unit<E>, at: Instant) {
        let key = unit.lane;
        self.by_key.entry(key).or_default().retries.push((at, unit));
        self.list(key);
    }

    /// A unit of a lane runs no longer.
    pub(super) fn ended(&mut self, key: LaneKey) {
        if let Some(lane) = self.by_key.get_mut(&key) {
            lane.running = lane.running.saturating_sub(1);
            self.list(key);
        }
    }

    /// What might not begin may begin now.
    pub(super) fn unhold(&mut self) {
        for key in std::mem::take(&mut self.held) {
            self.list(key);
        }
    }

    /// Forgets a slice.
    pub(super) fn drop_slice(&mut self, slice: u16) {
        self.by_key.retain(|key, _| key.slice != slice);
    }

    /// The next unit that may be handled now, of a slice that may begin.
    pub(super) fn next(&mut self, now: Instant, may_begin: impl Fn(u16) -> bool) -> Option<Unit<E>> {
        while let Some(&(at, key)) = self.timers.first().filter(|(at, _)| *at <= now) {
            self.timers.remove(&(at, key));
            self.list(key);
        }
        while let Some(key) = self.ready.pop_front() {
            let Some(lane) = self.by_key.get_mut(&key) else { continue };
            lane.listed = false;
            if !may_begin(key.slice) {
                self.held.insert(key);
                continue;
            }
            match lane.take(key, self.last_id + 1, self.ordered, self.batch, self.flush, now) {
                Found::Unit(unit) => {
                    self.last_id = self.last_id.max(unit.id);
                    if !self.ordered {
                        self.list(key);
                    }
                    return Some(unit);
                }
                Found::Later(at) => {
                    self.timers.insert((at, key));
                }
                Found::Nothing if lane.is_empty() => {
                    self.by_key.remove(&key);
                }
                Found::Nothing => {}
            }
        }
        None
    }

    /// When to look again, if nothing happens.
    pub(super) fn next_timer(&self) -> Option<Instant> {
        self.timers.first().map(|(at, _)| *at)
    }

    /// Whether anything waits in a slice.
    #[cfg(test)]
    fn is_empty(&self) -> bool {
        self.by_key.values().all(Lane::is_empty)
    }

    fn list(&mut self, key: LaneKey) {
        if let Some(lane) = self.by_key.get_mut(&key).filter(|lane| !lane.listed) {
            lane.listed = true;
            self.ready.push_back(key);
        }
    }
}

impl<E: LogEvent> Lane<E> {
    fn is_empty(&self) -> bool {
        self.queue.is_empty() && self.retries.is_empty() && self.running == 0
    }

    fn take(
        &mut self,
        key: LaneKey,
        id: u64,
        ordered: bool,
        batch: Option<Batch>,
        flush: bool,
        now: Instant,
    ) -> Found<E> {
        if ordered && self.running > 0 {
            return Found::Nothing;
        }
        let first_retry = self.retries.iter().enumerate().min_by_key(|(_, (at, _))| *at).map(|(n, (at, _))| (n, *at));
        match first_retry {
            Some((number, at)) if at <= now => {
                self.running += 1;
                return Found::Unit(self.retries.swap_remove(number).1);
            }
            Some((_, at)) if ordered => return Found::Later(at),
            _ => {}
        }
        let queued = self.take_queued(key, id, batch, flush, now);
        match (queued, first_retry) {
            (Found::Later(at), Some((_, retry))) => Found::Later(at.min(retry)),
            (Found::Nothing, Some((_, retry))) => Found::Later(retry),
            (Found::Unit(unit), _) => {
                self.running += 1;
                Found::Unit(unit)
            }
            (found, None) => found,
        }
    }

    fn take_queued(&mut self, key: LaneKey, id: u64, batch: Option<Batch>, flush: bool, now: Instant) -> Found<E> {
        let Some(first) = self.queue.front() else { return Found::Nothing };
        if first.ready_at > now {
            return Found::Later(first.ready_at);
        }
        let Some(batch) = batch.filter(|_| !first.doubtful) else {
            let Some(item) = self.queue.pop_front() else { return Found::Nothing };
            return Found::Unit(Unit { id, lane: key, events: vec![item.event], doubtful: item.doubtful });
        };
        let fits = |item: &&Item<E>| item.ready_at <= now && !item.doubtful;
        let ready = self.queue.iter().take(batch.size).take_while(fits).count();
        // What a doubtful one stands behind would not grow any more.
        let complete = ready == batch.size || self.queue.get(ready).is_some_and(|next| next.doubtful);
        let over = first.arrived.max(first.ready_at) + batch.age;
        if !complete && !flush && over > now {
            let next = self.queue.get(ready).map_or(over, |next| next.ready_at.min(over));
            return Found::Later(next);
        }
        let events = self.queue.drain(..ready).map(|item| item.event).collect();
        Found::Unit(Unit { id, lane: key, events, doubtful: false })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use delta_core::{ForeignId, Position, TableEvent, Timestamp};

    use super::*;
    use crate::clock::instant;

    const SECOND: Duration = Duration::from_secs(1);
    const LANE: LaneKey = LaneKey { slice: 0, key: 0 };

    fn item(position: i64, at: Instant) -> Item<TableEvent> {
        let event = TableEvent {
            position: Position::new(position),
            foreign_id: ForeignId::Int(1),
            kind: 1,
            at: Timestamp::EPOCH,
            metadata: None,
            trace: None,
        };
        Item { event, arrived: at, ready_at: at, doubtful: false }
    }

    fn next(lanes: &mut Lanes<TableEvent>, now: Instant) -> Option<Unit<TableEvent>> {
        lanes.next(now, |_| true)
    }

    fn positions(unit: Option<Unit<TableEvent>>) -> Vec<i64> {
        unit.map(|unit| unit.positions().map(Position::get).collect()).unwrap_or_default()
    }

    #[test]
    fn an_ordered_lane_gives_one_at_a_time_and_another_goes_on() {
        let (mut lanes, now) = (Lanes::new(true, None), instant());
        let other = LaneKey { key: 1, ..LANE };
        for (key, position) in [(LANE, 1), (LANE, 2), (other, 3)] {
            lanes.push(key, item(position, now));
        }
        let first = next(&mut lanes, now);
        assert_eq!(positions(first), [1]);
        assert_eq!(positions(next(&mut lanes, now)), [3]);
        assert_eq!(positions(next(&mut lanes, now)), [0; 0]);
        lanes.ended(LANE);
        assert_eq!(positions(next(&mut lanes, now)), [2]);
        lanes.ended(LANE);
        lanes.ended(other);
        assert!(next(&mut lanes, now).is_none() && lanes.is_empty() && lanes.by_key.is_empty());
    }

    #[test]
    fn a_failed_unit_keeps_its_ordered_lane_until_it_is_tried_again() {
        let (mut lanes, now) = (Lanes::new(true, None), instant());
        lanes.push(LANE, item(1, now));
        lanes.push(LANE, item(2, now));
        let unit = next(&mut lanes, now).unwrap();
        lanes.retry(unit, now + SECOND);
        lanes.ended(LANE);
        assert!(next(&mut lanes, now).is_none());
        assert_eq!(lanes.next_timer(), Some(now + SECOND));
        assert_eq!(positions(next(&mut lanes, now + SECOND)), [1]);
    }

    #[test]
    fn a_lane_without_order_goes_on_beside_a_failed_unit() {
        let (mut lanes, now) = (Lanes::new(false, None), instant());
        (1..=3).for_each(|position| lanes.push(LANE, item(position, now)));
        let unit = next(&mut lanes, now).unwrap();
        lanes.retry(unit, now + SECOND);
        lanes.ended(LANE);
        assert_eq!(positions(next(&mut lanes, now)), [2]);
        assert_eq!(positions(next(&mut lanes, now + SECOND)), [1], "what has waited longest comes first");
        assert_eq!(positions(next(&mut lanes, now + SECOND)), [3]);
    }

    #[test]
    fn a_batch_is_complete_by_size_or_by_age_or_when_nothing_more_comes() {
        let now = instant();
        let mut lanes = Lanes::new(true, Some(Batch::new().size(2).age(SECOND)));
        (1..=3).for_each(|position| lanes.push(LANE, item(position, now)));
        assert_eq!(positions(next(&mut lanes, now)), [1, 2]);
        lanes.ended(LANE);
        assert!(next(&mut lanes, now).is_none());
        assert_eq!(lanes.next_timer(), Some(now + SECOND));
        assert_eq!(positions(next(&mut lanes, now + SECOND)), [3]);
        lanes.ended(LANE);
        lanes.push(LANE, item(4, now + SECOND));
        assert!(next(&mut lanes, now + SECOND).is_none());
        lanes.flush();
        assert_eq!(positions(next(&mut lanes, now + SECOND)), [4]);
    }

    #[test]
    fn a_doubtful_event_is_a_unit_by_itself_and_ends_the_batch_before_it() {
        let now = instant();
        let mut lanes = Lanes::new(false, Some(Batch::new().size(9)));
        lanes.push(LANE, item(1, now));
        lanes.push(LANE, Item { doubtful: true, ..item(2, now) });
        assert_eq!(positions(next(&mut lanes, now)), [1]);
        let doubtful = next(&mut lanes, now).unwrap();
        assert!(doubtful.doubtful);
        assert_eq!(positions(Some(doubtful)), [2]);
    }

    #[test]
    fn what_lags_waits_for_its_time() {
        let (mut lanes, now) = (Lanes::new(true, None), instant());
        lanes.push(LANE, Item { ready_at: now + SECOND, ..item(1, now) });
        assert!(next(&mut lanes, now).is_none());
        assert_eq!(lanes.next_timer(), Some(now + SECOND));
        assert_eq!(positions(next(&mut lanes, now + SECOND)), [1]);
    }

    #[test]
    fn what_may_not_begin_waits_until_it_may() {
        let (mut lanes, now) = (Lanes::new(true, None), instant());
        lanes.push(LANE, item(1, now));
        assert!(lanes.next(now, |_| false).is_none());
        assert!(next(&mut lanes, now).is_none(), "it is not looked at again and again");
        lanes.unhold();
        assert_eq!(positions(next(&mut lanes, now)), [1]);
    }
}
