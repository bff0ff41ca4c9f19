use std::collections::BTreeSet;

use delta_core::{
    Cursor, Error, ErrorKind, Event, Foreign, GivenOut, Restore, RestoreBatch, RestoreFence, Restored, Result, Scope,
    ScopeRecord, Subject,
};

use crate::apply::Step;
use crate::conn::MemoryConn;
use crate::database::Database;
use crate::lock::Lock;
use crate::store::MemoryStore;
use crate::view::View;
use crate::workspace::Workspace;

impl Restore for MemoryStore {
    async fn given_out(&self, conn: &mut MemoryConn) -> Result<GivenOut> {
        let conn = self.own(conn)?;
        conn.usable("given out", delta_core::Access::Read)?;
        Ok(given_out(&conn.shared.database()))
    }

    async fn restore(&self, conn: &mut MemoryConn, batch: &RestoreBatch) -> Result<Restored> {
        let conn = self.own(conn)?;
        conn.usable("restore", delta_core::Access::Write)?;
        if conn.is_in_transaction() {
            let what = "expected a connection that is not in a transaction, found one that is";
            return Err(Error::new(ErrorKind::Invalid, "restore", what));
        }
        batch.check()?;
        self.write(conn, |db, work| match taken(db, work, batch) {
            Some(what) => Step::Done(Err(what)),
            None => match restore(db, work, batch) {
                Step::Done(done) => Step::Done(Ok(done)),
                Step::Blocked(holders) => Step::Blocked(holders),
            },
        })
        .await?
        .map_err(|what| Error::new(ErrorKind::Invalid, "restore", what))
    }

    async fn refresh(&self, conn: &mut MemoryConn) -> Result<()> {
        self.own(conn)?.usable("refresh", delta_core::Access::Write)
    }
}

fn given_out(db: &Database) -> GivenOut {
    GivenOut { id: db.last_id(), position: db.log.last() }
}

/// What the batch names that is already there, if it gets past its fence.
fn taken(db: &Database, work: &Workspace, batch: &RestoreBatch) -> Option<String> {
    let view = View::new(db, Some(work));
    if fence(db, work, batch).is_some() {
        return None;
    }
    let row = batch.resources.iter().find(|row| view.row(row.id).is_some() || view.id_of(&row.key).is_some());
    let event = || {
        let is_there = |event: &&Event| {
            db.log.has(event.position) || work.events.iter().any(|known| known.position == event.position)
        };
        batch.events.iter().find(is_there).map(|event| format!("position {}", event.position))
    };
    let cursor = || {
        let found = batch.cursors.iter().find(|cursor| view.cursor(&cursor.name).is_some());
        found.map(|cursor| format!("cursor {:?}", cursor.name))
    };
    let found = row.map(|row| format!("resource {} or {}", row.id, row.key)).or_else(event).or_else(cursor);
    found.map(|found| format!("expected what is not there yet, found {found}"))
}

/// What keeps a batch from being written.
fn fence(db: &Database, work: &Workspace, batch: &RestoreBatch) -> Option<Restored> {
    let view = View::new(db, Some(work));
    if view.cursor(&batch.progress.name).map_or(0, |cursor| cursor.version) != batch.progress.version {
        return Some(Restored::Lost);
    }
    let foreign = match batch.fence {
        RestoreFence::Untouched(since) => {
            Some(given_out(db)).filter(|given_out| *given_out != since).map(Foreign::GivenOut)
        }
        RestoreFence::Empty(_) if view.rows().next().is_some() => Some(Foreign::Resource),
        RestoreFence::Empty(_) if !db.log.is_empty() || !work.events.is_empty() => Some(Foreign::Event),
        RestoreFence::Empty(_) if view.cursors().next().is_some() => Some(Foreign::Cursor),
        RestoreFence::Empty(_) => view.scopes().next().map(|_| Foreign::Scope),
    };
    foreign.map(Restored::Foreign)
}

fn restore(db: &mut Database, work: &mut Workspace, batch: &RestoreBatch) -> Step<Restored> {
    let locks: Vec<Lock> = locks(batch).collect();
    let holders: BTreeSet<_> = locks.iter().filter_map(|lock| db.locks.held_by_other(lock, work.tx)).collect();
    if !holders.is_empty() {
        return Step::Blocked(holders);
    }
    if let Some(outcome) = fence(db, work, batch) {
        return Step::Done(outcome);
    }
    for lock in locks {
        db.locks.take(lock, work.tx);
    }
    if let RestoreFence::Empty(at_least) = batch.fence {
        db.raise_id(at_least.id);
        db.log.raise(at_least.position);
    }
    for record in &batch.scopes {
        work.scopes.insert(record.scope.clone(), record.clone());
    }
    for row in &batch.resources {
        name_scope(db, work, Scope::Kind(row.key.kind.clone()));
        name_scope(db, work, Scope::Namespace(row.key.namespace.clone()));
        work.put(row.clone());
    }
    for event in &batch.events {
        for scope in scopes_of(event) {
            name_scope(db, work, scope);
        }
        db.log.hold(work.tx, work.since, event.position);
        work.events.push(event.clone());
    }
    for cursor in &batch.cursors {
        work.cursors.insert(cursor.name.clone(), Some(cursor.clone()));
    }
    let progress = Cursor { version: batch.progress.version + 1, ..batch.progress.clone() };
    work.cursors.insert(progress.name.clone(), Some(progress));
    Step::Done(Restored::Written(given_out(db)))
}

fn locks(batch: &RestoreBatch) -> impl Iterator<Item = Lock> {
    let keys = batch.resources.iter().map(|row| Lock::Key(row.key.clone()));
    let rows = batch.resources.iter().map(|row| Lock::Row(row.id));
    let cursors = batch.cursors.iter().chain([&batch.progress]).map(|cursor| Lock::Cursor(cursor.name.clone()));
    let scopes = batch.scopes.iter().map(|record| Lock::Scope(record.scope.clone()));
    keys.chain(rows).chain(cursors).chain(scopes)
}

/// Notes that a kind or a namespace exists. Unlike an insert's, it goes with a rollback: what is restored is whole.
fn name_scope(db: &Database, work: &mut Workspace, scope: Scope) {
    if View::new(db, Some(work)).scope(&scope).is_none() {
        work.scopes.insert(scope.clone(), ScopeRecord { scope, paused: false, settings: None });
    }
}

fn scopes_of(event: &Event) -> Vec<Scope> {
    match &event.subject {
        Subject::Resource { key, .. } => vec![Scope::Kind(key.kind.clone()), Scope::Namespace(key.namespace.clone())],
        Subject::Scope(scope) => vec![scope.clone()],
    }
}
