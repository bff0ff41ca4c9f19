use std::collections::HashMap;

use delta_core::{Change, Changeset, Locked, Receipt, ResourceId, Result, Returning, WakeUp};

use super::drafts::{Append, Errors};
use super::driver::PostgresDriver;
use super::names::Known;
use super::outcomes::Outcomes;
use super::query::Query;
use super::rows::field;
use super::settle::Settlements;
use super::tables::Tables;
use super::templates::position;

/// The changes of a set by what they do, as numbers.
#[derive(Default)]
pub(super) struct Sorted {
    pub(super) inserts: Vec<usize>,
    pub(super) updates: Vec<usize>,
    pub(super) removals: Vec<usize>,
    pub(super) settlements: Vec<usize>,
    pub(super) renewals: Vec<usize>,
}

impl Sorted {
    pub(super) fn of(set: &Changeset) -> Self {
        let mut sorted = Self::default();
        for (number, change) in set.changes.iter().enumerate() {
            let place = match change {
                Change::Insert(_) => &mut sorted.inserts,
                Change::Update(_) => &mut sorted.updates,
                Change::Remove(_) => &mut sorted.removals,
                Change::Settle(_) => &mut sorted.settlements,
                Change::Renew(_) => &mut sorted.renewals,
            };
            place.push(number);
        }
        sorted
    }

    /// Leaves out the changes of rows that are not locked by now.
    fn keep_locked(&mut self, set: &Changeset, locked: &HashMap<i64, i64>) {
        let is_locked = |number: &usize| set.changes[*number].id().is_some_and(|id| locked.contains_key(&id.get()));
        for numbers in [&mut self.updates, &mut self.removals, &mut self.settlements, &mut self.renewals] {
            numbers.retain(is_locked);
        }
    }
}

impl<D: PostgresDriver> Tables<D> {
    /// Applies any changeset, in a transaction that is there already: in several statements, the rows that exist locked
    /// before all else, so that the order of locks is the same for all.
    ///
    /// A lost cursor says so before anything else was written; what was written of other cursors is the caller's to undo.
    pub(super) async fn apply_in_steps(
        &self,
        conn: &mut D::Conn,
        set: &Changeset,
        sorted: Sorted,
        known: &Known,
    ) -> Result<Receipt> {
        if !set.cursors.is_empty()
            && let Some(lost) = self.write_cursors(conn, &set.cursors).await?
        {
            return Ok(Receipt { lost_cursor: Some(lost), ..Receipt::default() });
        }
        let mut outcomes = Outcomes::of(set);
        let mut sorted = sorted;
        let locked = self.lock_changed(conn, set).await?;
        sorted.keep_locked(set, &locked);
        self.write_rows(conn, set, &sorted, known, &mut outcomes).await?;
        let mut removed = Vec::new();
        for &number in &sorted.removals {
            if let Change::Remove(remove) = &set.changes[number]
                && locked.get(&remove.id.get()) == Some(&remove.version)
            {
                outcomes.set_applied(number, remove.id);
                removed.push(remove.id.get());
            }
        }
        // While the rows are still there to be told about.
        self.append(conn, set, &mut outcomes).await?;
        if !removed.is_empty() {
            let query = Query::new(&self.sql().remove).bind(removed);
            self.fetch(conn, query, "commit").await?;
        }
        let appended = self.write_scopes(conn, set, known).await?;
        if set.returning == Returning::Events {
            outcomes.events.extend(appended);
        }
        if set.wake == WakeUp::InTransaction {
            self.notify_claimable(conn, set, &outcomes).await?;
        }
        self.receipt(conn, set, outcomes).await
    }

    /// Locks the rows that a set changes, as far as it may, and says their versions.
    async fn lock_changed(&self, conn: &mut D::Conn, set: &Changeset) -> Result<HashMap<i64, i64>> {
        let ids: Vec<i64> = set.changes.iter().filter_map(Change::id).map(ResourceId::get).collect();
        if ids.is_empty() {
            return Ok(HashMap::new());
        }
        let text = match set.locked {
            Locked::Wait => &self.sql().lock.wait,
            Locked::Skip => &self.sql().lock.skip,
        };
        let rows = self.fetch(conn, Query::new(text).bind(ids), "commit").await?;
        rows.iter().map(|row| Ok((field(row, 0, "commit")?, field(row, 1, "commit")?))).collect()
    }

    async fn write_rows(
        &self,
        conn: &mut D::Conn,
        set: &Changeset,
        sorted: &Sorted,
        known: &Known,
        outcomes: &mut Outcomes,
    ) -> Result<()> {
        if !sorted.updates.is_empty() {
            let rows = self.update(conn, set, &sorted.updates, Locked::Wait, Append::Later).await?;
            self.take_answer(conn, &rows, set, outcomes).await?;
        }
        if !sorted.settlements.is_empty() {
            let settlements = Settlements::of(set, &sorted.settlements, Append::Later);
            let query = Query::new(self.sql().settle(settlements.statement(Locked::Wait, false)));
            let rows = self.fetch(conn, settlements.bind(query), "commit").await?;
            self.take_answer(conn, &rows, set, outcomes).await?;
        }
        if !sorted.renewals.is_empty() {
            let rows = self.renew(conn, set, &sorted.renewals, Locked::Wait).await?;
            self.take_answer(conn, &rows, set, outcomes).await?;
        }
        if !sorted.inserts.is_empty() {
            let rows = self.insert(conn, set, &sorted.inserts, known, Append::Later).await?;
            self.take_answer(conn, &rows, set, outcomes).await?;
            self.record_inserted(conn, set, &sorted.inserts, outcomes).await?;
        }
        Ok(())
    }

    /// Stores the errors that rows brought along.
    async fn record_inserted(
        &self,
        conn: &mut D::Conn,
        set: &Changeset,
        inserts: &[usize],
        outcomes: &Outcomes,
    ) -> Result<()> {
        let (mut ids, mut numbers, mut errors) = (Vec::new(), Vec::new(), Errors::default());
        for &number in inserts {
            if let (Change::Insert(insert), Some(applied)) = (&set.changes[number], outcomes.applied(number))
                && let Some(detail) = &insert.row.detail
            {
                let before = insert.row.error_count - position(detail.errors.len());
                for (index, error) in detail.errors.iter().enumerate() {
                    ids.push(applied.id.get());
                    numbers.push(before + position(index) + 1);
                    errors.push(Some(error));
                }
            }
        }
        if !errors.is_empty() {
            let query = errors.bind(Query::new(&self.sql().record).bind(ids).bind(numbers));
            self.fetch(conn, query, "commit").await?;
        }
        Ok(())
    }

    async fn notify_claimable(&self, conn: &mut D::Conn, set: &Changeset, outcomes: &Outcomes) -> Result<()> {
        let written: Vec<i64> = (0..set.changes.len())
            .filter_map(|number| outcomes.applied(number))
            .map(|applied| applied.id.get())
            .collect();
        let query = Query::new(&self.sql().notify_claimable).bind(written).bind(self.channel());
        self.fetch(conn, query, "commit").await?;
        Ok(())
    }
}
