use std::collections::BTreeSet;

use delta_core::{Access, Depth, Error, ErrorKind, Load, LoadBy, Resource, ResourceId, Result};
use sqlx::SqliteConnection;

use super::connection::in_transaction;
use super::errors::error;
use super::json::{JsonRows, ints};
use super::rows::resources;
use super::statement::statement;
use super::store::Inner;

pub(super) async fn load(inner: &Inner, conn: &mut SqliteConnection, query: &Load) -> Result<Vec<Resource>> {
    if query.access == Access::Write {
        lock(inner, conn).await?;
    }
    let sql = &inner.sql;
    let (sql, parameters) = match (&query.by, query.depth) {
        (LoadBy::Ids(ids), Depth::Head) => (&sql.head_by_ids, vec![distinct_ids(ids)]),
        (LoadBy::Ids(ids), Depth::Full) => (&sql.full_by_ids, vec![distinct_ids(ids)]),
        (LoadBy::Keys(keys), depth) => {
            let mut rows = JsonRows::default();
            for key in keys.iter().collect::<BTreeSet<_>>() {
                drop(rows.row().text(key.namespace.as_str()).text(key.kind.as_str()).text(key.object_id.as_str()));
            }
            (if depth == Depth::Head { &sql.head_by_keys } else { &sql.full_by_keys }, rows.into_texts())
        }
    };
    let mut found = Vec::new();
    for parameter in parameters {
        found.extend(resources("load", statement(sql).bind(parameter), conn).await?);
    }
    found.sort_unstable_by_key(|row| row.id);
    Ok(found)
}

fn distinct_ids(ids: &[ResourceId]) -> String {
    ints(ids.iter().copied().collect::<BTreeSet<_>>().into_iter().map(ResourceId::get))
}

/// Locks the whole database for writing: what SQLite has for row locks.
async fn lock(inner: &Inner, conn: &mut SqliteConnection) -> Result<()> {
    let failed = |failed| error("load", failed);
    if !in_transaction(conn).await.map_err(failed)? {
        let what = "expected a transaction to hold the locks of a load for writing, found none";
        return Err(Error::new(ErrorKind::Invalid, "load", what));
    }
    statement(&inner.sql.lock).execute(&mut *conn).await.map_err(failed)?;
    Ok(())
}
