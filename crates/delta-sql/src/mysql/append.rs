use std::collections::HashMap;

use delta_core::{Change, Event, EventDraft, Position, Result, Returning};

use super::driver::MysqlDriver;
use super::json;
use super::names::Known;
use super::query::{Query, Value};
use super::rows::field;
use super::tables::{Tables, first};
use super::values;
use super::work::{Done, Work};

/// Whether an event keeps the object, and the change does not bring it.
fn lacks_object(change: &Change, done: &Done<'_>) -> bool {
    let brings = match change {
        Change::Insert(_) => true,
        Change::Update(update) => update.write_object,
        Change::Remove(_) | Change::Settle(_) | Change::Renew(_) => false,
    };
    !brings && done.events.iter().any(|draft| draft.with_object)
}

impl<D: MysqlDriver> Tables<D> {
    /// Appends the events of all changes, in their order. Returns them if the changeset asks for them.
    pub(super) async fn append(&self, conn: &mut D::Conn, work: &Work<'_>, known: &Known) -> Result<Vec<Event>> {
        let lacking = work.all().filter(|(change, done)| lacks_object(change, done));
        let lacking: Vec<i64> = lacking.map(|(_, done)| done.row.id.get()).collect();
        let objects = self.objects(conn, lacking).await?;
        let mut drafts: Vec<(&EventDraft, &Done<'_>, Option<&str>)> = Vec::new();
        for (change, done) in work.all() {
            let object = match objects.get(&done.row.id.get()) {
                Some(object) if lacks_object(change, done) => Some(object.as_str()),
                _ => done.row.detail.as_ref().map(|detail| &*detail.object),
            };
            drafts.extend(done.events.iter().map(|draft| (draft, done, object.filter(|_| draft.with_object))));
        }
        if drafts.is_empty() {
            return Ok(Vec::new());
        }
        self.hold_log(conn).await?;
        let now = work.set.now;
        let mut rows = Vec::with_capacity(drafts.len());
        for (draft, done, object) in &drafts {
            rows.push(values::event(draft, &done.row, *object, now, known)?);
        }
        let positions = self.append_rows(conn, rows, work.set.returning).await?;
        let appended = drafts.into_iter().zip(positions).map(|((draft, done, object), position)| {
            let event = draft.event(position, &done.row, now);
            Event { object: object.map(Into::into), ..event }
        });
        Ok(appended.collect())
    }

    /// Appends events to the log, which is held. Says where they stand, if they are to be returned.
    pub(super) async fn append_rows(
        &self,
        conn: &mut D::Conn,
        rows: Vec<Vec<Value<'_>>>,
        returning: Returning,
    ) -> Result<Vec<Position>> {
        let mut positions = Vec::new();
        for (query, count) in self.sql().append.queries(rows) {
            self.write(conn, query, "commit").await?;
            if returning == Returning::Events {
                positions.extend(self.given_out(conn, count).await?.into_iter().map(Position::new));
            }
        }
        Ok(positions)
    }

    /// The numbers that the statement before gave out to so many rows: one that says how many rows it inserts gets numbers
    /// that follow each other.
    pub(super) async fn given_out(&self, conn: &mut D::Conn, count: usize) -> Result<Vec<i64>> {
        let answer = self.fetch(conn, Query::new(&self.sql().given_out), "commit").await?;
        let row = first(&answer, "commit")?;
        let (start, step): (i64, i64) = (field(row, 0, "commit")?, field(row, 1, "commit")?);
        Ok((0..).map(|number| start + number * step).take(count).collect())
    }

    async fn objects(&self, conn: &mut D::Conn, ids: Vec<i64>) -> Result<HashMap<i64, String>> {
        let mut objects = HashMap::with_capacity(ids.len());
        for list in json::ids(ids) {
            for row in &self.fetch(conn, Query::new(&self.sql().objects).bind(list), "commit").await? {
                objects.insert(field(row, 0, "commit")?, field(row, 1, "commit")?);
            }
        }
        Ok(objects)
    }
}
