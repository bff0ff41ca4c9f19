use delta_core::{Change, Changeset, EventDraft, Result, Returning};

use super::drafts::Drafts;
use super::driver::PostgresDriver;
use super::outcomes::Outcomes;
use super::query::Query;
use super::tables::Tables;

/// What a change appends, given what became of it.
fn drafts(change: &Change, moved: bool) -> &[EventDraft] {
    match change {
        Change::Insert(insert) => &insert.events,
        Change::Update(update) => &update.events,
        Change::Remove(remove) => &remove.events,
        Change::Settle(settle) if moved => &settle.moved.events,
        Change::Settle(settle) => &settle.unmoved.events,
        Change::Renew(_) => &[],
    }
}

impl<D: PostgresDriver> Tables<D> {
    /// Appends the events of all changes that were written, in their order, about the rows as they are now.
    pub(super) async fn append(&self, conn: &mut D::Conn, set: &Changeset, outcomes: &mut Outcomes) -> Result<()> {
        let mut all = Drafts::default();
        for (number, change) in set.changes.iter().enumerate() {
            if let Some(applied) = outcomes.applied(number) {
                all.add(applied.id.get(), applied.moved, drafts(change, applied.moved).iter().cloned());
            }
        }
        if all.is_empty() {
            return Ok(());
        }
        let query = Query::new(&self.sql().append).bind(set.now).bind(set.returning == Returning::Events);
        let rows = self.fetch(conn, all.bind_by_id(query), "commit").await?;
        self.take_answer(conn, &rows, set, outcomes).await
    }
}
