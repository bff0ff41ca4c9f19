use std::collections::HashMap;
use std::sync::Arc;

use delta_core::{
    Applied, Change, Changeset, Detail, EventDraft, Locked, Outcome, Resource, ResourceId, Result, Tags, Written,
};

use super::driver::MysqlDriver;
use super::json;
use super::query::Query;
use super::tables::Tables;

/// A change whose fence holds.
pub(super) struct Done<'a> {
    /// The row afterwards, or, of a removal, as it was.
    ///
    /// Of a row that was there before, the detail holds what the change writes, and nothing else.
    pub(super) row: Resource,
    /// Appended with it.
    pub(super) events: &'a [EventDraft],
    pub(super) applied: Applied,
}

/// What becomes of a changeset.
pub(super) struct Work<'a> {
    pub(super) set: &'a Changeset,
    /// One for each change; for what is to be inserted it is `Stale` until it is.
    pub(super) outcomes: Vec<Outcome>,
    /// One for each change.
    pub(super) done: Vec<Option<Done<'a>>>,
}

impl<'a> Work<'a> {
    /// The changes that are done, in their order.
    pub(super) fn all(&self) -> impl Iterator<Item = (&'a Change, &Done<'a>)> {
        self.set.changes.iter().zip(&self.done).filter_map(|(change, done)| Some((change, done.as_ref()?)))
    }

    pub(super) fn set_done(&mut self, number: usize, done: Done<'a>) {
        self.outcomes[number] = Outcome::Applied(done.applied);
        self.done[number] = Some(done);
    }
}

/// What a row's narrow part is completed with, so that what a change writes of the rest can be told from what it leaves.
fn nothing() -> Detail {
    Detail { object: Arc::from(""), tags: Tags::default(), errors: Vec::new() }
}

impl<D: MysqlDriver> Tables<D> {
    /// Locks the rows that a changeset names, and decides about its changes, but for what it inserts.
    pub(super) async fn decide<'a>(&self, conn: &mut D::Conn, set: &'a Changeset) -> Result<Work<'a>> {
        let mut work = Work {
            set,
            outcomes: vec![Outcome::Stale; set.changes.len()],
            done: Vec::with_capacity(set.changes.len()),
        };
        work.done.resize_with(set.changes.len(), || None);
        let ids: Vec<i64> = set.changes.iter().filter_map(Change::id).map(ResourceId::get).collect();
        if ids.is_empty() {
            return Ok(work);
        }
        let text = match set.locked {
            Locked::Wait => &self.sql().lock,
            Locked::Skip => &self.sql().lock_free,
        };
        let mut rows = self.by_id(conn, text, ids.clone()).await?;
        // What was not there to be locked is gone, or somebody else has it locked: a plain read tells which.
        let missing: Vec<i64> = ids.into_iter().filter(|id| !rows.contains_key(id)).collect();
        let seen = match set.locked {
            Locked::Skip if !missing.is_empty() => self.by_id(conn, &self.sql().heads, missing).await?,
            _ => HashMap::new(),
        };
        for (number, change) in set.changes.iter().enumerate() {
            let Some(id) = change.id() else { continue };
            let Some(mut row) = rows.remove(&id.get()) else {
                work.outcomes[number] = change.fence(seen.get(&id.get())).err().unwrap_or(Outcome::Busy);
                continue;
            };
            row.detail = Some(nothing());
            match change.apply(Some(&row), set.now) {
                Ok(Written { row: after, events, applied }) => {
                    work.set_done(number, Done { row: after.unwrap_or(row), events, applied });
                }
                Err(outcome) => work.outcomes[number] = outcome,
            }
        }
        Ok(work)
    }

    /// The narrow parts of some resources, by their ids.
    async fn by_id(&self, conn: &mut D::Conn, text: &Arc<str>, ids: Vec<i64>) -> Result<HashMap<i64, Resource>> {
        let mut found = HashMap::with_capacity(ids.len());
        for list in json::ids(ids) {
            let rows = self.fetch(conn, Query::new(text).bind(list), "commit").await?;
            found.extend(self.heads(conn, &rows, "commit").await?.into_iter().map(|row| (row.id.get(), row)));
        }
        Ok(found)
    }
}
