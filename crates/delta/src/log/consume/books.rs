use std::collections::BTreeMap;
use std::sync::Arc;

use delta_core::plan::consume::{self, Standing};
use delta_core::{
    Access, Changeset, Cursor, CursorQuery, DeadLetter, Error, ErrorKind, LogEvent, LogStore, Owner, Position, Result,
    Store as _, Timestamp, borrow_session,
};
use tokio::time::Instant;

use crate::clock::instant;
use crate::log::consume::setup::Setup;
use crate::log::consume::slice::{Found, Slice};
use crate::log::consume::start;
use crate::log::source::finish;

/// How often a write is tried that others get in the way of.
const TRIES: u32 = 5;

/// Reads and writes the cursors of a run.
pub(super) struct Books<S: LogStore, E: LogEvent> {
    pub(super) setup: Arc<Setup<S, E>>,
    /// Who holds them: new for each run, so that no other run of this client is taken for it.
    pub(super) owner: Owner,
}

impl<S: LogStore, E: LogEvent> Clone for Books<S, E> {
    fn clone(&self) -> Self {
        Self { setup: self.setup.clone(), owner: self.owner }
    }
}

/// What has become of a write.
#[derive(Debug)]
pub(super) struct Wrote {
    /// Before it was asked for.
    pub(super) asked: Instant,
    /// The end of the lease that was written.
    pub(super) until: Timestamp,
    /// The cursors that somebody else has written meanwhile.
    pub(super) lost: Vec<String>,
}

impl<S: LogStore, E: LogEvent> Books<S, E> {
    pub(super) fn new(setup: Arc<Setup<S, E>>) -> Self {
        let owner = Owner::new(setup.engine().random.bits());
        Self { setup, owner }
    }

    /// Takes the one cursor of a consumer that is not sharded; `None` while somebody else holds it.
    pub(super) async fn take(&self) -> Result<Option<(Slice, Wrote)>> {
        let setup = &*self.setup;
        let name = consume::cursor_name(setup.log.name(), setup.name());
        let found = self.read(CursorQuery::Names(vec![name.clone()])).await?.pop();
        let row = found.unwrap_or_else(|| Cursor::new(name));
        let mut standing = self.standing(&row)?;
        if let Some(cursors) = &setup.options.cursor_store {
            standing.position = cursors.load(setup.name()).await?;
        }
        // After the cursor, which another run may be moving: its place is never beyond an end that is asked for later.
        let ends = start::ends(&setup.log).await?;
        standing.check_end(setup.name(), ends.end)?;
        if standing.position == Some(Position::START) {
            start::check_start(&setup.log, setup.name()).await?;
        }
        let position = match standing.position {
            Some(position) => position,
            // Stored at once: after a crash, the head would be another.
            None => start::begin(&setup.log, setup.options.start, ends).await?,
        };
        standing.position = Some(position);
        let asked = instant();
        let store = setup.store();
        let mut conn = store.acquire(Access::Write).await?;
        let result = async {
            let now = self.certain_now(&mut conn).await?;
            let until = now + setup.lease();
            let Some(row) = consume::take(row, self.owner, until, now) else { return Ok(None) };
            let row = standing.clone().into_cursor(row);
            let changes = Changeset { cursors: vec![row.clone().put()], ..Changeset::new(now) };
            let receipt = store.commit(&mut conn, &changes).await?;
            if receipt.lost_cursor.is_some() {
                return Ok(None);
            }
            let row = Cursor { version: row.version + 1, ..row };
            Ok(Some((Slice::new(row, standing, position), Wrote { asked, until, lost: Vec::new() })))
        }
        .await;
        finish(store, conn, result)
    }

    /// What a cursor says, if it is this consumer's.
    pub(super) fn standing(&self, row: &Cursor) -> Result<Standing> {
        let data = self.setup.data();
        let Some(standing) = Standing::of(row)? else { return Ok(Standing { position: None, data }) };
        standing.check(self.setup.name(), &data)?;
        let program = data.program;
        Ok(Standing { data: consume::CursorData { program, ..standing.data }, ..standing })
    }

    /// Writes cursors, and renews their lease. What somebody else has written meanwhile is left out.
    pub(super) async fn write(&self, mut rows: Vec<Cursor>) -> Result<Wrote> {
        let asked = instant();
        let store = self.setup.store();
        let mut conn = store.acquire(Access::Write).await?;
        let result = async {
            let now = self.certain_now(&mut conn).await?;
            let until = now + self.setup.lease();
            let mut lost = Vec::new();
            while !rows.is_empty() {
                let cursors = rows.iter().map(|row| Cursor { lease_until: Some(until), ..row.clone() }.put()).collect();
                let receipt = store.commit(&mut conn, &Changeset { cursors, ..Changeset::new(now) }).await?;
                let Some(name) = receipt.lost_cursor else { break };
                rows.retain(|row| row.name != name);
                lost.push(name);
            }
            Ok(Wrote { asked, until, lost })
        }
        .await;
        let wrote = finish(store, conn, result)?;
        if let Some(cursors) = &self.setup.options.cursor_store {
            for row in rows {
                if let Some(position) = self.standing(&row)?.position {
                    cursors.save(self.setup.name(), position).await?;
                }
            }
        }
        Ok(wrote)
    }

    /// Records dead letters in the transaction that moves the cursor past their events; `None` if somebody else has written
    /// it.
    pub(super) async fn bury(&self, row: Cursor, letters: Vec<DeadLetter>) -> Result<Option<Wrote>> {
        let asked = instant();
        let mut tx = self.begin().await?;
        let buried = async {
            let Some(until) = tx.put(row.clone()).await? else { return Ok(None) };
            let mut signals = Vec::new();
            for letter in &letters {
                signals.extend(self.setup.recorder.record(self.setup.log.store(), tx.conn()?, letter).await?);
            }
            Ok(Some((until, signals)))
        }
        .await;
        let Some((until, signals)) = tx.end(buried).await? else { return Ok(None) };
        self.setup.engine().send(signals);
        if let Some(cursors) = &self.setup.options.cursor_store
            && let Some(position) = self.standing(&row)?.position
        {
            cursors.save(self.setup.name(), position).await?;
        }
        Ok(Some(Wrote { asked, until, lost: Vec::new() }))
    }

    /// Gives cursors back, as far as they have come. Those that somebody else has written meanwhile keep what they say.
    pub(super) async fn release(&self, mut slices: Vec<Slice>) -> Result<()> {
        for _ in 0..TRIES {
            if slices.is_empty() {
                return Ok(());
            }
            let names = slices.iter().map(|slice| slice.name().to_owned()).collect();
            let mut found = by_name(self.read(CursorQuery::Names(names)).await?);
            let mut rows = Vec::new();
            slices.retain_mut(|slice| {
                let row = found.remove(slice.name());
                match slice.compare(row.as_ref(), self.owner) {
                    Found::Same | Found::Written => rows.push(slice.released()),
                    Found::Moved => rows.push(slice.released_as_found()),
                    Found::Lost => return false,
                }
                true
            });
            let now = self.now().await?;
            let cursors = rows.iter().cloned().map(Cursor::put).collect();
            if self.commit(&Changeset { cursors, ..Changeset::new(now) }).await?.is_some() {
                continue;
            }
            if let Some(cursors) = &self.setup.options.cursor_store {
                for row in rows {
                    if let Some(position) = self.standing(&row)?.position {
                        cursors.save(self.setup.name(), position).await?;
                    }
                }
                cursors.flush().await?;
            }
            return Ok(());
        }
        Ok(())
    }

    /// Gives back all that a tenure has held.
    pub(super) async fn give_back(&self, slices: Vec<Slice>, member: Option<Cursor>) -> Result<()> {
        let released = self.release(slices).await;
        match member {
            Some(member) => released.and(self.leave(member).await),
            None => released,
        }
    }

    /// Reads cursors.
    pub(super) async fn read(&self, query: CursorQuery) -> Result<Vec<Cursor>> {
        let store = self.setup.store();
        let mut conn = store.acquire(Access::Read).await?;
        let result = store.cursors(&mut conn, &query).await;
        finish(store, conn, result)
    }

    /// Commits; the name of a cursor that was lost.
    pub(super) async fn commit(&self, changes: &Changeset) -> Result<Option<String>> {
        if changes.is_empty() {
            return Ok(None);
        }
        let store = self.setup.store();
        let mut conn = store.acquire(Access::Write).await?;
        let result = store.commit(&mut conn, changes).await;
        finish(store, conn, result).map(|receipt| receipt.lost_cursor)
    }

    /// The server's time.
    pub(super) async fn now(&self) -> Result<Timestamp> {
        let store = self.setup.store();
        let mut conn = store.acquire(Access::Read).await?;
        let result = self.setup.engine().now(&mut borrow_session(store, &mut conn)).await;
        finish(store, conn, result)
    }

    /// The server's time, known well enough to hold a lease by.
    pub(super) async fn certain_now(&self, conn: &mut S::Conn) -> Result<Timestamp> {
        let engine = self.setup.engine();
        let mut session = borrow_session(self.setup.store(), conn);
        let most = self.setup.lease() / 8;
        if engine.clock.uncertainty() > most / 2 {
            engine.sample_clock(&mut session).await?;
        }
        if engine.clock.uncertainty() > most {
            let what = format!("the server's time is known to {:?} only", engine.clock.uncertainty());
            return Err(Error::new(ErrorKind::Unavailable, "hold a consumer's lease", what));
        }
        engine.now(&mut session).await
    }
}

pub(super) fn by_name(cursors: Vec<Cursor>) -> BTreeMap<String, Cursor> {
    cursors.into_iter().map(|cursor| (cursor.name.clone(), cursor)).collect()
}
