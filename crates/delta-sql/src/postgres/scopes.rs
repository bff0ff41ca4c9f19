use delta_core::{
    Changeset, Error, ErrorKind, Event, EventKind, Metadata, Name, Position, Result, Scope, ScopeRecord, ScopeWrite,
    Subject,
};

use super::driver::PostgresDriver;
use super::names::Known;
use super::query::Query;
use super::rows::{Fields, corrupt, field};
use super::tables::{Tables, first};

impl<D: PostgresDriver> Tables<D> {
    /// Reads what is stored about all kinds and namespaces.
    pub async fn scopes(&self, conn: &mut D::Conn) -> Result<Vec<ScopeRecord>> {
        let rows = self.read(conn, Query::new(&self.sql().scopes), "scopes").await?;
        let record = |row| {
            let mut fields = Fields::new(row, "scopes");
            let table: i32 = fields.take()?;
            let name = Name::new(fields.take::<&str>()?).map_err(|invalid| corrupt("scopes", invalid.to_string()))?;
            let scope = if table == 0 { Scope::Kind(name) } else { Scope::Namespace(name) };
            Ok(ScopeRecord { scope, paused: fields.take()?, settings: fields.take()? })
        };
        rows.iter().map(record).collect()
    }

    /// Writes what a changeset says of kinds and namespaces, which exist by now. Returns the events that it appended.
    pub(super) async fn write_scopes(&self, conn: &mut D::Conn, set: &Changeset, known: &Known) -> Result<Vec<Event>> {
        // Locked in one order by all; the events keep the order of the changes.
        let mut order: Vec<usize> = (0..set.scopes.len()).collect();
        order.sort_by_key(|&number| &set.scopes[number].scope);
        let mut changed = vec![None; set.scopes.len()];
        let sql = self.sql();
        for number in order {
            let change = &set.scopes[number];
            let (pause, settle, name) = match &change.scope {
                Scope::Kind(name) => (&sql.pause_kind, &sql.set_kind, name),
                Scope::Namespace(name) => (&sql.pause_namespace, &sql.set_namespace, name),
            };
            let (text, paused) = match &change.write {
                ScopeWrite::Settings(settings) => {
                    let query = Query::new(settle).bind(name.as_str()).bind(settings);
                    self.fetch(conn, query, "commit").await?;
                    continue;
                }
                ScopeWrite::Pause => (pause, true),
                ScopeWrite::Resume => (pause, false),
            };
            let query = Query::new(text).bind(name.as_str()).bind(paused);
            let rows = self.fetch(conn, query, "commit").await?;
            changed[number] = rows.first().map(|_| if paused { EventKind::Paused } else { EventKind::Resumed });
        }
        let mut events = Vec::new();
        for (change, kind) in set.scopes.iter().zip(changed) {
            let Some(kind) = kind else { continue };
            let id = known.scope_id(&change.scope).ok_or_else(|| unnamed(&change.scope))?;
            let (namespace, object_kind) = match change.scope {
                Scope::Namespace(_) => (Some(id), None),
                Scope::Kind(_) => (None, Some(id)),
            };
            let query = Query::new(&sql.append_scope).bind(kind.as_str()).bind(namespace).bind(object_kind);
            let rows = self.fetch(conn, query.bind(set.now), "commit").await?;
            events.push(Event {
                position: Position::new(field(first(&rows, "commit")?, 0, "commit")?),
                kind,
                subject: Subject::Scope(change.scope.clone()),
                at: set.now,
                metadata: Metadata::EMPTY,
                trace: None,
                object: None,
            });
        }
        Ok(events)
    }
}

fn unnamed(scope: &Scope) -> Error {
    Error::new(ErrorKind::Corrupt, "commit", format!("expected {scope} to have been created, found it missing"))
}
