use delta_core::{Lane, LaneQuery, Name, Result};

use super::driver::MysqlDriver;
use super::filter::Chosen;
use super::names::Wanted;
use super::query::Query;
use super::rows::{corrupt, field};
use super::tables::Tables;

impl<D: MysqlDriver> Tables<D> {
    /// Names the lanes that have something to claim.
    pub async fn lanes(&self, conn: &mut D::Conn, query: &LaneQuery) -> Result<Vec<Lane>> {
        let known = self.find_names(conn, &Wanted::choices(&query.kinds, &query.namespaces)).await?;
        let chosen = Chosen::of(&known, &query.namespaces, &query.kinds);
        let bound = chosen.bind(Query::new(&self.sql().lanes));
        let bound = (0..4).fold(bound, |bound, _| bound.bind(query.now));
        let rows = self.fetch(conn, bound, "lanes").await?;
        let name = |row: &D::Row, column: usize| {
            let name: &str = field(row, column, "lanes")?;
            Name::new(name).map_err(|invalid| corrupt("lanes", invalid.to_string()))
        };
        rows.iter().map(|row| Ok(Lane { namespace: name(row, 0)?, kind: name(row, 1)? })).collect()
    }
}
