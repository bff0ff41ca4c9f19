//! How the transition table explains what became of a row.

use std::collections::BTreeMap;

use delta_core::transition::{Effect, Facts, Input, Phase, Relation, ReportKind, find};
use delta_core::{AbsentBy, DeletedBy, Desired, EventKind, LeaseToken, Reason, Resource, Timestamp};

/// How many writes between two looks at a row are explained; more are taken as they are.
const MOST: i64 = 3;

/// An event that a step appends, as its subject says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Told {
    pub(super) kind: EventKind,
    pub(super) phase: Phase,
    pub(super) generation: i64,
    pub(super) attempt: i64,
}

/// One way from a row to what became of it.
#[derive(Clone, Debug, Default)]
pub(super) struct Path {
    pub(super) effects: Vec<Effect>,
    pub(super) events: Vec<Told>,
}

/// What the table says of a row.
#[derive(Debug)]
pub(super) enum Explained {
    /// These are all the ways there are; if none, it is not allowed.
    By(Vec<Path>),
    /// There were too many writes at once to tell.
    Unclear,
}

/// What decides on the rules that fit, apart from what somebody asks for.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own, as in the table")]
struct Shape {
    phase: Phase,
    absent_by: Option<u8>,
    deleted_by_missing: bool,
    paused: bool,
    moved: bool,
    attempts_left: bool,
    cancel_requested: bool,
}

/// Explains rows by the table, and remembers what fits which shape of a row.
#[derive(Default)]
pub(super) struct Steps {
    known: BTreeMap<Shape, Vec<(Input, Effect)>>,
}

/// What of a row the rules are about.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Light {
    phase: Phase,
    generation: i64,
    synced_generation: i64,
    attempt: i64,
    max_attempts: Option<i64>,
    desired: Desired,
    deleted_by: Option<DeletedBy>,
    paused: bool,
    lease: Option<Held>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Held {
    /// `None` of a claim on the way: any that the row did not have.
    token: Option<LeaseToken>,
    generation: i64,
    attempt: i64,
    cancel_requested: bool,
}

impl Light {
    fn of(row: Option<&Resource>) -> Self {
        let Some(row) = row else {
            return Self {
                phase: Phase::None,
                generation: 0,
                synced_generation: 0,
                attempt: 0,
                max_attempts: None,
                desired: Desired::Present,
                deleted_by: None,
                paused: false,
                lease: None,
            };
        };
        Self {
            phase: Phase::of(&row.state),
            generation: row.generation,
            synced_generation: row.synced_generation,
            attempt: row.attempt,
            max_attempts: row.max_attempts,
            desired: row.desired,
            deleted_by: row.deleted_by,
            paused: row.paused,
            lease: row.lease.map(|lease| Held {
                token: Some(lease.token),
                generation: lease.generation,
                attempt: lease.attempt,
                cancel_requested: lease.cancel_requested,
            }),
        }
    }

    fn shape(&self) -> Shape {
        let lease = self.lease.as_ref();
        Shape {
            phase: self.phase,
            absent_by: self.desired.absent_by().map(|by| by as u8),
            deleted_by_missing: self.deleted_by == Some(DeletedBy::Missing),
            paused: self.paused,
            moved: lease.is_some_and(|lease| lease.generation != self.generation),
            attempts_left: lease.is_some_and(|lease| self.max_attempts.is_none_or(|most| lease.attempt < most)),
            cancel_requested: lease.is_some_and(|lease| lease.cancel_requested),
        }
    }

    /// Whether it is what a row became, a lease claimed on the way being any but the one it had.
    fn became(&self, after: &Self, had: Option<LeaseToken>) -> bool {
        if self == after {
            return true;
        }
        let (Some(mine), Some(new)) = (&self.lease, &after.lease) else { return false };
        mine.token.is_none()
            && new.token != had
            && Self { lease: Some(Held { token: new.token, ..mine.clone() }), ..self.clone() } == *after
    }
}

impl Steps {
    /// Finds every way from a row to what became of it.
    pub(super) fn explain(&mut self, before: Option<&Resource>, after: Option<&Resource>) -> Explained {
        let (from, to) = (Light::of(before), Light::of(after));
        let version = |row: Option<&Resource>| row.map_or(0, |row| row.version);
        let writes = if after.is_none() { 1 } else { version(after) - version(before) };
        if writes == 0 {
            // A heartbeat counts no version, and says nothing.
            let same_lease = from == to && from.phase == Phase::Pending;
            return Explained::By(if same_lease || before == after { vec![Path::default()] } else { Vec::new() });
        }
        // What another version writes has rules of its own.
        if writes > MOST || (to.phase == Phase::Unknown && from.phase != Phase::Unknown) {
            return Explained::Unclear;
        }
        let had = from.lease.as_ref().and_then(|lease| lease.token);
        let mut found = Vec::new();
        let mut walk = Walk { steps: self, to: &to, had, found: &mut found };
        walk.go(&from, writes, &mut Vec::new(), &mut Vec::new(), false);
        Explained::By(found)
    }

    /// The rules that fit a row, whatever is asked for.
    fn of(&mut self, light: &Light) -> Vec<(Input, Effect)> {
        let shape = light.shape();
        self.known.entry(shape).or_insert_with(|| fitting(shape, light.desired.absent_by(), light.deleted_by)).clone()
    }
}

fn fitting(shape: Shape, absent_by: Option<AbsentBy>, deleted_by: Option<DeletedBy>) -> Vec<(Input, Effect)> {
    let facts = Facts {
        phase: shape.phase,
        absent_by,
        deleted_by,
        paused: shape.paused,
        due: true,
        lease_over: true,
        cancel_requested: shape.cancel_requested,
        lease_held: true,
        moved: shape.moved,
        attempts_left: shape.attempts_left,
        period_over: true,
        ..Facts::of(None, Timestamp::EPOCH)
    };
    let mut found = Vec::new();
    let mut add = |input, facts: &Facts| {
        let effect = find(input, facts).effect;
        let writes = !matches!(effect, Effect::Reject | Effect::Lost | Effect::Stale | Effect::Accept);
        if writes && !found.contains(&(input, effect)) {
            found.push((input, effect));
        }
    };
    let yes_and_no = [false, true];
    for input in Input::ALL {
        match input {
            // Nobody informs or asks anything of a state of another version.
            _ if shape.phase == Phase::Unknown => {}
            Input::Inform => {
                for relation in [Relation::Older, Relation::Unchanged, Relation::Changed] {
                    for (by_informer, skip_deleted) in [(false, false), (false, true), (true, false), (true, true)] {
                        for process_existing in yes_and_no {
                            for second_chance in yes_and_no {
                                let facts = facts.clone();
                                let asked = Facts { relation, by_informer, skip_deleted, ..facts };
                                add(input, &Facts { process_existing, second_chance, ..asked });
                            }
                        }
                    }
                }
            }
            Input::Settle => {
                use ReportKind::{Delete, Failed, Permanent, Released, Snooze, Synced};
                for report in [Synced, Failed, Permanent, Delete, Snooze, Released] {
                    add(input, &Facts { report, ..facts.clone() });
                }
            }
            Input::RequestDeletion => {
                for asked_by in [AbsentBy::Request, AbsentBy::Missing] {
                    add(input, &Facts { asked_by, ..facts.clone() });
                }
            }
            _ => add(input, &facts),
        }
    }
    found
}

struct Walk<'a> {
    steps: &'a mut Steps,
    to: &'a Light,
    had: Option<LeaseToken>,
    found: &'a mut Vec<Path>,
}

impl Walk<'_> {
    fn go(&mut self, at: &Light, writes: i64, effects: &mut Vec<Effect>, events: &mut Vec<Told>, informed: bool) {
        if writes == 0 && at.became(self.to, self.had) {
            self.found.push(Path { effects: effects.clone(), events: events.clone() });
        }
        for (input, effect) in self.steps.of(at) {
            if self.to.phase == Phase::None && effect != Effect::Purge {
                continue;
            }
            // Informs of one batch fold into one write.
            let folds = informed && input == Input::Inform;
            let passive = matches!(effect, Effect::Unchanged | Effect::SkipDeleted);
            for cost in [0, 1] {
                if cost > writes || (cost == 0 && (!folds || passive)) {
                    continue;
                }
                for (next, told) in take(at, input, effect, self.to) {
                    if next.generation > self.to.generation {
                        continue;
                    }
                    let depth = (effects.len(), events.len());
                    effects.push(effect);
                    events.extend(told);
                    self.go(&next, writes - cost, effects, events, input == Input::Inform);
                    effects.truncate(depth.0);
                    events.truncate(depth.1);
                }
            }
        }
    }
}

/// What an effect makes of a row, in each way that it may.
#[expect(clippy::too_many_lines, reason = "one arm for each effect")]
fn take(at: &Light, input: Input, effect: Effect, to: &Light) -> Vec<(Light, Vec<Told>)> {
    let lease = at.lease.as_ref();
    let free = Light { lease: None, ..at.clone() };
    let scheduled = |light: &Light, reason| told(light, EventKind::Scheduled(reason));
    // Of a new generation: it is worked once more after what is pending, which says nothing yet.
    let next = |light: Light, reason| {
        let pending = at.phase == Phase::Pending;
        let phase = if pending { Phase::Pending } else { Phase::Scheduled };
        let light = Light { phase, generation: at.generation + 1, attempt: 0, ..light };
        let events = if pending { Vec::new() } else { vec![scheduled(&light, reason)] };
        (light, events)
    };
    let settled = |phase, kind| {
        let Some(lease) = lease else { return Vec::new() };
        let light = Light { phase, ..free.clone() };
        let own = Told { kind, phase, generation: lease.generation, attempt: lease.attempt };
        vec![(light, vec![own])]
    };
    match effect {
        Effect::Create => {
            vec![next(Light { max_attempts: to.max_attempts, ..at.clone() }, Reason::Created)]
        }
        Effect::Revive | Effect::Change | Effect::Request => {
            let reason = match effect {
                Effect::Revive => Reason::Revived,
                Effect::Change => Reason::Changed,
                _ => Reason::Requested,
            };
            let deleted_by = if effect == Effect::Revive { None } else { at.deleted_by };
            let light = Light { desired: Desired::Present, deleted_by, max_attempts: to.max_attempts, ..at.clone() };
            vec![next(light, reason)]
        }
        Effect::SecondChance => {
            let light = Light { phase: Phase::Scheduled, attempt: 0, ..at.clone() };
            let events = vec![scheduled(&light, Reason::SecondChance)];
            vec![(light, events)]
        }
        Effect::Unchanged | Effect::SkipDeleted => vec![(at.clone(), Vec::new())],
        Effect::Claim => {
            let attempt = at.attempt + 1;
            let held = Held { token: None, generation: at.generation, attempt, cancel_requested: false };
            vec![(Light { phase: Phase::Pending, attempt, lease: Some(held), ..at.clone() }, Vec::new())]
        }
        Effect::Rerun => rerun(&free, lease, input),
        Effect::Synced => {
            let finished = |(light, events)| (Light { synced_generation: at.generation, ..light }, events);
            settled(Phase::Synced, EventKind::Synced).into_iter().map(finished).collect()
        }
        Effect::Failed => settled(Phase::Failed, EventKind::Failed),
        Effect::GiveUp => settled(Phase::Degraded, EventKind::Failed),
        Effect::Deleted => {
            let by = at.desired.absent_by().map_or(DeletedBy::Worker, DeletedBy::from);
            let finished =
                |(light, events)| (Light { synced_generation: at.generation, deleted_by: Some(by), ..light }, events);
            settled(Phase::Deleted, EventKind::Deleted).into_iter().map(finished).collect()
        }
        Effect::Snooze | Effect::Release => {
            let Some(lease) = lease else { return Vec::new() };
            let reason = if effect == Effect::Snooze { Reason::Snoozed } else { Reason::Released };
            let light = Light { phase: Phase::Scheduled, attempt: lease.attempt - 1, ..free };
            let events = vec![scheduled(&light, reason)];
            vec![(light, events)]
        }
        Effect::Expire | Effect::Invalidate => {
            let reason = if effect == Effect::Expire { Reason::Expired } else { Reason::Requested };
            let light = Light { phase: Phase::Expired, generation: at.generation + 1, attempt: 0, ..at.clone() };
            let events = vec![told(&light, EventKind::Expired), scheduled(&light, reason)];
            vec![(light, events)]
        }
        Effect::Retry => [0, 1]
            .into_iter()
            .map(|more| {
                let generation = at.generation + more;
                let light = Light { phase: Phase::Scheduled, generation, attempt: 0, ..at.clone() };
                let events = vec![scheduled(&light, Reason::Retried)];
                (light, events)
            })
            .collect(),
        Effect::Cancel => {
            let light = Light { phase: Phase::Degraded, ..at.clone() };
            let events = vec![told(&light, EventKind::Failed)];
            vec![(light, events)]
        }
        Effect::RequestCancel => {
            let lease = at.lease.clone().map(|lease| Held { cancel_requested: true, ..lease });
            vec![(Light { lease, ..at.clone() }, Vec::new())]
        }
        // By whom depends on who asks; what does not fit is not where the row went.
        Effect::Delete => [AbsentBy::Request, AbsentBy::Missing]
            .into_iter()
            .filter(|by| *by == AbsentBy::Request || at.desired == Desired::Present)
            .map(|by| next(Light { desired: Desired::Absent(by), ..at.clone() }, Reason::Deletion))
            .collect(),
        Effect::TakeOverDeletion => {
            let (desired, deleted_by) = (Desired::Absent(AbsentBy::Request), Some(DeletedBy::Request));
            vec![(Light { desired, deleted_by, ..at.clone() }, Vec::new())]
        }
        Effect::Missing => vec![next(at.clone(), Reason::Missing)],
        Effect::Pause | Effect::Resume => {
            let paused = effect == Effect::Pause;
            let light = Light { paused, ..at.clone() };
            let events = vec![told(&light, if paused { EventKind::Paused } else { EventKind::Resumed })];
            vec![(light, events)]
        }
        Effect::Purge => vec![(Light::of(None), vec![told(at, EventKind::Purged)])],
        Effect::Heartbeat | Effect::Reject | Effect::Lost | Effect::Stale | Effect::Accept => Vec::new(),
    }
}

fn told(light: &Light, kind: EventKind) -> Told {
    Told { kind, phase: light.phase, generation: light.generation, attempt: light.attempt }
}

/// The attempt's own event, if it has one, and that the next generation is due.
fn rerun(free: &Light, lease: Option<&Held>, input: Input) -> Vec<(Light, Vec<Told>)> {
    let Some(lease) = lease else { return Vec::new() };
    let light = Light { phase: Phase::Scheduled, ..free.clone() };
    let again = told(&light, EventKind::Scheduled(Reason::Rerun));
    let own = |kind| Told { kind, phase: light.phase, generation: lease.generation, attempt: lease.attempt };
    let mut ways = vec![(light.clone(), vec![own(EventKind::Failed), again])];
    if input == Input::Settle {
        let synced = Light { synced_generation: lease.generation, ..light.clone() };
        ways.push((synced, vec![own(EventKind::Synced), again]));
        ways.push((light, vec![again]));
    }
    ways
}
