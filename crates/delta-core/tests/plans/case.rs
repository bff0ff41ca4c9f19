use std::time::Duration;

use delta_core::plan::{self, IdempotencyKey, InformOutcome, Report};
use delta_core::transition::{Effect, Facts, Input, Phase, Rejection, ReportKind, Rule, To, find};
use delta_core::{
    AbsentBy, Change, Deleted, EventDraft, EventObjects, Existing, Insert, Lease, LeaseToken, LeaseWrite, Remove,
    Resource, ResourceId, Retention, SecondChance, Settle, State, Update,
};

use crate::rows::{NOW, POLICY};
use crate::said::Said;

/// What happens to a row.
#[derive(Clone, Debug)]
pub(crate) enum Asks {
    Inform(Box<Said>),
    Claim(Lease),
    Heartbeat(LeaseToken),
    Settle(LeaseToken, Report),
    Rescue,
    Expire(Duration),
    Invalidate,
    Retry(IdempotencyKey),
    Cancel,
    RequestDeletion(AbsentBy),
    Missing,
    Pause,
    Resume,
    Purge(Retention),
}

/// What comes of it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Gives {
    /// The plan refuses.
    Refused(Rejection),
    /// It is accepted, and nothing is written.
    Nothing,
    /// The change.
    Change(Box<Change>),
    /// What became of an inform, and the change if there is one.
    Informed(InformOutcome, Option<Box<Change>>),
    /// The row under its lease.
    Claimed(Box<Resource>),
    /// It is not for claiming.
    NotClaimed,
    /// No plan is asked: there is no row to ask it about, or the store compares leases.
    Unplanned,
}

/// A state and an input, and by hand what must come of them.
#[derive(Clone, Debug)]
pub(crate) struct Case {
    pub(crate) name: &'static str,
    pub(crate) row: Option<Resource>,
    pub(crate) asks: Asks,
    pub(crate) effect: Effect,
    pub(crate) gives: Gives,
}

/// Begins a case about a row.
pub(crate) fn given(name: &'static str, row: Resource) -> Given {
    Given { name, row: Some(row) }
}

/// Begins a case about a key without a row.
pub(crate) fn given_none(name: &'static str) -> Given {
    Given { name, row: None }
}

pub(crate) struct Given {
    name: &'static str,
    row: Option<Resource>,
}

impl Given {
    pub(crate) fn asks(self, asks: Asks, effect: Effect) -> Asked {
        Asked(Case { name: self.name, row: self.row, asks, effect, gives: Gives::Unplanned })
    }

    pub(crate) fn informs(self, said: Said, effect: Effect) -> Asked {
        self.asks(Asks::Inform(Box::new(said)), effect)
    }

    /// An input that the table has no transition for.
    pub(crate) fn refuses(self, asks: Asks, rejection: Rejection) -> Case {
        self.asks(asks, Effect::Reject).gives(Gives::Refused(rejection))
    }
}

pub(crate) struct Asked(Case);

impl Asked {
    pub(crate) fn gives(mut self, gives: Gives) -> Case {
        self.0.gives = gives;
        self.0
    }

    pub(crate) fn unplanned(self) -> Case {
        self.gives(Gives::Unplanned)
    }

    pub(crate) fn writes_nothing(self) -> Case {
        self.gives(Gives::Nothing)
    }

    pub(crate) fn refused(self, rejection: Rejection) -> Case {
        self.gives(Gives::Refused(rejection))
    }

    /// What the row becomes, and the events; fence, version and `updated_at` are those of every update.
    pub(crate) fn writes(self, edit: impl FnOnce(&mut Update)) -> Case {
        let update = self.update(edit);
        self.gives(Gives::Change(Box::new(update)))
    }

    pub(crate) fn answers(self, outcome: InformOutcome) -> Case {
        self.gives(Gives::Informed(outcome, None))
    }

    pub(crate) fn answers_and_writes(self, outcome: InformOutcome, edit: impl FnOnce(&mut Update)) -> Case {
        let update = self.update(edit);
        self.gives(Gives::Informed(outcome, Some(Box::new(update))))
    }

    pub(crate) fn inserts(self, row: Resource, events: Vec<EventDraft>) -> Case {
        let insert = Change::Insert(Box::new(Insert { row, events }));
        self.gives(Gives::Informed(InformOutcome::Created, Some(Box::new(insert))))
    }

    pub(crate) fn settles(self, settle: Settle) -> Case {
        self.gives(Gives::Change(Box::new(Change::Settle(Box::new(settle)))))
    }

    pub(crate) fn claims(self, edit: impl FnOnce(&mut Resource)) -> Case {
        let mut row = self.0.row.clone().unwrap();
        edit(&mut row);
        self.gives(Gives::Claimed(Box::new(row)))
    }

    pub(crate) fn removes(self, events: Vec<EventDraft>) -> Case {
        let remove = Remove { id: ResourceId::new(7), version: 40, events };
        self.gives(Gives::Change(Box::new(Change::Remove(remove))))
    }

    fn update(&self, edit: impl FnOnce(&mut Update)) -> Change {
        let mut update = Update {
            version: 40,
            row: Resource { version: 41, updated_at: NOW, ..self.0.row.clone().unwrap() },
            lease: LeaseWrite::Keep,
            write_object: false,
            write_tags: false,
            error: None,
            events: Vec::new(),
        };
        edit(&mut update);
        Change::Update(Box::new(update))
    }
}

impl Case {
    pub(crate) fn phase(&self) -> Phase {
        self.row.as_ref().map_or(Phase::None, |row| Phase::of(&row.state))
    }

    pub(crate) fn input(&self) -> Input {
        match self.asks {
            Asks::Inform(_) => Input::Inform,
            Asks::Claim(_) => Input::Claim,
            Asks::Heartbeat(_) => Input::Heartbeat,
            Asks::Settle(..) => Input::Settle,
            Asks::Rescue => Input::Rescue,
            Asks::Expire(_) => Input::Expire,
            Asks::Invalidate => Input::Invalidate,
            Asks::Retry(_) => Input::Retry,
            Asks::Cancel => Input::Cancel,
            Asks::RequestDeletion(_) => Input::RequestDeletion,
            Asks::Missing => Input::Missing,
            Asks::Pause => Input::Pause,
            Asks::Resume => Input::Resume,
            Asks::Purge(_) => Input::Purge,
        }
    }

    /// What the table's conditions look at.
    pub(crate) fn facts(&self) -> Facts {
        let facts = Facts::of(self.row.as_ref(), NOW);
        let row = self.row.as_ref();
        let lease = row.and_then(|row| row.lease);
        let aged = |since: Option<_>, period: Option<Duration>| {
            since.zip(period).is_some_and(|(since, period)| since <= NOW && NOW.since(since) >= period)
        };
        match &self.asks {
            Asks::Inform(said) => Facts {
                relation: said.relation,
                by_informer: said.input.source == plan::Source::Informer,
                skip_deleted: said.input.options.deleted == Deleted::Skip,
                process_existing: said.input.options.existing == Existing::Process,
                second_chance: said.input.policy.second_chance == SecondChance::Give,
                ..facts
            },
            Asks::Heartbeat(token) => Facts { lease_held: lease.is_some_and(|lease| lease.token == *token), ..facts },
            Asks::Settle(token, report) => Facts {
                lease_held: lease.is_some_and(|lease| lease.token == *token),
                report: match report {
                    Report::Synced => ReportKind::Synced,
                    Report::Failed { .. } => ReportKind::Failed,
                    Report::Permanent { .. } => ReportKind::Permanent,
                    Report::Delete { .. } => ReportKind::Delete,
                    Report::Snooze(_) => ReportKind::Snooze,
                    Report::Released(_) => ReportKind::Released,
                },
                ..facts
            },
            Asks::RequestDeletion(by) => Facts { asked_by: *by, ..facts },
            Asks::Expire(expiry) => {
                Facts { period_over: aged(row.and_then(|row| row.synced_at), Some(*expiry)), ..facts }
            }
            Asks::Purge(retention) => {
                let period = match self.phase() {
                    Phase::Deleted => retention.deleted,
                    Phase::Degraded => retention.degraded,
                    Phase::Synced => retention.synced,
                    _ => None,
                };
                Facts { period_over: aged(row.map(|row| row.state_since), period), ..facts }
            }
            _ => facts,
        }
    }

    pub(crate) fn rule(&self) -> &'static Rule {
        find(self.input(), &self.facts())
    }

    /// Asks the plan.
    pub(crate) fn plan(&self) -> Gives {
        let objects = EventObjects::Omit;
        let row = self.row.clone();
        let one = |result: Result<Change, Rejection>| {
            result.map_or_else(Gives::Refused, |change| Gives::Change(Box::new(change)))
        };
        let maybe = |result: Result<Option<Change>, Rejection>| match result {
            Ok(Some(change)) => Gives::Change(Box::new(change)),
            Ok(None) => Gives::Nothing,
            Err(rejection) => Gives::Refused(rejection),
        };
        if let Asks::Inform(said) = &self.asks {
            let mut plan = plan::inform(row.into_iter().collect(), std::slice::from_ref(&said.input), NOW);
            assert_eq!((plan.changeset.now, plan.answers.len()), (NOW, 1));
            let answer = plan.answers.remove(0);
            let change = plan.changeset.changes.pop();
            assert_eq!(answer.change, change.as_ref().map(|_| 0));
            assert!(plan.changeset.is_empty(), "one inform wrote more than one change");
            assert_eq!(answer.id, self.row.as_ref().map(|row| row.id));
            return match answer.outcome {
                Ok(outcome) => {
                    let generation = match &change {
                        Some(Change::Update(update)) => update.row.generation,
                        Some(Change::Insert(insert)) => insert.row.generation,
                        _ => self.row.as_ref().map_or(0, |row| row.generation),
                    };
                    assert_eq!(answer.generation, generation);
                    Gives::Informed(outcome, change.map(Box::new))
                }
                Err(rejection) => Gives::Refused(rejection),
            };
        }
        let Some(mut row) = row else { return Gives::Unplanned };
        match &self.asks {
            Asks::Claim(lease) if plan::claim(&mut row, *lease, NOW) => Gives::Claimed(Box::new(row)),
            Asks::Claim(_) => {
                assert_eq!(Some(row), self.row, "a row that was not claimed was changed");
                Gives::NotClaimed
            }
            Asks::Settle(token, _) if row.lease.is_some_and(|lease| lease.token != *token) => Gives::Unplanned,
            Asks::Settle(_, report) => one(plan::settle(&row, report, objects, NOW)),
            Asks::Rescue => one(plan::rescue(&row, objects, NOW)),
            Asks::Expire(expiry) => one(plan::expire(row, *expiry, objects, NOW)),
            Asks::Missing => one(plan::missing_work(row, &POLICY, NOW)),
            Asks::Purge(retention) => one(plan::purge(&row, *retention, objects, NOW)),
            Asks::Invalidate => maybe(plan::invalidate(row, objects, NOW)),
            Asks::Retry(key) => maybe(plan::retry(row, *key, objects, NOW)),
            Asks::Cancel => maybe(plan::cancel(row, objects, NOW)),
            Asks::RequestDeletion(by) => maybe(plan::request_deletion(row, *by, objects, NOW)),
            Asks::Pause => maybe(plan::pause(row, objects, NOW)),
            Asks::Resume => maybe(plan::resume(row, objects, NOW)),
            Asks::Heartbeat(_) | Asks::Inform(_) => Gives::Unplanned,
        }
    }

    /// The phase that the expected change leaves the row in.
    fn phase_after(&self) -> Phase {
        let change = match &self.gives {
            Gives::Claimed(row) => return Phase::of(&row.state),
            Gives::Change(change) | Gives::Informed(_, Some(change)) => change,
            _ => return self.phase(),
        };
        match &**change {
            Change::Insert(insert) => Phase::of(&insert.row.state),
            Change::Update(update) => Phase::of(&update.row.state),
            Change::Remove(_) => Phase::None,
            Change::Settle(settle) if self.facts().moved => Phase::of(&settle.moved.state),
            Change::Settle(settle) => Phase::of(&settle.unmoved.state),
            Change::Renew(_) => self.phase(),
        }
    }

    fn check(&self) -> Result<(), String> {
        let (rule, gives) = (self.rule(), self.plan());
        let to = match rule.to {
            To::Phase(phase) => phase,
            To::ScheduledOrPending if self.phase() != Phase::Pending => Phase::Scheduled,
            To::ScheduledOrPending | To::Same => self.phase(),
        };
        if rule.effect != self.effect {
            return Err(format!("expected the table to say {:?}, found {rule:?}", self.effect));
        }
        if gives != self.gives {
            return Err(format!("expected\n{:#?}\nfound\n{gives:#?}", self.gives));
        }
        if to != self.phase_after() {
            return Err(format!("expected {:?} as the table says, found {:?}", to, self.phase_after()));
        }
        Ok(())
    }
}

/// Runs cases, and tells of all that differ.
pub(crate) fn check(cases: &[Case]) {
    let differing: Vec<String> = cases
        .iter()
        .filter_map(|case| {
            let name = format!("{} ({} / {})", case.name, case.phase().as_str(), case.input().as_str());
            case.check().err().map(|difference| format!("{name}: {difference}"))
        })
        .collect();
    assert!(differing.is_empty(), "{} of {} cases differ:\n{}", differing.len(), cases.len(), differing.join("\n\n"));
}

/// The state of a row of a known phase, for rejections.
pub(crate) fn not_due(state: State) -> Rejection {
    Rejection::NotDue(state)
}
