use delta_core::{Cursor, CursorChange, CursorQuery, Owner, Result};
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, Row};

use super::errors::during;
use super::moment::Moment;
use super::rows::Fields;
use super::store::PgStore;

impl PgStore {
    pub(super) async fn read_cursors(&self, conn: &mut PgConnection, query: &CursorQuery) -> Result<Vec<Cursor>> {
        let sql = self.sql();
        let bound = match query {
            CursorQuery::Names(names) => self.query(&sql.cursors_named).bind(names),
            CursorQuery::Prefix(prefix) => self.query(&sql.cursors_prefixed).bind(prefix),
            CursorQuery::Due { prefix, now, limit } => {
                self.query(&sql.cursors_due).bind(prefix).bind(Moment(*now)).bind(i64::from(*limit))
            }
        };
        let rows = self.read(conn, bound, "cursors").await?;
        rows.iter().map(read).collect()
    }

    /// Writes cursors, each over the version that was read. Says the name of one whose fence did not hold; what was
    /// written then is the caller's to undo.
    pub(super) async fn write_cursors(
        &self,
        conn: &mut PgConnection,
        changes: &[CursorChange],
    ) -> Result<Option<String>> {
        if changes.len() > 1 {
            // One order for all: existing ones by name, then new ones by name.
            let names: Vec<&str> = changes.iter().map(CursorChange::name).collect();
            self.query(&self.sql().lock_cursors).bind(names).execute(&mut *conn).await.map_err(during("commit"))?;
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
            let query = self.query(&sql.lock_cursors).bind(&absent);
            let found = names(&query.fetch_all(&mut *conn).await.map_err(during("commit"))?)?;
            written
                .extend(absent.iter().filter(|name| !found.iter().any(|one| one == **name)).map(ToString::to_string));
        }
        for (text, cursors) in [(&sql.put_cursors, &old), (&sql.new_cursors, &new)] {
            if cursors.is_empty() {
                continue;
            }
            let mut query = self
                .query(text)
                .bind(cursors.iter().map(|cursor| cursor.name.as_str()).collect::<Vec<_>>())
                .bind(cursors.iter().map(|cursor| cursor.position.as_deref()).collect::<Vec<_>>())
                .bind(cursors.iter().map(|cursor| cursor.holder.map(Owner::get)).collect::<Vec<_>>())
                .bind(Moment::all(cursors.iter().map(|cursor| cursor.lease_until)))
                .bind(Moment::all(cursors.iter().map(|cursor| cursor.next_at)))
                .bind(cursors.iter().map(|cursor| cursor.data.as_deref()).collect::<Vec<_>>());
            if std::ptr::eq(cursors, &raw const old) {
                query = query.bind(cursors.iter().map(|cursor| cursor.version).collect::<Vec<_>>());
            }
            written.extend(names(&query.fetch_all(&mut *conn).await.map_err(during("commit"))?)?);
        }
        if !removed.is_empty() {
            let (names_removed, versions): (Vec<&str>, Vec<i64>) = removed.into_iter().unzip();
            let query = self.query(&sql.remove_cursors).bind(names_removed).bind(versions);
            written.extend(names(&query.fetch_all(&mut *conn).await.map_err(during("commit"))?)?);
        }
        if written.len() == changes.len() {
            return Ok(None);
        }
        let lost = changes.iter().find(|change| !written.iter().any(|name| name == change.name()));
        Ok(lost.map(|change| change.name().to_owned()))
    }
}

fn names(rows: &[PgRow]) -> Result<Vec<String>> {
    rows.iter().map(|row| row.try_get(0).map_err(during("commit"))).collect()
}

fn read(row: &PgRow) -> Result<Cursor> {
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
