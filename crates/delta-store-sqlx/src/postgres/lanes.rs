use delta_core::{Lane, LaneQuery, Name, Result};
use sqlx::{PgConnection, Row};

use super::errors::{corrupt, during};
use super::filter::Chosen;
use super::moment::Moment;
use super::names::Wanted;
use super::store::PgStore;

impl PgStore {
    pub(super) async fn claimable_lanes(&self, conn: &mut PgConnection, query: &LaneQuery) -> Result<Vec<Lane>> {
        let known = self.find_names(conn, &Wanted::choices(&query.kinds, &query.namespaces)).await?;
        let chosen = Chosen::of(&known, &query.namespaces, &query.kinds);
        let bound = chosen.bind(self.query(&self.sql().lanes)).bind(Moment(query.now));
        let rows = self.read(conn, bound, "lanes").await?;
        let name = |row: &sqlx::postgres::PgRow, column: usize| {
            let name: &str = row.try_get(column).map_err(during("lanes"))?;
            Name::new(name).map_err(|invalid| corrupt("lanes", invalid.to_string()))
        };
        rows.iter().map(|row| Ok(Lane { namespace: name(row, 0)?, kind: name(row, 1)? })).collect()
    }
}
