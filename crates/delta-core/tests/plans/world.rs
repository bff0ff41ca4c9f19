//! One resource in a store that is a variable: operations in, and what each did.

use std::time::Duration;

use delta_core::plan::{self, IdempotencyKey, InformInput, InformOutcome, Report};
use delta_core::transition::{Input, Rejection};
use delta_core::{
    AbsentBy, Change, EventDraft, EventObjects, Lease, LeaseToken, LeaseWrite, Owner, Resource, ResourceId, Retention,
    RunAt, Settle, State, Timestamp,
};

use crate::rows::{NOW, POLICY};

/// Something that happens to the resource.
#[derive(Clone, Debug)]
pub(crate) enum Op {
    Advance(Duration),
    Inform(Box<InformInput>),
    Claim,
    /// Of the nth last claim, which may be long over.
    Renew(usize),
    /// Of the nth last claim, planned over the row as it was claimed.
    Settle(usize, Report),
    Rescue,
    Expire,
    Invalidate,
    Retry(IdempotencyKey),
    Cancel,
    RequestDeletion(AbsentBy),
    Missing,
    Pause,
    Resume,
    Purge,
}

impl Op {
    pub(crate) fn input(&self) -> Option<Input> {
        Some(match self {
            Self::Advance(_) => return None,
            Self::Inform(_) => Input::Inform,
            Self::Claim => Input::Claim,
            Self::Renew(_) => Input::Heartbeat,
            Self::Settle(..) => Input::Settle,
            Self::Rescue => Input::Rescue,
            Self::Expire => Input::Expire,
            Self::Invalidate => Input::Invalidate,
            Self::Retry(_) => Input::Retry,
            Self::Cancel => Input::Cancel,
            Self::RequestDeletion(_) => Input::RequestDeletion,
            Self::Missing => Input::Missing,
            Self::Pause => Input::Pause,
            Self::Resume => Input::Resume,
            Self::Purge => Input::Purge,
        })
    }
}

/// What an operation did.
#[derive(Clone, Debug)]
pub(crate) struct Step {
    pub(crate) now: Timestamp,
    pub(crate) before: Option<Resource>,
    pub(crate) after: Option<Resource>,
    pub(crate) outcome: Option<InformOutcome>,
    pub(crate) events: Vec<EventDraft>,
}

#[derive(Clone, Debug)]
pub(crate) struct World {
    pub(crate) now: Timestamp,
    pub(crate) row: Option<Resource>,
    /// The rows as they were claimed, the latest last.
    pub(crate) claimed: Vec<Resource>,
    /// Appended, each with the id and the state that its row had then.
    pub(crate) log: Vec<(ResourceId, State, EventDraft)>,
    ids: i64,
    tokens: i64,
}

pub(crate) const LEASE: Duration = Duration::from_mins(1);
const EXPIRY: Duration = Duration::from_mins(5);

impl World {
    pub(crate) fn new() -> Self {
        Self { now: NOW, row: None, claimed: Vec::new(), log: Vec::new(), ids: 0, tokens: 0 }
    }

    pub(crate) fn step(&mut self, op: &Op) -> Step {
        let (before, logged) = (self.row.clone(), self.log.len());
        let outcome = self.run(op);
        let events = self.log[logged..].iter().map(|(_, _, event)| event.clone()).collect();
        Step { now: self.now, before, after: self.row.clone(), outcome, events }
    }

    fn run(&mut self, op: &Op) -> Option<InformOutcome> {
        let (objects, now) = (EventObjects::Omit, self.now);
        match op {
            Op::Advance(duration) => {
                self.now = self.now + *duration;
                return None;
            }
            Op::Inform(input) => return self.inform(std::slice::from_ref(&**input)).pop()?.ok(),
            Op::Claim => {
                self.claim();
                return None;
            }
            _ => {}
        }
        let row = self.row.clone()?;
        let retention = Retention { synced: Some(Duration::from_hours(12)), ..POLICY.retention };
        let change: Result<Option<Change>, Rejection> = match op {
            Op::Advance(_) | Op::Inform(_) | Op::Claim => return None,
            Op::Renew(nth) => {
                self.renew(*nth);
                return None;
            }
            Op::Settle(nth, report) => {
                let claimed = self.claimed.iter().rev().nth(*nth)?;
                plan::settle(claimed, report, objects, now).map(Some)
            }
            Op::Rescue => plan::rescue(&row, objects, now).map(Some),
            Op::Expire => plan::expire(row, EXPIRY, objects, now).map(Some),
            Op::Missing => plan::missing_work(row, &POLICY, now).map(Some),
            Op::Purge => plan::purge(&row, retention, objects, now).map(Some),
            Op::Invalidate => plan::invalidate(row, objects, now),
            Op::Retry(key) => plan::retry(row, *key, objects, now),
            Op::Cancel => plan::cancel(row, objects, now),
            Op::RequestDeletion(by) => plan::request_deletion(row, *by, objects, now),
            Op::Pause => plan::pause(row, objects, now),
            Op::Resume => plan::resume(row, objects, now),
        };
        if let Ok(Some(change)) = change {
            self.apply(change);
        }
        None
    }

    /// Plans informs as one batch, and applies the changes.
    pub(crate) fn inform(&mut self, inputs: &[InformInput]) -> Vec<Result<InformOutcome, Rejection>> {
        let plan = plan::inform(self.row.clone().into_iter().collect(), inputs, self.now);
        for change in plan.changeset.changes {
            self.apply(change);
        }
        plan.answers.into_iter().map(|answer| answer.outcome).collect()
    }

    fn claim(&mut self) {
        self.tokens += 1;
        let (token, owner, until) = (LeaseToken::new(self.tokens), Owner::new(1), self.now + LEASE);
        let lease = Lease { token, generation: 0, attempt: 0, owner, until, cancel_requested: false };
        if let Some(row) = self.row.as_mut().filter(|row| row.lease.is_none())
            && plan::claim(row, lease, self.now)
        {
            self.claimed.push(row.clone());
        }
    }

    fn renew(&mut self, nth: usize) {
        let Some(token) = self.token_of(nth) else { return };
        let until = self.now + LEASE;
        if let Some(lease) = self.row.as_mut().and_then(|row| row.lease.as_mut()).filter(|lease| lease.token == token) {
            lease.until = until;
        }
    }

    fn token_of(&self, nth: usize) -> Option<LeaseToken> {
        self.claimed.iter().rev().nth(nth)?.lease.map(|lease| lease.token)
    }

    fn apply(&mut self, change: Change) {
        match change {
            Change::Insert(insert) => {
                assert!(self.row.is_none() && insert.row.version == 1);
                self.ids += 1;
                self.row = Some(Resource { id: ResourceId::new(self.ids), ..insert.row });
                self.append(insert.events);
            }
            Change::Update(update) => {
                let stored = self.row.take().unwrap();
                assert_eq!(stored.version, update.version, "planned over another version");
                let mut row = Resource {
                    id: stored.id,
                    key: stored.key,
                    error_count: stored.error_count + i64::from(update.error.is_some()),
                    lease: match update.lease {
                        LeaseWrite::Keep => stored.lease,
                        LeaseWrite::RequestCancel => {
                            stored.lease.map(|lease| Lease { cancel_requested: true, ..lease })
                        }
                    },
                    hash: if update.write_object { update.row.hash } else { stored.hash },
                    detail: stored.detail,
                    ..update.row.clone()
                };
                let (detail, written) = (row.detail.as_mut().unwrap(), update.row.detail);
                if update.write_object {
                    detail.object = written.as_ref().unwrap().object.clone();
                }
                if update.write_tags {
                    detail.tags = written.unwrap().tags;
                }
                detail.errors.extend(update.error);
                self.row = Some(row);
                self.append(update.events);
            }
            Change::Remove(remove) => {
                assert_eq!(self.row.as_ref().map(|row| (row.id, row.version)), Some((remove.id, remove.version)));
                self.append(remove.events);
                self.row = None;
            }
            Change::Settle(settle) => self.settle(*settle),
            Change::Renew(_) => unreachable!("no plan renews"),
        }
    }

    /// As the contract of stores says.
    fn settle(&mut self, settle: Settle) {
        let now = self.now;
        let Some(row) = self.row.as_mut().filter(|row| row.id == settle.id && row.state == State::Pending) else {
            return;
        };
        let Some(lease) = row.lease.filter(|lease| lease.token == settle.token) else { return };
        if settle.over_at.is_some_and(|over| lease.until > over) {
            return;
        }
        let settlement = if row.generation == lease.generation { settle.unmoved } else { settle.moved };
        row.state = settlement.state;
        row.state_since = now;
        row.updated_at = now;
        row.version += 1;
        row.lease = None;
        row.attempt = settlement.attempt.unwrap_or(row.attempt);
        row.run_at = match settlement.run_at {
            RunAt::Never => None,
            RunAt::At(at) => Some(at),
            RunAt::AskedOr(at) => row.run_at.or(Some(at)),
        };
        if let Some(generation) = settlement.synced_generation {
            row.synced_generation = generation;
            row.synced_at = Some(now);
        }
        if let Some(by) = settlement.deleted_by {
            row.deleted_by = Some(by);
            row.deleted_at = Some(now);
        }
        if let Some(error) = settle.error {
            row.error_count += 1;
            row.detail.as_mut().unwrap().errors.push(error);
        }
        self.append(settlement.events);
    }

    fn append(&mut self, events: Vec<EventDraft>) {
        let row = self.row.as_ref().unwrap();
        let (generation, attempt) = (row.generation, row.attempt);
        for event in events {
            let (generation, attempt) = (event.generation.or(Some(generation)), event.attempt.or(Some(attempt)));
            self.log.push((row.id, row.state.clone(), EventDraft { generation, attempt, ..event }));
        }
    }
}
