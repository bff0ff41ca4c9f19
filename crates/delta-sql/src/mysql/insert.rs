use std::collections::{HashMap, HashSet};

use delta_core::{Change, Error, ErrorKind, ResourceId, Result, Written};

use super::driver::{Executed, MysqlDriver};
use super::load::keys;
use super::names::Known;
use super::query::Query;
use super::rows::Fields;
use super::tables::Tables;
use super::values::{self, lane_ids};
use super::work::{Done, Work};

/// How often keys that turn out to be taken are looked at again.
const LOOKS: usize = 10;

type Place = (i64, i64, String);

impl<D: MysqlDriver> Tables<D> {
    /// Inserts the rows that a changeset brings, in the order of their keys, and leaves out those whose keys exist.
    ///
    /// Keys are looked for without a lock. One that another transaction has inserted but not yet committed is found by the
    /// insert, which waits for that transaction: then it is taken, and looked for again; or it is not, and inserted here.
    pub(super) async fn insert(&self, conn: &mut D::Conn, work: &mut Work<'_>, known: &Known) -> Result<()> {
        let now = work.set.now;
        let mut new: Vec<(Place, usize, Written<'_>)> = Vec::new();
        for (number, change) in work.set.changes.iter().enumerate() {
            if let (Change::Insert(_), Ok(mut written)) = (change, change.apply(None, now))
                && let Some(row) = written.row.take()
            {
                let (namespace, kind) = lane_ids(&row, known)?;
                let place = (namespace, kind, row.key.object_id.as_str().to_owned());
                new.push((place, number, Written { row: Some(row), ..written }));
            }
        }
        if new.is_empty() {
            return Ok(());
        }
        new.sort_by(|one, other| one.0.cmp(&other.0));
        self.insert_new(conn, &mut new, known).await?;
        let ids = self.find_places(conn, &new, known).await?;
        for (place, number, written) in new {
            if let (Some(&id), Some(mut row)) = (ids.get(&place), written.row) {
                row.id = ResourceId::new(id);
                let applied = delta_core::Applied { id: row.id, ..written.applied };
                work.set_done(number, Done { row, events: written.events, applied });
            }
        }
        Ok(())
    }

    /// Inserts rows, and takes those out of the list that were not.
    async fn insert_new(
        &self,
        conn: &mut D::Conn,
        new: &mut Vec<(Place, usize, Written<'_>)>,
        known: &Known,
    ) -> Result<()> {
        let mut inserted = 0;
        for _ in 0..LOOKS {
            let taken: HashSet<Place> = self.find_places(conn, &new[inserted..], known).await?.into_keys().collect();
            let mut place = 0;
            new.retain(|(key, ..)| {
                place += 1;
                place <= inserted || !taken.contains(key)
            });
            let mut rows = Vec::with_capacity(new.len() - inserted);
            for row in new[inserted..].iter().filter_map(|(.., written)| written.row.as_ref()) {
                rows.push(values::head(row, known)?.split_off(1));
            }
            let mut duplicate = false;
            for (query, count) in self.sql().new_resources.queries(rows) {
                match self.execute(conn, query, "commit").await? {
                    Executed::Done => inserted += count,
                    Executed::Duplicate => {
                        duplicate = true;
                        break;
                    }
                }
            }
            if !duplicate {
                return Ok(());
            }
        }
        let what = "expected keys that stay as they are, found them taken and free by turns";
        Err(Error::new(ErrorKind::Conflict, "commit", what))
    }

    /// Which of some keys exist, with the ids of their rows.
    async fn find_places(
        &self,
        conn: &mut D::Conn,
        new: &[(Place, usize, Written<'_>)],
        known: &Known,
    ) -> Result<HashMap<Place, i64>> {
        let wanted = new.iter().filter_map(|(.., written)| written.row.as_ref()).map(|row| &row.key);
        let mut found = HashMap::with_capacity(new.len());
        for list in keys(wanted, known) {
            for row in &self.fetch(conn, Query::new(&self.sql().ids_by_key).bind(list), "commit").await? {
                let mut fields = Fields::new(row, "commit");
                let id = fields.take()?;
                found.insert((fields.take()?, fields.take()?, fields.take()?), id);
            }
        }
        Ok(found)
    }
}
