use delta_core::{Change, Changeset, ErrorKind, Receipt, Result, Returning};

use super::driver::MysqlDriver;
use super::names::{Known, Wanted};
use super::tables::{CONFLICT_LIMIT, Tables, end};
use crate::driver::Backoff;

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
        let own = !self.driver().is_in_transaction(conn);
        let mut backoff = Backoff::new(CONFLICT_LIMIT);
        loop {
            match self.commit_once(conn, set, &known).await {
                Err(error) if own && error.kind() == ErrorKind::Conflict && backoff.again().await => {}
                done => return done,
            }
        }
    }

    /// Applies a changeset in a transaction, or a savepoint, of its own.
    pub(super) async fn commit_once(&self, conn: &mut D::Conn, set: &Changeset, known: &Known) -> Result<Receipt> {
        let mut unit = self.unit(conn, "commit").await?;
        match self.apply(unit.conn(), set, known).await {
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
    pub(super) async fn apply(&self, conn: &mut D::Conn, set: &Changeset, known: &Known) -> Result<Receipt> {
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
        events.extend(self.append_scopes(conn, set, paused, &known).await?);
        self.remove(conn, &work).await?;
        if set.returning == Returning::Outcomes {
            events.clear();
        }
        Ok(Receipt { outcomes: work.outcomes, lost_cursor: None, events })
    }
}
