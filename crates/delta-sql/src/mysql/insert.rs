use std::collections::HashSet;

use delta_core::{Applied, Change, Error, ErrorKind, ResourceId, Result, Written};

use super::driver::{Executed, MysqlDriver};
use super::json;
use super::load::keys;
use super::names::Known;
use super::query::Query;
use super::rows::Fields;
use super::tables::Tables;
use super::values::{self, lane_ids};
use super::work::{Done, Work};

/// How often keys that turn out to be taken are looked at again.
const LOOKS: usize = 10;

/// A key as the database has it.
type Place = (i64, i64, String);

/// A row to insert: its key, and the number and what comes of its change.
struct New<'a> {
    place: Place,
    number: usize,
    row: delta_core::Resource,
    done: Written<'a>,
}

impl<D: MysqlDriver> Tables<D> {
    /// Inserts the rows that a changeset brings, and leaves out those whose keys exist.
    ///
    /// Keys are looked for without a lock. One that another transaction has inserted but not yet committed is found by the
    /// insert, which waits for that transaction: then it is taken, and looked for again; or it is not, and inserted here.
    ///
    /// Ids are given out in the order of the changes, by the details; the rows follow in the order of their keys.
    pub(super) async fn insert(&self, conn: &mut D::Conn, work: &mut Work<'_>, known: &Known) -> Result<()> {
        let now = work.set.now;
        let mut new = Vec::new();
        for (number, change) in work.set.changes.iter().enumerate() {
            if let (Change::Insert(_), Ok(mut done)) = (change, change.apply(None, now))
                && let Some(row) = done.row.take()
            {
                let (namespace, kind) = lane_ids(&row, known)?;
                let place = (namespace, kind, row.key.object_id.as_str().to_owned());
                new.push(New { place, number, row, done });
            }
        }
        if new.is_empty() {
            return Ok(());
        }
        let taken = self.taken(conn, &new, known).await?;
        new.retain(|one| !taken.contains(&one.place));
        self.insert_details(conn, &mut new).await?;
        new.sort_unstable_by(|one, other| one.place.cmp(&other.place));
        let left_out = self.insert_rows(conn, &mut new, known).await?;
        for list in json::ids(left_out) {
            self.write(conn, Query::new(&self.sql().remove_details).bind(list), "commit").await?;
        }
        for New { number, row, done, .. } in new {
            let applied = Applied { id: row.id, ..done.applied };
            work.set_done(number, Done { row, events: done.events, applied });
        }
        Ok(())
    }

    async fn insert_details(&self, conn: &mut D::Conn, new: &mut [New<'_>]) -> Result<()> {
        let details = new.iter().filter_map(|one| one.row.detail.as_ref());
        let rows = details.map(|detail| values::detail(0, detail).split_off(1)).collect();
        let mut ids = Vec::with_capacity(new.len());
        for (query, count) in self.sql().new_details.queries(rows) {
            self.write(conn, query, "commit").await?;
            ids.extend(self.given_out(conn, count).await?);
        }
        for (one, id) in new.iter_mut().zip(ids) {
            one.row.id = ResourceId::new(id);
        }
        Ok(())
    }

    /// Inserts the narrow parts of rows in their order. Takes those out of the list whose keys turn out to be taken, and
    /// returns their ids.
    async fn insert_rows(&self, conn: &mut D::Conn, new: &mut Vec<New<'_>>, known: &Known) -> Result<Vec<i64>> {
        let (mut inserted, mut left_out) = (0, Vec::new());
        for _ in 0..LOOKS {
            let rows = new[inserted..].iter().map(|one| values::head(&one.row, known)).collect::<Result<Vec<_>>>()?;
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
                return Ok(left_out);
            }
            let taken = self.taken(conn, &new[inserted..], known).await?;
            let rest = new.split_off(inserted);
            for one in rest {
                if taken.contains(&one.place) {
                    left_out.push(one.row.id.get());
                } else {
                    new.push(one);
                }
            }
        }
        let what = "expected keys that stay as they are, found them taken and free by turns";
        Err(Error::new(ErrorKind::Conflict, "commit", what))
    }

    /// Which of some keys exist.
    async fn taken(&self, conn: &mut D::Conn, new: &[New<'_>], known: &Known) -> Result<HashSet<Place>> {
        let mut taken = HashSet::new();
        for list in keys(new.iter().map(|one| &one.row.key), known) {
            for row in &self.fetch(conn, Query::new(&self.sql().ids_by_key).bind(list), "commit").await? {
                let mut fields = Fields::new(row, "commit").skip(1);
                taken.insert((fields.take()?, fields.take()?, fields.take()?));
            }
        }
        Ok(taken)
    }
}
