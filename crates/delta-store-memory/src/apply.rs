use std::collections::BTreeSet;

use delta_core::{
    Applied, Change, Changeset, Cursor, CursorChange, Event, EventDraft, EventKind, Locked, Metadata, Outcome, Receipt,
    Resource, Returning, Scope, ScopeChange, ScopeRecord, ScopeWrite, Subject, Timestamp, WakeUp,
};

use crate::change::{has_moved, lost_fence, renewed, settled, updated};
use crate::database::Database;
use crate::lock::{Lock, TxId};
use crate::view::View;
use crate::workspace::Workspace;

/// How far a call came.
pub(crate) enum Step<T> {
    /// To its end.
    Done(T),
    /// Nowhere: these transactions hold what it needs.
    Blocked(BTreeSet<TxId>),
}

enum Verdict {
    Write,
    Leave(Outcome),
    Wait(TxId),
}

/// Applies a checked changeset to a transaction's work: whole, or not at all if it is blocked.
pub(crate) fn apply(db: &mut Database, work: &mut Workspace, set: &Changeset) -> Step<Receipt> {
    let me = work.tx;
    let verdicts: Vec<Verdict> = set.changes.iter().map(|change| judge(db, work, change, set.locked)).collect();
    let cursors = set.cursors.iter().map(|change| Lock::Cursor(change.name().to_owned()));
    let scopes = set.scopes.iter().map(|change| Lock::Scope(change.scope.clone()));
    let mut blocked: BTreeSet<TxId> =
        cursors.chain(scopes).filter_map(|lock| db.locks.held_by_other(&lock, me)).collect();
    blocked.extend(verdicts.iter().filter_map(|verdict| match verdict {
        Verdict::Wait(holder) => Some(*holder),
        _ => None,
    }));
    if !blocked.is_empty() {
        return Step::Blocked(blocked);
    }

    let view = View::new(db, Some(work));
    let stored = |change: &CursorChange| view.cursor(change.name()).map_or(0, |cursor| cursor.version);
    if let Some(lost) = set.cursors.iter().find(|change| stored(change) != change.version()) {
        return Step::Done(Receipt { lost_cursor: Some(lost.name().to_owned()), ..Receipt::default() });
    }

    let first_event = work.events.len();
    let mut outcomes = Vec::with_capacity(set.changes.len());
    for (change, verdict) in set.changes.iter().zip(verdicts) {
        outcomes.push(match verdict {
            Verdict::Leave(outcome) => outcome,
            Verdict::Write | Verdict::Wait(_) => write(db, work, change, set),
        });
    }
    for change in &set.cursors {
        write_cursor(db, work, change);
    }
    for change in &set.scopes {
        write_scope(db, work, change, set.now);
    }
    let events = match set.returning {
        Returning::Outcomes => Vec::new(),
        Returning::Events => work.events[first_event..].to_vec(),
    };
    Step::Done(Receipt { outcomes, lost_cursor: None, events })
}

/// What is to become of a change, without doing it. A fence that does not hold on what is committed never will again, so
/// it is lost whoever holds the row.
fn judge(db: &Database, work: &Workspace, change: &Change, locked: Locked) -> Verdict {
    let view = View::new(db, Some(work));
    if let Some(key) = change.inserted_key() {
        if view.id_of(key).is_some() {
            return Verdict::Leave(Outcome::Stale);
        }
        return db.locks.held_by_other(&Lock::Key(key.clone()), work.tx).map_or(Verdict::Write, Verdict::Wait);
    }
    let Some(id) = change.id() else { return Verdict::Leave(Outcome::Stale) };
    if let Some(outcome) = lost_fence(change, view.row(id)) {
        return Verdict::Leave(outcome);
    }
    match (db.locks.held_by_other(&Lock::Row(id), work.tx), locked) {
        (None, _) => Verdict::Write,
        (Some(holder), Locked::Wait) => Verdict::Wait(holder),
        (Some(_), Locked::Skip) => Verdict::Leave(Outcome::Busy),
    }
}

fn write(db: &mut Database, work: &mut Workspace, change: &Change, set: &Changeset) -> Outcome {
    let now = set.now;
    let mut applied = Applied { id: change.id().unwrap_or_default(), moved: false, cancel_requested: false };
    let before = View::new(db, Some(work)).row(applied.id).cloned();
    let (after, drafts) = match (change, &before) {
        (Change::Insert(insert), _) => {
            applied.id = db.next_id();
            db.locks.take(Lock::Key(insert.row.key.clone()), work.tx);
            name_scopes(db, &insert.row);
            (Resource { id: applied.id, version: 1, ..insert.row.clone() }, &insert.events)
        }
        (Change::Update(update), Some(row)) => (updated(row, update), &update.events),
        (Change::Settle(settle), Some(row)) => {
            applied.moved = has_moved(row);
            let settlement = if applied.moved { &settle.moved } else { &settle.unmoved };
            (settled(row, settle, now), &settlement.events)
        }
        (Change::Renew(renew), Some(row)) => {
            applied.cancel_requested = row.lease.is_some_and(|lease| lease.cancel_requested);
            db.locks.take(Lock::Row(row.id), work.tx);
            work.put(renewed(row, renew));
            return Outcome::Applied(applied);
        }
        (Change::Remove(remove), Some(row)) => {
            db.locks.take(Lock::Row(row.id), work.tx);
            append(db, work, row, &remove.events, now);
            work.remove(row);
            return Outcome::Applied(applied);
        }
        (_, None) => return Outcome::Stale,
    };
    db.locks.take(Lock::Row(after.id), work.tx);
    append(db, work, &after, drafts, now);
    if set.wake == WakeUp::InTransaction && after.state.is_claimable() && !after.paused {
        work.wake.insert(after.key.lane());
    }
    work.put(after);
    Outcome::Applied(applied)
}

fn append(db: &mut Database, work: &mut Workspace, row: &Resource, drafts: &[EventDraft], now: Timestamp) {
    for draft in drafts {
        let object = row.detail.as_ref().filter(|_| draft.with_object).map(|detail| detail.object.clone());
        work.events.push(Event {
            position: db.log.give_out(work.tx, work.since),
            kind: draft.kind,
            subject: Subject::Resource {
                id: row.id,
                key: row.key.clone(),
                state: row.state.clone(),
                generation: draft.generation.unwrap_or(row.generation),
                attempt: draft.attempt.unwrap_or(row.attempt),
            },
            at: now,
            metadata: row.metadata.clone(),
            trace: row.trace.clone(),
            object,
        });
    }
}

/// Notes that a resource's kind and namespace exist, at once and for good: an insert that is rolled back leaves them.
fn name_scopes(db: &mut Database, row: &Resource) {
    for scope in [Scope::Kind(row.key.kind.clone()), Scope::Namespace(row.key.namespace.clone())] {
        db.scopes.entry(scope.clone()).or_insert(ScopeRecord { scope, paused: false, settings: None });
    }
}

fn write_cursor(db: &mut Database, work: &mut Workspace, change: &CursorChange) {
    db.locks.take(Lock::Cursor(change.name().to_owned()), work.tx);
    let after = match change {
        CursorChange::Put(cursor) => Some(Cursor { version: cursor.version + 1, ..cursor.clone() }),
        CursorChange::Remove { .. } => None,
    };
    work.cursors.insert(change.name().to_owned(), after);
}

fn write_scope(db: &mut Database, work: &mut Workspace, change: &ScopeChange, now: Timestamp) {
    let scope = &change.scope;
    db.locks.take(Lock::Scope(scope.clone()), work.tx);
    let stored = View::new(db, Some(work)).scope(scope).cloned();
    let mut record = stored.unwrap_or_else(|| ScopeRecord { scope: scope.clone(), paused: false, settings: None });
    let kind = match &change.write {
        ScopeWrite::Settings(settings) => {
            record.settings = Some(settings.clone());
            None
        }
        ScopeWrite::Pause => (!std::mem::replace(&mut record.paused, true)).then_some(EventKind::Paused),
        ScopeWrite::Resume => std::mem::replace(&mut record.paused, false).then_some(EventKind::Resumed),
    };
    work.scopes.insert(scope.clone(), record);
    if let Some(kind) = kind {
        work.events.push(Event {
            position: db.log.give_out(work.tx, work.since),
            kind,
            subject: Subject::Scope(scope.clone()),
            at: now,
            metadata: Metadata::EMPTY,
            trace: None,
            object: None,
        });
    }
}
