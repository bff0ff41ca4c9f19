use delta_core::{
    Changeset, Error, Event, EventKind, Name, Position, Result, Returning, Scope, ScopeRecord, ScopeWrite,
};

use super::driver::MysqlDriver;
use super::names::Known;
use super::query::Query;
use super::rows::{Fields, corrupt, field};
use super::tables::{Tables, first};
use super::values;

impl<D: MysqlDriver> Tables<D> {
    /// Reads what is stored about all kinds and namespaces.
    pub async fn scopes(&self, conn: &mut D::Conn) -> Result<Vec<ScopeRecord>> {
        let rows = self.fetch(conn, Query::new(&self.sql().scopes), "scopes").await?;
        let record = |row| {
            let mut fields = Fields::new(row, "scopes");
            let table: i64 = fields.take()?;
            let name = Name::new(fields.take::<&str>()?).map_err(|invalid| corrupt("scopes", invalid.to_string()))?;
            let scope = if table == 0 { Scope::Kind(name) } else { Scope::Namespace(name) };
            Ok(ScopeRecord { scope, paused: fields.flag()?, settings: fields.take()? })
        };
        rows.iter().map(record).collect()
    }

    /// Writes what a changeset says of kinds and namespaces, which exist by now. Says which of its changes append what.
    pub(super) async fn write_scopes(
        &self,
        conn: &mut D::Conn,
        set: &Changeset,
        known: &Known,
    ) -> Result<Vec<Option<EventKind>>> {
        // Locked in one order by all; the events keep the order of the changes.
        let mut order: Vec<usize> = (0..set.scopes.len()).collect();
        order.sort_by_key(|&number| &set.scopes[number].scope);
        let mut changed = vec![None; set.scopes.len()];
        let sql = self.sql();
        for number in order {
            let change = &set.scopes[number];
            let id = known.scope_id(&change.scope).ok_or_else(|| unnamed(&change.scope))?;
            let (lock, pause, settle) = match &change.scope {
                Scope::Kind(_) => (&sql.lock_kind, &sql.pause_kind, &sql.set_kind),
                Scope::Namespace(_) => (&sql.lock_namespace, &sql.pause_namespace, &sql.set_namespace),
            };
            let paused = match &change.write {
                ScopeWrite::Settings(settings) => {
                    self.write(conn, Query::new(settle).bind(settings.as_str()).bind(id), "commit").await?;
                    continue;
                }
                ScopeWrite::Pause => true,
                ScopeWrite::Resume => false,
            };
            let rows = self.fetch(conn, Query::new(lock).bind(id), "commit").await?;
            if (field::<_, i64>(first(&rows, "commit")?, 0, "commit")? != 0) != paused {
                self.write(conn, Query::new(pause).bind(paused).bind(id), "commit").await?;
                changed[number] = Some(if paused { EventKind::Paused } else { EventKind::Resumed });
            }
        }
        Ok(changed)
    }

    /// Appends the events about kinds and namespaces, in the order of their changes. Returns them if the changeset asks for
    /// them.
    pub(super) async fn append_scopes(
        &self,
        conn: &mut D::Conn,
        set: &Changeset,
        changed: Vec<Option<EventKind>>,
        known: &Known,
    ) -> Result<Vec<Event>> {
        let (mut events, mut rows) = (Vec::new(), Vec::new());
        for (change, kind) in set.scopes.iter().zip(changed) {
            let Some(kind) = kind else { continue };
            let id = known.scope_id(&change.scope).ok_or_else(|| unnamed(&change.scope))?;
            let event = Event::of_scope(Position::START, kind, change.scope.clone(), set.now);
            rows.push(values::scope_event(&event, &change.scope, id));
            events.push(event);
        }
        if rows.is_empty() {
            return Ok(Vec::new());
        }
        self.hold_log(conn).await?;
        let positions = self.append_rows(conn, rows, set.returning).await?;
        if set.returning == Returning::Outcomes {
            return Ok(Vec::new());
        }
        Ok(events.into_iter().zip(positions).map(|(event, position)| Event { position, ..event }).collect())
    }
}

fn unnamed(scope: &Scope) -> Error {
    corrupt("commit", format!("expected {scope} to have been created, found it missing"))
}
