use std::collections::HashMap;

use delta_core::{EventKind, Name, Result, Scope, ScopeChange, ScopeRecord, ScopeWrite, Timestamp};
use sqlx::SqliteConnection;

use super::errors::error;
use super::json::JsonRows;
use super::rows::Columns;
use super::statement::{run, statement};
use super::store::Inner;

pub(super) async fn scopes(inner: &Inner, conn: &mut SqliteConnection) -> Result<Vec<ScopeRecord>> {
    read(inner, conn, "scopes").await
}

async fn read(inner: &Inner, conn: &mut SqliteConnection, operation: &'static str) -> Result<Vec<ScopeRecord>> {
    let rows = statement(&inner.sql.scopes).fetch_all(conn).await.map_err(|failed| error(operation, failed))?;
    let record = |row| {
        let mut columns = Columns::new(operation, row);
        let scope = if columns.next()? { Scope::Kind } else { Scope::Namespace };
        let name = Name::new(columns.next::<&str>()?).map_err(|invalid| columns.corrupt(invalid))?;
        Ok(ScopeRecord { scope: scope(name), paused: columns.next()?, settings: columns.next()? })
    };
    rows.iter().map(record).collect()
}

/// Writes kinds and namespaces, and appends what changes about their pauses.
pub(super) async fn write(
    inner: &Inner,
    conn: &mut SqliteConnection,
    changes: &[ScopeChange],
    now: Timestamp,
) -> Result<()> {
    if changes.is_empty() {
        return Ok(());
    }
    let stored = read(inner, conn, "commit").await?;
    let mut stored: HashMap<Scope, ScopeRecord> = stored.into_iter().map(|row| (row.scope.clone(), row)).collect();
    let (mut kinds, mut namespaces, mut events) = (JsonRows::default(), JsonRows::default(), JsonRows::default());
    for ScopeChange { scope, write } in changes {
        let new = || ScopeRecord { scope: scope.clone(), paused: false, settings: None };
        let mut record = stored.remove(scope).unwrap_or_else(new);
        let event = match write {
            ScopeWrite::Settings(settings) => {
                record.settings = Some(settings.clone());
                None
            }
            ScopeWrite::Pause => (!std::mem::replace(&mut record.paused, true)).then_some(EventKind::Paused),
            ScopeWrite::Resume => std::mem::replace(&mut record.paused, false).then_some(EventKind::Resumed),
        };
        let (rows, name, namespace, kind) = match scope {
            Scope::Kind(name) => (&mut kinds, name, None, Some(name.as_str())),
            Scope::Namespace(name) => (&mut namespaces, name, Some(name.as_str()), None),
        };
        drop(rows.row().text(name.as_str()).flag(record.paused).text_or_null(record.settings.as_deref()));
        if let Some(event) = event {
            drop(events.row().text(event.as_str()).text_or_null(namespace).text_or_null(kind));
        }
    }
    run("commit", conn, &inner.sql.put_kinds, kinds, |query| query).await?;
    run("commit", conn, &inner.sql.put_namespaces, namespaces, |query| query).await?;
    run("commit", conn, &inner.sql.append_scopes, events, |query| query.bind(now.as_micros())).await
}
