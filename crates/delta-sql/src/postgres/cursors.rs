use delta_core::{Cursor, CursorChange, CursorQuery, Owner, Result};

use super::driver::{ArrayRow, PostgresDriver};
use super::query::Query;
use super::rows::{Fields, field};
use super::tables::Tables;

impl<D: PostgresDriver> Tables<D> {
    /// Reads cursors.
    pub async fn cursors(&self, conn: &mut D::Conn, query: &CursorQuery) -> Result<Vec<Cursor>> {
        let sql = self.sql();
        let bound = match query {
            CursorQuery::Names(names) => {
                Query::new(&sql.cursors_named).bind(names.iter().map(String::as_str).collect::<Vec<_>>())
            }
            CursorQuery::Prefix(prefix) => Query::new(&sql.cursors_prefixed).bind(prefix),
            CursorQuery::Due { prefix, now, limit } => {
                Query::new(&sql.cursors_due).bind(prefix).bind(*now).bind(i64::from(*limit))
            }
        };
        let rows = self.read(conn, bound, "cursors").await?;
        rows.iter().map(read).collect()
    }

    /// Writes cursors, each over the version that was read. Says the name of one whose fence did not hold; what was
    /// written then is the caller's to undo.
    pub(super) async fn write_cursors(&self, conn: &mut D::Conn, changes: &[CursorChange]) -> Result<Option<String>> {
        if changes.len() > 1 {
            // One order for all: existing ones by name, then new ones by name.
            let names: Vec<&str> = changes.iter().map(CursorChange::name).collect();
            self.fetch(conn, Query::new(&self.sql().lock_cursors).bind(names), "commit").await?;
        }
        let (mut new, mut old, mut removed, mut absent) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for change in changes {
            match change {
                CursorChange::Remove { name, version: 0 } => absent.push(name.as_str()),
                CursorChange::Put(cursor) if cursor.version == 0 => new.push(cursor),
                CursorChange::Put(cursor) => old.push(cursor),
                CursorChange::Remove { name, version } => removed.push((name.as_str(), *version)),
            }
        }
        let sql = self.sql();
        let mut written: Vec<String> = Vec::new();
        if !absent.is_empty() {
            let query = Query::new(&sql.lock_cursors).bind(absent.clone());
            let found = names(&self.fetch(conn, query, "commit").await?)?;
            written
                .extend(absent.iter().filter(|name| !found.iter().any(|one| one == **name)).map(ToString::to_string));
        }
        for (text, cursors) in [(&sql.put_cursors, &old), (&sql.new_cursors, &new)] {
            if cursors.is_empty() {
                continue;
            }
            let mut query = Query::new(text)
                .bind(cursors.iter().map(|cursor| cursor.name.as_str()).collect::<Vec<_>>())
                .bind(cursors.iter().map(|cursor| cursor.position.as_deref()).collect::<Vec<_>>())
                .bind(cursors.iter().map(|cursor| cursor.holder.map(Owner::get)).collect::<Vec<_>>())
                .bind(cursors.iter().map(|cursor| cursor.lease_until).collect::<Vec<_>>())
                .bind(cursors.iter().map(|cursor| cursor.next_at).collect::<Vec<_>>())
                .bind(cursors.iter().map(|cursor| cursor.data.as_deref()).collect::<Vec<_>>());
            if std::ptr::eq(cursors, &raw const old) {
                query = query.bind(cursors.iter().map(|cursor| cursor.version).collect::<Vec<_>>());
            }
            written.extend(names(&self.fetch(conn, query, "commit").await?)?);
        }
        if !removed.is_empty() {
            let (names_removed, versions): (Vec<&str>, Vec<i64>) = removed.into_iter().unzip();
            let query = Query::new(&sql.remove_cursors).bind(names_removed).bind(versions);
            written.extend(names(&self.fetch(conn, query, "commit").await?)?);
        }
        if written.len() == changes.len() {
            return Ok(None);
        }
        let lost = changes.iter().find(|change| !written.iter().any(|name| name == change.name()));
        Ok(lost.map(|change| change.name().to_owned()))
    }
}

fn names<R: ArrayRow>(rows: &[R]) -> Result<Vec<String>> {
    rows.iter().map(|row| field(row, 0, "commit")).collect()
}

fn read<R: ArrayRow>(row: &R) -> Result<Cursor> {
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
