//! What an [`Edit`] makes of a row: the same on both sides, each from its own read.

use std::time::Duration;

use delta_core::plan::{self, IdempotencyKey, InformInput, InformPolicy, Report, Source};
use delta_core::{
    AbsentBy, AttemptError, CanonicalObject, Change, Deleted, DeletedBy, Desired, Detail, EventDraft, EventKind,
    EventObjects, Existing, InformOptions, Key, LeaseWrite, Metadata, Missing, Name, Priority, Reason, Rejection,
    Remove, Renew, Resource, ResourceId, Retention, RunAt, SecondChance, Settle, Settlement, State, Tags, Timestamp,
    Update,
};

use super::step::{Edit, Plan};

/// The moment of a step, and moments that no other row gets: `run_at` decides the order of claims, and ids are not the same
/// on both sides.
pub(super) struct Clock {
    pub(super) now: Timestamp,
    given: u64,
}

impl Clock {
    pub(super) fn new(now: Timestamp) -> Self {
        Self { now, given: 0 }
    }

    /// A moment of its own, some seconds from now or before.
    pub(super) fn unique(&mut self, seconds: i64) -> Timestamp {
        self.given += 1;
        let base = if seconds < 0 {
            self.now - Duration::from_secs(seconds.unsigned_abs())
        } else {
            self.now + Duration::from_secs(seconds.unsigned_abs())
        };
        base + Duration::from_micros(self.given)
    }
}

pub(super) const LANES: [(&str, &str); 4] =
    [("default", "thing"), ("default", "other"), ("elsewhere", "thing"), ("elsewhere", "other")];

/// Keys that some layer might take for each other.
const NAMES: [&str; 14] = ["a", "A", "a ", "ä", "a\u{308}", "%", "_", "🦀", "'", "\\", "\"", "a%", "\u{ffff}", "x"];

pub(super) fn key(name: u8, lane: u8) -> Key {
    let (namespace, kind) = LANES[usize::from(lane) % LANES.len()];
    Key::new(namespace, kind, NAMES[usize::from(name) % NAMES.len()]).expect("a valid key")
}

fn object(text: &str) -> CanonicalObject {
    CanonicalObject::new(&serde_json::json!({ "n": text })).expect("JSON")
}

fn draft(kind: EventKind) -> EventDraft {
    EventDraft { kind, generation: None, attempt: None, with_object: false }
}

/// A row to insert.
pub(super) fn new_row(key: Key, seed: u8, clock: &mut Clock) -> Resource {
    let now = clock.now;
    let object = object(&format!("new {seed}"));
    let state = match seed % 8 {
        0 => State::Failed,
        1 => State::Expired,
        2 => State::Synced,
        3 => State::Degraded,
        4 => State::Deleted,
        _ => State::Scheduled,
    };
    let tags = if seed.is_multiple_of(5) { vec!["vip"] } else { vec![] };
    Resource {
        id: ResourceId::default(),
        key,
        state_since: now,
        desired: if seed.is_multiple_of(11) { Desired::Absent(AbsentBy::Missing) } else { Desired::Present },
        priority: Priority::new(seed % 4 + 1).expect("a priority"),
        generation: 1 + i64::from(seed % 3),
        synced_generation: i64::from(state == State::Synced),
        attempt: i64::from(seed % 4),
        max_attempts: (!seed.is_multiple_of(7)).then_some(4),
        run_at: state.is_claimable().then(|| clock.unique(i64::from(seed % 16) - 8)),
        lease: None,
        version: 1,
        hash: object.hash(),
        metadata: if seed.is_multiple_of(3) {
            Metadata::from_text(r#"{"k": "v"}"#).expect("metadata")
        } else {
            Metadata::EMPTY
        },
        trace: None,
        error_count: 0,
        external_created_at: seed.is_multiple_of(2).then_some(now),
        created_at: now,
        updated_at: now,
        attempted_at: None,
        synced_at: (state == State::Synced).then_some(now),
        deleted_at: (state == State::Deleted).then_some(now),
        deleted_by: (state == State::Deleted).then_some(DeletedBy::Worker),
        paused: seed.is_multiple_of(13),
        detail: Some(Detail {
            object: object.text().clone(),
            tags: Tags::new(tags).expect("tags"),
            errors: Vec::new(),
        }),
        state,
    }
}

/// What becomes of a row that was read. Nothing, where the edit is about an attempt and there was none, or where a plan
/// refuses or has nothing to write.
///
/// `times` is fixed by the caller, so that both sides get the same.
pub(super) fn change(edit: Edit, read: &Resource, now: Timestamp, times: [Timestamp; 2]) -> Option<Change> {
    match edit {
        Edit::Insert { .. } => None,
        Edit::Inform(_) => Some(inform(read, now, times[0])),
        Edit::Touch { seed, .. } => Some(touch(read, seed, now)),
        Edit::Remove(_) => Some(Change::Remove(Remove {
            id: read.id,
            version: read.version,
            events: vec![EventDraft { with_object: true, ..draft(EventKind::Purged) }],
        })),
        Edit::Settle { seed, .. } => settle(read, seed, now, times).map(|settle| Change::Settle(Box::new(settle))),
        Edit::Rescue(_) => {
            settle(read, 1, now, times).map(|settle| Change::Settle(Box::new(Settle { over_at: Some(now), ..settle })))
        }
        Edit::Renew { seconds, .. } => read.lease.map(|lease| {
            let until = now + Duration::from_secs(seconds.into());
            Change::Renew(Renew { id: read.id, token: lease.token, until })
        }),
        Edit::Plan { plan, .. } => planned(plan, read, now).ok().flatten(),
    }
}

fn update(read: &Resource, now: Timestamp) -> Update {
    Update {
        version: read.version,
        row: Resource { version: read.version + 1, updated_at: now, ..read.clone() },
        lease: LeaseWrite::Keep,
        write_object: false,
        write_tags: false,
        error: None,
        events: Vec::new(),
    }
}

fn inform(read: &Resource, now: Timestamp, run_at: Timestamp) -> Change {
    let mut update = update(read, now);
    let row = &mut update.row;
    row.generation += 1;
    let object = object(&format!("generation {}", row.generation));
    row.hash = object.hash();
    row.run_at = Some(run_at);
    if let Some(detail) = &mut row.detail {
        detail.object = object.text().clone();
    }
    update.write_object = true;
    if row.state != State::Pending {
        row.state = State::Scheduled;
        row.state_since = now;
        row.attempt = 0;
        update.events = vec![draft(EventKind::Scheduled(Reason::Changed))];
    }
    Change::Update(Box::new(update))
}

fn touch(read: &Resource, seed: u8, now: Timestamp) -> Change {
    let mut update = update(read, now);
    let row = &mut update.row;
    match seed % 6 {
        0 => row.paused = !row.paused,
        1 => row.priority = Priority::new(seed % 4 + 1).expect("a priority"),
        2 => row.metadata = Metadata::from_text(&format!(r#"{{"seed": {seed}}}"#)).expect("metadata"),
        3 => row.desired = Desired::Absent(AbsentBy::Request),
        4 => {
            if let Some(detail) = &mut row.detail {
                detail.tags = Tags::new([format!("tag-{seed}")]).expect("tags");
            }
            update.write_tags = true;
        }
        _ => {
            update.error = Some(error(read, &format!("touched {seed}"), now));
            if read.state == State::Pending {
                update.lease = LeaseWrite::RequestCancel;
            }
        }
    }
    if seed.is_multiple_of(2) {
        update.events = vec![EventDraft { with_object: true, ..draft(EventKind::Expired) }];
    }
    Change::Update(Box::new(update))
}

fn error(read: &Resource, message: &str, now: Timestamp) -> AttemptError {
    let backtrace = message.len().is_multiple_of(2).then(|| "a\n\tb".to_owned());
    AttemptError { at: now, generation: read.generation, attempt: read.attempt, message: message.to_owned(), backtrace }
}

fn settle(read: &Resource, seed: u8, now: Timestamp, times: [Timestamp; 2]) -> Option<Settle> {
    let lease = read.lease?;
    let own = |kind| EventDraft { generation: Some(lease.generation), attempt: Some(lease.attempt), ..draft(kind) };
    let plain = Settlement {
        state: State::Scheduled,
        attempt: None,
        run_at: RunAt::At(times[0]),
        synced_generation: None,
        deleted_by: None,
        events: Vec::new(),
    };
    let unmoved = match seed % 7 {
        0 => Settlement {
            state: State::Synced,
            run_at: RunAt::Never,
            synced_generation: Some(lease.generation),
            events: vec![own(EventKind::Synced)],
            ..plain.clone()
        },
        1 => Settlement { state: State::Failed, events: vec![own(EventKind::Failed)], ..plain.clone() },
        2 => Settlement {
            state: State::Degraded,
            run_at: RunAt::Never,
            events: vec![own(EventKind::Failed)],
            ..plain.clone()
        },
        3 => Settlement {
            state: State::Deleted,
            run_at: RunAt::Never,
            deleted_by: Some(DeletedBy::Request),
            events: vec![EventDraft { with_object: true, ..own(EventKind::Deleted) }],
            ..plain.clone()
        },
        4 => Settlement {
            attempt: Some(lease.attempt - 1),
            events: vec![own(EventKind::Scheduled(Reason::Snoozed))],
            ..plain.clone()
        },
        5 => Settlement { state: State::Failed, run_at: RunAt::AskedOr(times[0]), ..plain.clone() },
        _ => plain.clone(),
    };
    let moved = Settlement {
        attempt: Some(0),
        run_at: RunAt::AskedOr(times[1]),
        events: vec![own(EventKind::Failed), draft(EventKind::Scheduled(Reason::Rerun))],
        ..plain
    };
    let error = matches!(seed % 7, 1 | 2 | 5).then(|| error(read, &format!("attempt {seed}"), now));
    Some(Settle { id: read.id, token: lease.token, over_at: None, error, unmoved, moved })
}

/// The settlement of an attempt that travels with a claim, and is not due again in the same claim.
pub(super) fn finished(read: &Resource, now: Timestamp, later: Timestamp) -> Option<Change> {
    let mut settle = settle(read, 0, now, [later; 2])?;
    settle.moved.run_at = RunAt::At(later);
    Some(Change::Settle(Box::new(settle)))
}

fn planned(plan: Plan, read: &Resource, now: Timestamp) -> Result<Option<Change>, Rejection> {
    let objects = EventObjects::Keep;
    let row = read.clone();
    let short = Duration::from_secs(30);
    let retention = Retention { deleted: Some(short), degraded: Some(short), synced: Some(short) };
    let policy =
        InformPolicy { second_chance: SecondChance::Give, missing: Missing::Work, retention, event_objects: objects };
    let settle = |report: Report| plan::settle(read, &report, objects, now).map(Some);
    let failed = |seconds| Report::Failed {
        message: "no \"answer\"".to_owned(),
        backtrace: None,
        retry_in: Duration::from_secs(seconds),
    };
    match plan {
        Plan::Inform(seed) => Ok(informed(row, seed, policy, now)),
        Plan::Invalidate => plan::invalidate(row, objects, now),
        Plan::Retry => plan::retry(row, IdempotencyKey::Keep, objects, now),
        Plan::Cancel => plan::cancel(row, objects, now),
        Plan::Delete => plan::request_deletion(row, AbsentBy::Request, objects, now),
        Plan::Pause => plan::pause(row, objects, now),
        Plan::Resume => plan::resume(row, objects, now),
        Plan::Expire => plan::expire(row, short, objects, now).map(Some),
        Plan::MissingWork => plan::missing_work(row, &policy, now).map(Some),
        Plan::Purge => plan::purge(read, retention, objects, now).map(Some),
        Plan::Synced => settle(Report::Synced),
        Plan::Failed => settle(failed(7)),
        Plan::Permanent => settle(Report::Permanent { message: "never".to_owned() }),
        Plan::Gone => settle(Report::Delete { reason: Some("gone".to_owned()) }),
        Plan::Snooze => settle(Report::Snooze(short)),
        Plan::Released => settle(Report::Released(Duration::ZERO)),
        Plan::Rescue => plan::rescue(read, objects, now).map(Some),
    }
}

fn informed(row: Resource, seed: u8, policy: InformPolicy, now: Timestamp) -> Option<Change> {
    let mut options = InformOptions::new().resolve().expect("no options");
    options.namespace = row.key.namespace.clone();
    options.existing = if seed.is_multiple_of(3) { Existing::Process } else { Existing::Skip };
    options.deleted = if seed.is_multiple_of(4) { Deleted::Skip } else { Deleted::Revive };
    options.tags = seed.is_multiple_of(5).then(|| Tags::new([format!("tag-{}", seed % 10)]).expect("tags"));
    options.priority = seed.is_multiple_of(7).then_some(Priority::FIRST);
    let input = InformInput {
        key: row.key.clone(),
        object: object(&format!("informed {}", seed % 8)),
        external_created_at: None,
        trace: None,
        source: if seed.is_multiple_of(2) { Source::Caller } else { Source::Informer },
        options,
        compare: None,
        policy,
    };
    plan::inform(vec![row], &[input], now).changeset.changes.pop()
}

/// A choice of names, for queries.
pub(super) fn names(choice: u8, of: [&str; 2]) -> delta_core::Names {
    let name = |text: &str| Name::new(text).expect("a name");
    match choice % 4 {
        0 => delta_core::Names::All,
        1 => delta_core::Names::one(name(of[0])),
        2 => delta_core::Names::Except([name(of[1])].into()),
        _ => delta_core::Names::Only([name(of[0]), name(of[1])].into()),
    }
}
