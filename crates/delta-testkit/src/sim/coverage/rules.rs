use std::collections::BTreeMap;

use delta_core::transition::{Condition, Effect, Facts, Input, Phase, Relation, ReportKind, Rule, TABLE, find};
use delta_core::{EventKind, Key, LeaseToken, Reason, Resource, State, Timestamp};

use crate::history::{Actor, Answer, Ask, Entry, What};

/// Tells which rules of the transition table a history has followed.
#[derive(Default)]
pub(super) struct Rules<'a> {
    rows: BTreeMap<&'a Key, &'a Resource>,
    /// What the worker said that holds a lease.
    answers: BTreeMap<LeaseToken, &'a Answer>,
    /// The version that a row had as somebody asked for something.
    asked: BTreeMap<(&'a Actor, &'a Key, &'a str), Option<i64>>,
}

/// The name of a rule in a summary.
pub(super) fn name(rule: &Rule) -> String {
    let from: Vec<_> = rule.from.iter().map(|phase| phase.as_str()).collect();
    let from = if from.len() == 1 { from[0].to_owned() } else { format!("{} states", from.len()) };
    let when: Vec<_> = rule.when.iter().copied().map(condition).collect();
    let when = if when.is_empty() { String::new() } else { format!(" if {}", when.join(", ")) };
    format!("{from}: {}{when} -> {:?}", rule.input.as_str(), rule.effect)
}

fn condition(condition: Condition) -> String {
    match condition {
        Condition::Reports(report) => format!("reports {report:?}"),
        other => format!("{other:?}"),
    }
}

impl<'a> Rules<'a> {
    /// Sees what one store call has written.
    pub(super) fn written(&mut self, entries: &'a [Entry]) -> Vec<&'static Rule> {
        let mut rules = Vec::new();
        for entry in entries {
            let What::Row { before, after } = &entry.what else { continue };
            let Some(row) = after.as_ref().or(before.as_ref()) else { continue };
            let events: Vec<EventKind> = entries.iter().filter_map(|entry| event_of(entry, row)).collect();
            rules.extend(self.rules(before.as_deref(), after.as_deref(), &events));
            match after {
                Some(after) => self.rows.insert(&after.key, after),
                None => self.rows.remove(&row.key),
            };
        }
        rules
    }

    /// Sees what is no write.
    pub(super) fn saw(&mut self, entry: &'a Entry) -> Option<&'static Rule> {
        match &entry.what {
            What::Ended(attempt, answer) | What::Settles(attempt, answer) if *answer != Answer::Settled => {
                self.answers.insert(attempt.token, answer);
                None
            }
            What::Asked { key, ask } => {
                let version = self.rows.get(key).map(|row| row.version);
                self.asked.insert((&entry.actor, key, ask), version);
                None
            }
            What::Acknowledged { key, ask } => {
                let asked = self.asked.remove(&(&entry.actor, key, ask.name()));
                self.told(key, ask, asked.flatten())
            }
            _ => None,
        }
    }

    /// What somebody was told without anything written.
    fn told(&self, key: &Key, ask: &Ask, asked: Option<i64>) -> Option<&'static Rule> {
        let row = self.rows.get(key).copied();
        let input = match ask {
            Ask::Inform { outcome, .. } => {
                let effect = match outcome.as_str() {
                    "stale" => Effect::Stale,
                    "skipped_deleted" => Effect::SkipDeleted,
                    "unchanged" => Effect::Unchanged,
                    _ => return None,
                };
                return TABLE.iter().find(|rule| rule.effect == effect);
            }
            Ask::Delete => Input::RequestDeletion,
            Ask::Pause => Input::Pause,
            Ask::Resume => Input::Resume,
            _ => return None,
        };
        row.filter(|row| asked == Some(row.version))?;
        Some(find(input, &facts(row))).filter(|rule| rule.effect == Effect::Accept)
    }

    fn rules(&self, before: Option<&Resource>, after: Option<&Resource>, events: &[EventKind]) -> Vec<&'static Rule> {
        let facts = facts(before);
        let (before, after) = match (before, after) {
            (None, _) => return vec![find(Input::Inform, &facts)],
            (_, None) => return vec![find(Input::Purge, &facts)],
            (Some(before), Some(after)) => (before, after),
        };
        let (had, has) = (before.lease, after.lease);
        let mut rules = Vec::new();
        if let Some(lease) = had.filter(|lease| has.is_none_or(|has| has.token != lease.token)) {
            let attempts_left = before.max_attempts.is_none_or(|most| lease.attempt < most);
            let facts = Facts { attempts_left, ..facts };
            let input = if is_rescue(before, after) { Input::Rescue } else { Input::Settle };
            let report = self.report(lease.token, after, events, attempts_left);
            rules.push(find(input, &Facts { report, ..facts }));
            if has.is_some() {
                let state = Facts { phase: Phase::Scheduled, paused: false, ..self::facts(None) };
                rules.push(find(Input::Claim, &state));
            }
        } else if after.version == before.version {
            rules.push(find(Input::Heartbeat, &facts));
        } else if had.is_none() && has.is_some() {
            rules.push(find(Input::Claim, &facts));
        } else if after.version == before.version + 1 {
            rules.push(asked(before, after, events, &facts));
        }
        rules.retain(|rule| rule.effect != Effect::Reject);
        rules
    }

    /// What the end of an attempt reported.
    fn report(&self, token: LeaseToken, after: &Resource, events: &[EventKind], attempts_left: bool) -> ReportKind {
        let gave_up = || match after.state {
            State::Degraded if attempts_left => ReportKind::Permanent,
            _ if events.contains(&EventKind::Scheduled(Reason::Released)) => ReportKind::Released,
            _ => ReportKind::Failed,
        };
        match self.answers.get(&token) {
            Some(Answer::Synced) => ReportKind::Synced,
            Some(Answer::Snoozed) => ReportKind::Snooze,
            Some(Answer::Deleted) => ReportKind::Delete,
            _ => gave_up(),
        }
    }
}

/// The facts of a row for which everything has come that time brings.
fn facts(row: Option<&Resource>) -> Facts {
    let facts = Facts::of(row, Timestamp::EPOCH);
    Facts { due: true, lease_over: true, lease_held: true, period_over: true, ..facts }
}

fn event_of(entry: &Entry, row: &Resource) -> Option<EventKind> {
    match &entry.what {
        What::Appended(event) => match &event.subject {
            delta_core::Subject::Resource { id, .. } if *id == row.id => Some(event.kind),
            _ => None,
        },
        _ => None,
    }
}

/// The rule of a write that neither claims nor ends an attempt, from its events and from what it has changed.
fn asked(before: &Resource, after: &Resource, events: &[EventKind], facts: &Facts) -> &'static Rule {
    let inform = |relation| Facts { relation, ..facts.clone() };
    let deletion = || Facts { asked_by: after.desired.absent_by().unwrap_or(facts.asked_by), ..facts.clone() };
    let cancelled = |row: &Resource| row.lease.is_some_and(|lease| lease.cancel_requested);
    if before.paused != after.paused {
        return find(if after.paused { Input::Pause } else { Input::Resume }, facts);
    }
    if cancelled(before) != cancelled(after) {
        return find(Input::Cancel, facts);
    }
    if after.state == State::Degraded && before.state != State::Degraded {
        return find(Input::Cancel, facts);
    }
    for event in events {
        let EventKind::Scheduled(reason) = event else { continue };
        return match reason {
            Reason::Expired => find(Input::Expire, facts),
            Reason::Requested if after.state == State::Expired => find(Input::Invalidate, facts),
            Reason::Requested => find(Input::Inform, &Facts { process_existing: true, ..inform(Relation::Unchanged) }),
            Reason::SecondChance => find(Input::Inform, &Facts { second_chance: true, ..inform(Relation::Unchanged) }),
            Reason::Retried => find(Input::Retry, facts),
            Reason::Deletion => find(Input::RequestDeletion, &deletion()),
            Reason::Missing => find(Input::Missing, facts),
            _ => find(Input::Inform, &inform(Relation::Changed)),
        };
    }
    if after.desired != before.desired && after.desired.absent_by().is_some() {
        return find(Input::RequestDeletion, &deletion());
    }
    if after.deleted_by != before.deleted_by {
        return find(Input::RequestDeletion, facts);
    }
    if after.generation == before.generation {
        return find(Input::Inform, &inform(Relation::Unchanged));
    }
    let same = before.hash == after.hash;
    let relation = if same { Relation::Unchanged } else { Relation::Changed };
    find(Input::Inform, &Facts { process_existing: same, ..inform(relation) })
}

/// Whether the attempt's end was recorded by whoever found its lease over.
fn is_rescue(before: &Resource, after: &Resource) -> bool {
    let last = after.detail.as_ref().and_then(|detail| detail.errors.last());
    let is_lost = |message: &str| message.starts_with("attempt ") && message.contains(" was lost: its lease was over");
    after.error_count > before.error_count && last.is_some_and(|error| is_lost(&error.message))
}
