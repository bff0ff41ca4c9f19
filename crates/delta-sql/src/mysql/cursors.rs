use std::collections::HashMap;

use delta_core::{Cursor, CursorChange, CursorQuery, Error, ErrorKind, Owner, Result};

use super::driver::{Executed, MysqlDriver};
use super::json::Json;
use super::query::{Query, Value};
use super::rows::Fields;
use super::tables::Tables;
use crate::driver::Row;

/// Names in the order of their bytes, each once.
fn names<'a>(names: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    let mut names: Vec<&[u8]> = names.into_iter().map(str::as_bytes).collect();
    names.sort_unstable();
    names.dedup();
    let mut list = Json::default();
    for name in names {
        list.row(|row| row.bytes(name));
    }
    list.into_texts()
}

/// A cursor in the columns of `CURSOR`, with its version counted up.
pub(super) fn values(cursor: &Cursor) -> Vec<Value<'_>> {
    vec![
        cursor.name.as_bytes().into(),
        cursor.position.as_deref().into(),
        cursor.holder.map(Owner::get).into(),
        cursor.lease_until.into(),
        cursor.next_at.into(),
        cursor.data.as_deref().into(),
        (cursor.version + 1).into(),
    ]
}

impl<D: MysqlDriver> Tables<D> {
    /// Reads cursors.
    pub async fn cursors(&self, conn: &mut D::Conn, query: &CursorQuery) -> Result<Vec<Cursor>> {
        let sql = self.sql();
        let mut cursors = Vec::new();
        let queries = match query {
            CursorQuery::Names(wanted) => {
                let lists = names(wanted.iter().map(String::as_str));
                lists.into_iter().map(|list| Query::new(&sql.cursors_by_name).bind(list)).collect()
            }
            CursorQuery::Prefix(prefix) => {
                let prefix = prefix.as_bytes();
                vec![Query::new(&sql.cursors_by_prefix).bind(prefix).bind(prefix).bind(prefix)]
            }
            CursorQuery::Due { prefix, now, limit } => {
                let prefix = prefix.as_bytes();
                let query = Query::new(&sql.cursors_due).bind(prefix).bind(prefix).bind(prefix);
                vec![query.bind(*now).bind(i64::from(*limit))]
            }
        };
        for query in queries {
            let rows = self.fetch(conn, query, "cursors").await?;
            cursors.extend(rows.iter().map(read).collect::<Result<Vec<_>>>()?);
        }
        Ok(cursors)
    }

    /// Writes cursors, each over the version that was read. Says the name of one whose fence does not hold; what was
    /// written then is the caller's to undo.
    pub(super) async fn write_cursors(&self, conn: &mut D::Conn, changes: &[CursorChange]) -> Result<Option<String>> {
        if changes.is_empty() {
            return Ok(None);
        }
        if let Some(lost) = self.lost_cursor(conn, changes).await? {
            return Ok(Some(lost));
        }
        let (mut new, mut old, mut removed) = (Vec::new(), Vec::new(), Vec::new());
        for change in changes {
            match change {
                CursorChange::Put(cursor) if cursor.version == 0 => new.push(cursor),
                CursorChange::Put(cursor) => old.push(cursor),
                CursorChange::Remove { version: 0, .. } => {}
                CursorChange::Remove { name, .. } => removed.push(name.as_str()),
            }
        }
        new.sort_unstable_by_key(|cursor| cursor.name.as_bytes());
        let mut inserted = 0;
        for (query, count) in self.sql().new_cursors.queries(new.iter().copied().map(values).collect()) {
            match self.execute(conn, query, "commit").await? {
                Executed::Done => inserted += count,
                Executed::Duplicate => {
                    let left: Vec<CursorChange> = new[inserted..].iter().copied().cloned().map(Cursor::put).collect();
                    if let Some(lost) = self.lost_cursor(conn, &left).await? {
                        return Ok(Some(lost));
                    }
                    let what = "expected cursors that stay as they are, found one taken and free by turns";
                    return Err(Error::new(ErrorKind::Conflict, "commit", what));
                }
            }
        }
        self.write_all(conn, &self.sql().write_cursors, old.into_iter().map(values).collect()).await?;
        for list in names(removed) {
            self.write(conn, Query::new(&self.sql().remove_cursors).bind(list), "commit").await?;
        }
        Ok(None)
    }

    /// Locks cursors, and names the first whose version is another.
    pub(super) async fn lost_cursor(&self, conn: &mut D::Conn, changes: &[CursorChange]) -> Result<Option<String>> {
        let mut versions = HashMap::new();
        for list in names(changes.iter().map(CursorChange::name)) {
            for row in &self.fetch(conn, Query::new(&self.sql().lock_cursors).bind(list), "commit").await? {
                let mut fields = Fields::new(row, "commit");
                versions.insert(fields.take::<String>()?, fields.take::<i64>()?);
            }
        }
        let stored = |change: &CursorChange| versions.get(change.name()).copied().unwrap_or(0);
        Ok(changes.iter().find(|change| stored(change) != change.version()).map(|lost| lost.name().to_owned()))
    }
}

fn read<R: Row>(row: &R) -> Result<Cursor> {
    let mut fields = Fields::new(row, "cursors");
    Ok(Cursor {
        name: fields.take()?,
        position: fields.take()?,
        holder: fields.take::<Option<i64>>()?.map(Owner::new),
        lease_until: fields.maybe_time()?,
        next_at: fields.maybe_time()?,
        data: fields.take()?,
        version: fields.take()?,
    })
}
