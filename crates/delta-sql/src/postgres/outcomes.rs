use crate::postgres::text::columns;
use delta_core::{Applied, Change, Changeset, Event, Locked, Outcome, Receipt, ResourceId, Result};

use super::driver::{ArrayRow, PostgresDriver};
use super::names::Known;
use super::query::Query;
use super::rows::{EventShape, Fields, event, field};
use super::tables::Tables;
use super::templates::position;

/// What is known so far of the outcomes of a changeset.
pub(super) struct Outcomes {
    /// One for each change; none for a change that was not written.
    written: Vec<Option<Applied>>,
    pub(super) events: Vec<Event>,
}

impl Outcomes {
    pub(super) fn of(set: &Changeset) -> Self {
        Self { written: vec![None; set.changes.len()], events: Vec::new() }
    }

    pub(super) fn applied(&self, number: usize) -> Option<&Applied> {
        self.written.get(number)?.as_ref()
    }

    pub(super) fn set_applied(&mut self, number: usize, id: ResourceId) {
        self.written[number] = Some(Applied { id, moved: false, cancel_requested: false });
    }

    /// Takes over an answer's row of outcomes or events. Says whether it is one.
    pub(super) fn take<R: ArrayRow>(
        &mut self,
        row: &R,
        set: &Changeset,
        known: &Known,
        shape: EventShape,
    ) -> Result<bool> {
        let mut fields = Fields::new(row, "commit");
        match fields.take::<i32>()? {
            columns::OUTCOMES => {
                let numbers: Option<Vec<i64>> = fields.take()?;
                let (ids, flags): (Option<Vec<i64>>, Option<Vec<bool>>) = (fields.take()?, fields.take()?);
                for (index, number) in numbers.unwrap_or_default().into_iter().enumerate() {
                    let number = usize::try_from(number).unwrap_or(usize::MAX);
                    let Some(change) = set.changes.get(number) else { continue };
                    let given = ids.as_ref().map(|ids| ResourceId::new(ids[index]));
                    let flag = flags.as_ref().is_some_and(|flags| flags[index]);
                    self.written[number] = Some(Applied {
                        id: given.or(change.id()).unwrap_or_default(),
                        moved: flag && matches!(change, Change::Settle(_)),
                        cancel_requested: flag && matches!(change, Change::Renew(_)),
                    });
                }
                Ok(true)
            }
            columns::APPENDED => {
                self.events.push(event(&mut fields.skip(3), known, shape)?);
                Ok(true)
            }
            _ => Ok(false),
        }
    }

    /// Which changes of rows that exist were not written.
    fn left_out<'a>(&self, set: &'a Changeset) -> Vec<(usize, &'a Change)> {
        let left_out = set.changes.iter().enumerate().zip(&self.written);
        left_out
            .filter(|((_, change), written)| written.is_none() && change.id().is_some())
            .map(|(one, _)| one)
            .collect()
    }
}

impl<D: PostgresDriver> Tables<D> {
    /// Takes over the answer of a statement that wrote.
    pub(super) async fn take_answer(
        &self,
        conn: &mut D::Conn,
        rows: &[D::Row],
        set: &Changeset,
        outcomes: &mut Outcomes,
    ) -> Result<()> {
        let known = self.known_of(conn, rows, 7, "commit").await?;
        for row in rows {
            outcomes.take(row, set, &known, EventShape::Plain)?;
        }
        Ok(())
    }

    /// Makes a receipt. What was not written is lost or stale, unless it was skipped because somebody had it locked.
    ///
    /// Whether it was is asked after the fact, with a plain read: a fence that holds now, though its change was not
    /// written, was locked then. One that does not hold now never will again: versions only grow, tokens and ids are not
    /// used twice. So "locked" is never taken for "gone", nor the other way round.
    pub(super) async fn receipt(&self, conn: &mut D::Conn, set: &Changeset, mut outcomes: Outcomes) -> Result<Receipt> {
        let left_out = outcomes.left_out(set);
        let busy = match set.locked {
            Locked::Skip if !left_out.is_empty() => self.still_fenced(conn, &left_out).await?,
            _ => Vec::new(),
        };
        let outcome = |(number, (change, written)): (usize, (&Change, &Option<Applied>))| match (written, change) {
            (Some(applied), _) => Outcome::Applied(*applied),
            (None, _) if busy.contains(&position(number)) => Outcome::Busy,
            (None, Change::Settle(_) | Change::Renew(_)) => Outcome::Lost,
            (None, _) => Outcome::Stale,
        };
        outcomes.events.sort_by_key(|event| event.position);
        Ok(Receipt {
            outcomes: set.changes.iter().zip(&outcomes.written).enumerate().map(outcome).collect(),
            lost_cursor: None,
            events: outcomes.events,
        })
    }

    async fn still_fenced(&self, conn: &mut D::Conn, changes: &[(usize, &Change)]) -> Result<Vec<i64>> {
        let fence = |change: &Change| match change {
            Change::Update(update) => (Some(update.version), None, None),
            Change::Remove(remove) => (Some(remove.version), None, None),
            Change::Settle(settle) => (None, Some(settle.token.get()), settle.over_at),
            Change::Renew(renew) => (None, Some(renew.token.get()), None),
            Change::Insert(_) => (None, None, None),
        };
        let fences: Vec<_> = changes.iter().map(|(_, change)| fence(change)).collect();
        let query = Query::new(&self.sql().recheck)
            .bind(changes.iter().map(|(number, _)| position(*number)).collect::<Vec<_>>())
            .bind(changes.iter().map(|(_, change)| change.id().unwrap_or_default().get()).collect::<Vec<_>>())
            .bind(fences.iter().map(|fence| fence.0).collect::<Vec<_>>())
            .bind(fences.iter().map(|fence| fence.1).collect::<Vec<_>>())
            .bind(fences.iter().map(|fence| fence.2).collect::<Vec<_>>());
        let rows = self.read(conn, query, "commit").await?;
        rows.iter().map(|row| field(row, 0, "commit")).collect()
    }
}
