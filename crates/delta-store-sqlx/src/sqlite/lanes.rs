use delta_core::{Lane, LaneQuery, Result};
use sqlx::SqliteConnection;

use super::commit::lane;
use super::errors::error;
use super::names::choice;
use super::rows::Columns;
use super::statement::statement;
use super::store::Inner;

pub(super) async fn lanes(inner: &Inner, conn: &mut SqliteConnection, query: &LaneQuery) -> Result<Vec<Lane>> {
    let (namespaces, kinds) = (choice(&query.namespaces), choice(&query.kinds));
    let statement = statement(&inner.sql.lanes).bind(query.now.as_micros());
    let statement = statement.bind(namespaces.0).bind(namespaces.1).bind(kinds.0).bind(kinds.1);
    let rows = statement.fetch_all(conn).await.map_err(|failed| error("lanes", failed))?;
    rows.iter().map(|row| lane(&mut Columns::new("lanes", row))).collect()
}
