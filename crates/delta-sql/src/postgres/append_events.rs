use delta_core::{EventTable, ForeignId, ForeignIdType, NewEvent, Position, Result, Trace};

use super::driver::PostgresDriver;
use super::query::Query;
use super::rows::field;
use super::tables::Tables;

const OPERATION: &str = "append";

impl<D: PostgresDriver> Tables<D> {
    /// Appends events to an application's log: T3. One statement, so all or none.
    pub async fn append_events(
        &self,
        conn: &mut D::Conn,
        table: &EventTable,
        events: &[NewEvent],
    ) -> Result<Vec<Position>> {
        let texts = self.event_table(table)?;
        table.check_events(events)?;
        if events.is_empty() {
            return Ok(Vec::new());
        }
        let query = Query::new(&texts.append);
        let query = match table.foreign_id_type() {
            ForeignIdType::Text => query.bind(events.iter().map(text).collect::<Vec<_>>()),
            ForeignIdType::Int => query.bind(events.iter().map(int).collect::<Vec<_>>()),
        };
        let query = query
            .bind(events.iter().map(|event| event.kind).collect::<Vec<_>>())
            .bind(events.iter().map(|event| event.at).collect::<Vec<_>>())
            .bind(events.iter().map(|event| event.metadata.as_deref()).collect::<Vec<_>>())
            .bind(events.iter().map(|event| event.trace.as_ref().map(Trace::as_str)).collect::<Vec<_>>());
        let rows = self.read(conn, query, OPERATION).await;
        let rows = self.explain(conn, table, rows).await?;
        rows.iter().map(|row| Ok(Position::new(field(row, 0, OPERATION)?))).collect()
    }
}

fn text(event: &NewEvent) -> Option<&str> {
    match &event.foreign_id {
        ForeignId::Text(text) => Some(text),
        ForeignId::Int(_) => None,
    }
}

fn int(event: &NewEvent) -> Option<i64> {
    match event.foreign_id {
        ForeignId::Int(int) => Some(int),
        ForeignId::Text(_) => None,
    }
}
