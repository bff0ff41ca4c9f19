use std::collections::{BTreeMap, BTreeSet, VecDeque};

use delta_core::{Lane, Name};

/// What runs, and where there is more to claim: pure bookkeeping of limits and of whose turn it is.
///
/// A lane is *active* while it may have something to claim. Free slots are dealt to the active lanes one by one in turn, and
/// the turn goes on from claim to claim, so that a long backlog of one lane does not starve another.
#[derive(Debug, Default)]
pub(crate) struct Slots {
    kinds: BTreeMap<Name, Usage>,
    /// What runs of each namespace.
    namespaces: BTreeMap<Name, u32>,
    running: u32,
    /// Active lanes, whose turn it is first.
    turns: VecDeque<Lane>,
    active: BTreeSet<Lane>,
}

#[derive(Clone, Copy, Debug)]
struct Usage {
    limit: u32,
    running: u32,
}

impl Usage {
    fn free(self) -> u32 {
        self.limit.saturating_sub(self.running)
    }
}

impl Slots {
    /// Takes the kinds with how many of each may run at once.
    pub(crate) fn new(kinds: impl IntoIterator<Item = (Name, u32)>) -> Self {
        let kinds = kinds.into_iter().map(|(name, limit)| (name, Usage { limit, running: 0 })).collect();
        Self { kinds, ..Self::default() }
    }

    /// How many run.
    pub(crate) fn running(&self) -> u32 {
        self.running
    }

    /// Whether something of any kind could be started.
    pub(crate) fn any_free(&self) -> bool {
        self.kinds.values().any(|kind| kind.free() > 0)
    }

    /// Counts an attempt that begins.
    pub(crate) fn begin(&mut self, lane: &Lane) {
        if let Some(kind) = self.kinds.get_mut(&lane.kind) {
            kind.running += 1;
        }
        *self.namespaces.entry(lane.namespace.clone()).or_default() += 1;
        self.running += 1;
    }

    /// Counts an attempt that has ended.
    pub(crate) fn end(&mut self, lane: &Lane) {
        if let Some(kind) = self.kinds.get_mut(&lane.kind) {
            kind.running = kind.running.saturating_sub(1);
        }
        if let Some(running) = self.namespaces.get_mut(&lane.namespace) {
            *running = running.saturating_sub(1);
            if *running == 0 {
                self.namespaces.remove(&lane.namespace);
            }
        }
        self.running = self.running.saturating_sub(1);
    }

    /// Notes that a lane may have something to claim; a new one is the last in turn. Lanes of other kinds are left out.
    pub(crate) fn activate(&mut self, lane: Lane) {
        if self.kinds.contains_key(&lane.kind) && self.active.insert(lane.clone()) {
            self.turns.push_back(lane);
        }
    }

    /// Notes that exactly these lanes have something to claim. Those that were active keep their turn.
    pub(crate) fn replace(&mut self, lanes: Vec<Lane>) {
        let known: BTreeSet<Lane> = lanes.iter().cloned().collect();
        self.turns.retain(|lane| known.contains(lane));
        self.active.retain(|lane| known.contains(lane));
        for lane in lanes {
            self.activate(lane);
        }
    }

    /// Notes that a lane has nothing more.
    pub(crate) fn exhaust(&mut self, lane: &Lane) {
        if self.active.remove(lane) {
            self.turns.retain(|turn| turn != lane);
        }
    }

    /// Whether a lane is active and its limits leave a slot free.
    pub(crate) fn has_room(&self, max_workers: impl Fn(&Name) -> u32) -> bool {
        self.turns.iter().any(|lane| self.room(lane, &max_workers) > 0)
    }

    fn room(&self, lane: &Lane, max_workers: &impl Fn(&Name) -> u32) -> u32 {
        let of_kind = self.kinds.get(&lane.kind).map_or(0, |kind| kind.free());
        if of_kind == 0 {
            return 0;
        }
        let running = self.namespaces.get(&lane.namespace).copied().unwrap_or(0);
        of_kind.min(max_workers(&lane.namespace).saturating_sub(running))
    }

    /// Deals at most `most` free slots to the active lanes, one by one in turn. A lane that its limits leave out keeps its
    /// place.
    pub(crate) fn deal(&mut self, most: u32, max_workers: impl Fn(&Name) -> u32) -> Vec<(Lane, u32)> {
        let mut dealt: BTreeMap<Lane, u32> = BTreeMap::new();
        let mut order = Vec::new();
        let mut kinds: BTreeMap<Name, u32> =
            self.kinds.iter().map(|(name, kind)| (name.clone(), kind.free())).collect();
        let free = kinds.values().fold(0, |sum: u32, free| sum.saturating_add(*free));
        let mut free_of_kinds = free.min(most);
        let mut namespaces: BTreeMap<Name, u32> = BTreeMap::new();
        let mut waiting = VecDeque::new();
        while free_of_kinds > 0 {
            let Some(lane) = self.turns.pop_front() else { break };
            let of_namespace = namespaces.entry(lane.namespace.clone()).or_insert_with(|| {
                let running = self.namespaces.get(&lane.namespace).copied().unwrap_or(0);
                max_workers(&lane.namespace).saturating_sub(running)
            });
            match kinds.get_mut(&lane.kind) {
                Some(of_kind) if *of_kind > 0 && *of_namespace > 0 => {
                    *of_kind -= 1;
                    *of_namespace -= 1;
                    free_of_kinds -= 1;
                    *dealt.entry(lane.clone()).or_insert_with(|| {
                        order.push(lane.clone());
                        0
                    }) += 1;
                    self.turns.push_back(lane);
                }
                _ => waiting.push_back(lane),
            }
        }
        waiting.append(&mut self.turns);
        self.turns = waiting;
        let number = |lane: Lane| {
            let number = dealt.get(&lane).copied().unwrap_or(0);
            (lane, number)
        };
        order.into_iter().map(number).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(name: &str) -> Name {
        Name::new(name).unwrap()
    }

    fn lane(namespace: &str, kind: &str) -> Lane {
        Lane { namespace: name(namespace), kind: name(kind) }
    }

    fn slots(kinds: &[(&str, u32)], lanes: &[(&str, &str)]) -> Slots {
        let mut slots = Slots::new(kinds.iter().map(|(kind, limit)| (name(kind), *limit)));
        for (namespace, kind) in lanes {
            slots.activate(lane(namespace, kind));
        }
        slots
    }

    fn begin(slots: &mut Slots, dealt: &[(Lane, u32)]) {
        for (lane, number) in dealt {
            (0..*number).for_each(|_| slots.begin(lane));
        }
    }

    #[test]
    fn free_slots_are_shared_by_the_active_lanes() {
        let mut slots = slots(&[("a", 10)], &[("x", "a"), ("y", "a"), ("z", "a")]);
        assert_eq!(slots.deal(1_000, |_| 100), [(lane("x", "a"), 4), (lane("y", "a"), 3), (lane("z", "a"), 3)]);
    }

    #[test]
    fn the_turn_goes_on_from_claim_to_claim() {
        let mut slots = slots(&[("a", 1)], &[("x", "a"), ("y", "a")]);
        let mut served = Vec::new();
        for _ in 0..4 {
            let dealt = slots.deal(1_000, |_| 100);
            begin(&mut slots, &dealt);
            served.extend(dealt.iter().map(|(lane, _)| lane.namespace.to_string()));
            slots.end(&dealt[0].0);
        }
        assert_eq!(served, ["x", "y", "x", "y"]);
    }

    #[test]
    fn limits_of_kinds_and_namespaces_are_never_exceeded() {
        let mut slots = slots(&[("a", 4), ("b", 3)], &[("x", "a"), ("x", "b"), ("y", "a"), ("y", "b")]);
        let limits = |namespace: &Name| if namespace.as_str() == "x" { 2 } else { 100 };
        let dealt = slots.deal(1_000, limits);
        begin(&mut slots, &dealt);
        let of = |part: fn(&Lane) -> &Name, name: &str| -> u32 {
            dealt.iter().filter(|(lane, _)| part(lane).as_str() == name).map(|(_, number)| number).sum()
        };
        assert_eq!(of(|lane| &lane.namespace, "x"), 2);
        assert_eq!((of(|lane| &lane.kind, "a"), of(|lane| &lane.kind, "b")), (4, 3));
        assert!(!slots.any_free() && !slots.has_room(limits));
        assert_eq!(slots.deal(1_000, limits), []);
        slots.end(&lane("y", "b"));
        assert!(slots.has_room(limits));
        assert_eq!(slots.deal(1_000, limits), [(lane("y", "b"), 1)]);
    }

    #[test]
    fn a_lowered_limit_deals_nothing_until_enough_have_ended() {
        let mut slots = slots(&[("a", 10)], &[("x", "a")]);
        let dealt = slots.deal(1_000, |_| 5);
        begin(&mut slots, &dealt);
        assert_eq!(slots.running(), 5);
        assert_eq!(slots.deal(1_000, |_| 2), []);
    }

    #[test]
    fn a_claim_takes_no_more_than_asked() {
        let mut slots = slots(&[("a", 10_000)], &[("x", "a"), ("y", "a")]);
        assert_eq!(slots.deal(1_000, |_| 10_000), [(lane("x", "a"), 500), (lane("y", "a"), 500)]);
    }

    #[test]
    fn a_lane_that_was_left_out_keeps_its_place() {
        let mut slots = slots(&[("a", 1), ("b", 2)], &[("x", "a"), ("y", "a"), ("y", "b")]);
        let dealt = slots.deal(1_000, |_| 100);
        assert_eq!(dealt, [(lane("x", "a"), 1), (lane("y", "b"), 2)]);
        begin(&mut slots, &dealt);
        slots.end(&lane("x", "a"));
        assert_eq!(slots.deal(1_000, |_| 100), [(lane("y", "a"), 1)]);
    }

    #[test]
    fn an_exhausted_lane_is_left_out_until_it_is_active_again() {
        let mut slots = slots(&[("a", 4)], &[("x", "a"), ("y", "a")]);
        slots.exhaust(&lane("x", "a"));
        assert_eq!(slots.deal(1_000, |_| 100), [(lane("y", "a"), 4)]);
        slots.activate(lane("x", "a"));
        slots.activate(lane("x", "a"));
        slots.activate(lane("x", "unknown"));
        assert_eq!(slots.deal(1_000, |_| 100), [(lane("y", "a"), 2), (lane("x", "a"), 2)]);
        slots.replace(vec![lane("z", "a"), lane("x", "a")]);
        assert_eq!(slots.deal(1_000, |_| 100), [(lane("x", "a"), 2), (lane("z", "a"), 2)]);
    }
}
