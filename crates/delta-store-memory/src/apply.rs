use std::collections::BTreeSet;

use delta_core::{
    Change, Changeset, Cursor, CursorChange, Event, EventDraft, Locked, Outcome, Receipt, Resource, Returning, Scope,
    ScopeChange, ScopeRecord, Timestamp, WakeUp, Written,
};

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
    if let Err(outcome) = change.fence(named(db, work, change)) {
        return Verdict::Leave(outcome);
    }
    let lock = match (change.id(), change.inserted_key()) {
        (Some(id), _) => Lock::Row(id),
        (None, Some(key)) => Lock::Key(key.clone()),
        (None, None) => return Verdict::Write,
    };
    match (db.locks.held_by_other(&lock, work.tx), locked, &lock) {
        (None, ..) => Verdict::Write,
        (Some(_), Locked::Skip, Lock::Row(_)) => Verdict::Leave(Outcome::Busy),
        (Some(holder), ..) => Verdict::Wait(holder),
    }
}

/// The row that a change is about.
fn named<'a>(db: &'a Database, work: &'a Workspace, change: &Change) -> Option<&'a Resource> {
    let view = View::new(db, Some(work));
    change.id().or_else(|| view.id_of(change.inserted_key()?)).and_then(|id| view.row(id))
}

fn write(db: &mut Database, work: &mut Workspace, change: &Change, set: &Changeset) -> Outcome {
    let before = named(db, work, change).cloned();
    let Written { row, events, mut applied } = match change.apply(before.as_ref(), set.now) {
        Ok(written) => written,
        Err(outcome) => return outcome,
    };
    let Some(mut after) = row else {
        if let Some(before) = &before {
            db.locks.take(Lock::Row(before.id), work.tx);
            append(db, work, before, events, set.now);
            work.remove(before);
        }
        return Outcome::Applied(applied);
    };
    if let Change::Insert(_) = change {
        applied.id = db.next_id();
        after.id = applied.id;
        db.locks.take(Lock::Key(after.key.clone()), work.tx);
        name_scopes(db, &after);
    }
    db.locks.take(Lock::Row(after.id), work.tx);
    append(db, work, &after, events, set.now);
    if set.wake == WakeUp::InTransaction && after.state.is_claimable() && !after.paused {
        work.wake.insert(after.key.lane());
    }
    work.put(after);
    Outcome::Applied(applied)
}

fn append(db: &mut Database, work: &mut Workspace, row: &Resource, drafts: &[EventDraft], now: Timestamp) {
    for draft in drafts {
        let position = db.log.give_out(work.tx, work.since);
        work.events.push(draft.event(position, row, now));
    }
}

/// Notes that a resource's kind and namespace exist, at once and for good: an insert that is rolled back leaves them.
fn name_scopes(db: &mut Database, row: &Resource) {
    for scope in [Scope::Kind(row.key.kind.clone()), Scope::Namespace(row.key.namespace.clone())] {
        db.scopes.entry(scope.clone()).or_insert_with(|| ScopeRecord::new(scope));
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
    let mut record = stored.unwrap_or_else(|| ScopeRecord::new(scope.clone()));
    let kind = record.apply(&change.write);
    work.scopes.insert(scope.clone(), record);
    if let Some(kind) = kind {
        let position = db.log.give_out(work.tx, work.since);
        work.events.push(Event::of_scope(position, kind, scope.clone(), now));
    }
}
