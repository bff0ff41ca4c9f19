use std::collections::{BTreeMap, BTreeSet, VecDeque};

use delta_core::{Lane, Name};

/// What is claimed and what runs, and where there is more to claim: pure bookkeeping of limits and of whose turn it is.
///
/// A lane is *active* while it may have something to claim. Free slots are dealt to the active lanes one by one in turn, and
/// the turn goes on from claim to claim, so that a long backlog of one lane does not starve another.
///
/// More may be claimed of a kind than may run at once, by what [`ahead`](Self::set_ahead) says.
#[derive(Debug, Default)]
pub(crate) struct Slots {
    kinds: BTreeMap<Name, Usage>,
    /// What is claimed of each namespace.
    namespaces: BTreeMap<Name, Load>,
    whole: Load,
    /// Active lanes, whose turn it is first.
    turns: VecDeque<Lane>,
    /// When each was activated last, as a number that counts activations.
    active: BTreeMap<Lane, Activation>,
    last: Activation,
}

/// A moment among activations of lanes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Activation(u64);

#[derive(Clone, Copy, Debug, Default)]
struct Usage {
    limit: u32,
    ahead: u32,
    load: Load,
}

/// What is dealt, waits or runs, and what of it runs.
#[derive(Clone, Copy, Debug, Default)]
struct Load {
    claimed: u32,
    running: u32,
}

impl Usage {
    fn free(self) -> u32 {
        self.limit.saturating_add(self.ahead).saturating_sub(self.load.claimed)
    }
}

impl Slots {
    /// Takes the kinds with how many of each may run at once.
    pub(crate) fn new(kinds: impl IntoIterator<Item = (Name, u32)>) -> Self {
        let kinds = kinds.into_iter().map(|(name, limit)| (name, Usage { limit, ..Usage::default() })).collect();
        Self { kinds, ..Self::default() }
    }

    /// How many run.
    pub(crate) fn running(&self) -> u32 {
        self.whole.running
    }

    /// How many are dealt, wait or run.
    pub(crate) fn claimed(&self) -> u32 {
        self.whole.claimed
    }

    /// Sets how many of a kind may be claimed beyond those that may run.
    pub(crate) fn set_ahead(&mut self, kind: &Name, ahead: u32) {
        if let Some(kind) = self.kinds.get_mut(kind) {
            kind.ahead = ahead;
        }
    }

    /// Whether something of any kind could be claimed.
    pub(crate) fn any_free(&self) -> bool {
        self.kinds.values().any(|kind| kind.free() > 0)
    }

    /// Whether an attempt at something claimed may begin; it is counted if so.
    pub(crate) fn begin(&mut self, lane: &Lane, max_workers: impl Fn(&Name) -> u32) -> bool {
        let of_kind = self.kinds.get(&lane.kind).is_some_and(|kind| kind.load.running < kind.limit);
        let running = self.namespaces.get(&lane.namespace).map_or(0, |load| load.running);
        let may = of_kind && running < max_workers(&lane.namespace);
        if may {
            self.change(lane, |load| load.running += 1);
        }
        may
    }

    /// Counts an attempt that has ended.
    pub(crate) fn end(&mut self, lane: &Lane) {
        self.change(lane, |load| {
            load.running = load.running.saturating_sub(1);
            load.claimed = load.claimed.saturating_sub(1);
        });
    }

    /// Takes back what was dealt, and not claimed or not begun.
    pub(crate) fn release(&mut self, lane: &Lane, number: u32) {
        self.change(lane, |load| load.claimed = load.claimed.saturating_sub(number));
    }

    fn change(&mut self, lane: &Lane, change: impl Fn(&mut Load)) {
        if let Some(kind) = self.kinds.get_mut(&lane.kind) {
            change(&mut kind.load);
        }
        let namespace = self.namespaces.entry(lane.namespace.clone()).or_default();
        change(namespace);
        if namespace.claimed == 0 {
            self.namespaces.remove(&lane.namespace);
        }
        change(&mut self.whole);
    }

    /// Notes that a lane may have something to claim; a new one is the last in turn. Lanes of other kinds are left out.
    pub(crate) fn activate(&mut self, lane: Lane) {
        if self.kinds.contains_key(&lane.kind) {
            self.last.0 += 1;
            if self.active.insert(lane.clone(), self.last).is_none() {
                self.turns.push_back(lane);
            }
        }
    }

    /// The last activation of any lane.
    pub(crate) fn last(&self) -> Activation {
        self.last
    }

    /// Notes that exactly these lanes had something to claim when `asked` was the last activation. Those that were active
    /// keep their turn.
    pub(crate) fn replace(&mut self, lanes: Vec<Lane>, asked: Activation) {
        let known: BTreeSet<Lane> = lanes.iter().cloned().collect();
        self.active.retain(|lane, activated| *activated > asked || known.contains(lane));
        self.turns.retain(|lane| self.active.contains_key(lane));
        for lane in lanes {
            self.activate(lane);
        }
    }

    /// Notes that a lane had nothing more when `asked` was the last activation.
    pub(crate) fn exhaust(&mut self, lane: &Lane, asked: Activation) {
        if self.active.get(lane).is_some_and(|activated| *activated <= asked) {
            self.active.remove(lane);
            self.turns.retain(|turn| turn != lane);
        }
    }

    /// Whether an active lane's limits leave a slot idle, or half of what may be claimed of its kind free. Less is left to
    /// what is settled next: the batch would be small.
    pub(crate) fn has_room(&self, max_workers: impl Fn(&Name) -> u32) -> bool {
        self.turns.iter().any(|lane| {
            let Some(kind) = self.kinds.get(&lane.kind) else { return false };
            let claimed = self.namespaces.get(&lane.namespace).map_or(0, |load| load.claimed);
            let most = max_workers(&lane.namespace);
            let idle = kind.load.claimed < kind.limit && claimed < most;
            let half = |limit: u32, claimed: u32| u64::from(claimed) * 2 <= u64::from(limit) + u64::from(kind.ahead);
            idle || (kind.ahead > 0 && half(kind.limit, kind.load.claimed) && half(most, claimed))
        })
    }

    /// Deals at most `most` free slots to the active lanes, one by one in turn: they count as claimed. A lane that its limits
    /// leave out keeps its place.
    pub(crate) fn deal(&mut self, most: u32, max_workers: impl Fn(&Name) -> u32) -> Vec<(Lane, u32)> {
        let mut dealt: BTreeMap<Lane, u32> = BTreeMap::new();
        let mut order = Vec::new();
        let mut kinds: BTreeMap<Name, Usage> = self.kinds.clone();
        let free = kinds.values().fold(0, |sum: u32, kind| sum.saturating_add(kind.free()));
        let mut free_of_kinds = free.min(most);
        let mut namespaces: BTreeMap<Name, u32> = BTreeMap::new();
        let mut waiting = VecDeque::new();
        while free_of_kinds > 0 {
            let Some(lane) = self.turns.pop_front() else { break };
            let claimed = namespaces
                .entry(lane.namespace.clone())
                .or_insert_with(|| self.namespaces.get(&lane.namespace).map_or(0, |load| load.claimed));
            match kinds.get_mut(&lane.kind) {
                Some(kind) if kind.free() > 0 && *claimed < max_workers(&lane.namespace).saturating_add(kind.ahead) => {
                    kind.load.claimed += 1;
                    *claimed += 1;
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
        for (lane, number) in &dealt {
            self.change(lane, |load| load.claimed += number);
        }
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
            assert!((0..*number).all(|_| slots.begin(lane, |_| 100)));
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
        slots.exhaust(&lane("x", "a"), slots.last());
        assert_eq!(slots.deal(1_000, |_| 100), [(lane("y", "a"), 4)]);
        slots.release(&lane("y", "a"), 4);
        slots.activate(lane("x", "a"));
        slots.activate(lane("x", "a"));
        slots.activate(lane("x", "unknown"));
        assert_eq!(slots.deal(1_000, |_| 100), [(lane("y", "a"), 2), (lane("x", "a"), 2)]);
        for lane in [lane("y", "a"), lane("x", "a")] {
            slots.release(&lane, 2);
        }
        slots.replace(vec![lane("z", "a"), lane("x", "a")], slots.last());
        assert_eq!(slots.deal(1_000, |_| 100), [(lane("x", "a"), 2), (lane("z", "a"), 2)]);
    }

    #[test]
    fn a_lane_that_is_active_anew_since_it_was_asked_for_is_not_exhausted_by_the_answer() {
        let mut slots = slots(&[("a", 4)], &[("x", "a")]);
        let asked = slots.last();
        slots.activate(lane("x", "a"));
        slots.exhaust(&lane("x", "a"), asked);
        slots.replace(Vec::new(), asked);
        assert_eq!(slots.deal(1, |_| 100), [(lane("x", "a"), 1)]);
    }

    #[test]
    fn what_is_claimed_ahead_waits_until_another_has_ended() {
        let mut slots = slots(&[("a", 2)], &[("x", "a")]);
        slots.set_ahead(&name("a"), 3);
        let x = lane("x", "a");
        assert_eq!(slots.deal(1_000, |_| 100), [(x.clone(), 5)]);
        assert!(!slots.any_free() && !slots.has_room(|_| 100));
        assert_eq!((0..5).map(|_| slots.begin(&x, |_| 100)).collect::<Vec<_>>(), [true, true, false, false, false]);
        slots.end(&x);
        assert_eq!((slots.claimed(), slots.running()), (4, 1));
        assert!(slots.begin(&x, |_| 100) && !slots.begin(&x, |_| 100));
        slots.release(&x, 1);
        assert!(!slots.has_room(|_| 100), "less than half is free, and nobody idle");
        slots.end(&x);
        assert!(slots.has_room(|_| 100));
        assert_eq!(slots.deal(1_000, |_| 1), [(x, 2)], "a namespace is claimed ahead of as well");
    }
}
