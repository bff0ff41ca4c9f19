use delta_core::{Change, Changeset, ErrorKind, Receipt, Result, Returning};

use super::driver::MysqlDriver;
use super::names::{Known, Wanted};
use super::tables::{CONFLICT_LIMIT, Tables, end};
use crate::driver::Backoff;

/// Whose a transaction is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Whose {
    /// Delta's own: it ends soon.
    Own,
    /// A caller's, which may take its time.
    Callers,
}

/// The kinds and namespaces that a changeset may be the first to speak of.
pub(super) fn named(set: &Changeset) -> Wanted<'_> {
    let mut wanted = Wanted::default();
    for key in set.changes.iter().filter_map(Change::inserted_key) {
        wanted.kinds.insert(&key.kind);
        wanted.namespaces.insert(&key.namespace);
    }
    set.scopes.iter().for_each(|change| wanted.add_scope(&change.scope));
    wanted
}

impl<D: MysqlDriver> Tables<D> {
    /// Applies a changeset.
    pub async fn commit(&self, conn: &mut D::Conn, set: &Changeset) -> Result<Receipt> {
        set.check("commit")?;
        if set.is_empty() {
            return Ok(Receipt::default());
        }
        let known = self.make_names(conn, &named(set)).await?;
        let whose = if self.driver().is_in_transaction(conn) { Whose::Callers } else { Whose::Own };
        let mut backoff = Backoff::new(CONFLICT_LIMIT);
        loop {
            match self.commit_once(conn, set, &known, whose).await {
                Err(error) if whose == Whose::Own && error.kind() == ErrorKind::Conflict && backoff.again().await => {}
                done => return done,
            }
        }
    }

    /// Applies a changeset in a transaction, or a savepoint, of its own.
    pub(super) async fn commit_once(
        &self,
        conn: &mut D::Conn,
        set: &Changeset,
        known: &Known,
        whose: Whose,
    ) -> Result<Receipt> {
        let mut unit = self.unit(conn, "commit").await?;
        match self.apply(unit.conn(), set, known, whose).await {
            Ok(receipt) if receipt.lost_cursor.is_some() => {
                unit.undo("commit").await?;
                Ok(receipt)
            }
            done => end(unit, done, "commit").await,
        }
    }

    /// Applies a changeset in a transaction that is there already. If it says that a cursor was lost, what was written is
    /// the caller's to undo.
    ///
    /// One order for all: cursors, rows that exist by id, new rows by key, kinds and namespaces. Events are last, so that
    /// readers of the log are held back no longer than needed.
    pub(super) async fn apply(
        &self,
        conn: &mut D::Conn,
        set: &Changeset,
        known: &Known,
        whose: Whose,
    ) -> Result<Receipt> {
        if let Some(lost) = self.write_cursors(conn, &set.cursors).await? {
            return Ok(Receipt { lost_cursor: Some(lost), ..Receipt::default() });
        }
        let mut work = self.decide(conn, set).await?;
        self.insert(conn, &mut work, known).await?;
        // Names of rows that exist may have been learnt since.
        let known = self.names().known();
        self.write_work(conn, &work, &known).await?;
        let paused = self.write_scopes(conn, set, &known).await?;
        let mut events = self.append(conn, &work, &known).await?;
        let appended = work.all().any(|(_, done)| !done.events.is_empty()) || paused.iter().any(Option::is_some);
        events.extend(self.append_scopes(conn, set, paused, &known).await?);
        if appended && whose == Whose::Own {
            self.turn_log(conn, set.now).await?;
        }
        self.remove(conn, &work).await?;
        if set.returning == Returning::Outcomes {
            events.clear();
        }
        Ok(Receipt { outcomes: work.outcomes, lost_cursor: None, events })
    }
}
