use delta_core::{Browse, Filter, ListQuery, LogHolder, Resource, Result, StateCount};

use crate::conn::MemoryConn;
use crate::scan;
use crate::store::MemoryStore;

impl Browse for MemoryStore {
    async fn list(&self, conn: &mut MemoryConn, query: &ListQuery) -> Result<Vec<Resource>> {
        self.own(conn)?.read("list", |view| scan::list(view, query))
    }

    async fn count(&self, conn: &mut MemoryConn, filter: &Filter) -> Result<Vec<StateCount>> {
        self.own(conn)?.read("count", |view| scan::count(view, filter))
    }

    async fn log_holders(&self, conn: &mut MemoryConn) -> Result<Vec<LogHolder>> {
        let conn = self.own(conn)?;
        let now = conn.shared.now();
        Ok(conn.shared.database().log.holders(now))
    }
}
