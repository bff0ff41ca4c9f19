use std::collections::BTreeSet;
use std::sync::Arc;

use delta_core::{Name, Result};

use super::driver::{ArrayRow, PostgresDriver};
use super::query::Query;
use super::rows::{corrupt, field};
use super::tables::Tables;
use crate::driver::Need;

pub(super) use crate::names::Wanted;
use crate::names::{BOTH, Which};

pub(super) type Known = crate::names::Known<i32>;
pub(super) type NameCache = crate::names::NameCache<i32>;

impl<D: PostgresDriver> Tables<D> {
    /// Finds what exists of some kinds and namespaces.
    pub(super) async fn find_names(&self, conn: &mut D::Conn, wanted: &Wanted<'_>) -> Result<Arc<Known>> {
        for which in BOTH {
            let unknown = wanted.unknown(&self.names().known(), which);
            if !unknown.is_empty() {
                self.look_up(conn, which, &unknown).await?;
            }
        }
        Ok(self.names().known())
    }

    /// Finds some kinds and namespaces, and creates those that do not exist: at once and for good, whatever becomes of
    /// the caller's transaction.
    pub(super) async fn make_names(&self, conn: &mut D::Conn, wanted: &Wanted<'_>) -> Result<Arc<Known>> {
        let known = self.find_names(conn, wanted).await?;
        let missing = BOTH.map(|which| wanted.unknown(&known, which));
        if missing.iter().all(Vec::is_empty) {
            return Ok(known);
        }
        if self.driver().is_in_transaction(conn) {
            let mut aside = self.driver().aside("name").await?;
            self.create(&mut aside, &missing).await?;
        } else {
            self.create(conn, &missing).await?;
        }
        Ok(self.names().known())
    }

    /// Finds the names of ids that rows speak of.
    pub(super) async fn name_ids(
        &self,
        conn: &mut D::Conn,
        kinds: &BTreeSet<i32>,
        namespaces: &BTreeSet<i32>,
    ) -> Result<Arc<Known>> {
        for (which, ids) in [(Which::Kinds, kinds), (Which::Namespaces, namespaces)] {
            let known = self.names().known();
            let unknown: Vec<i32> = ids.iter().copied().filter(|id| known.table(which).name(*id).is_none()).collect();
            if !unknown.is_empty() {
                let text = match which {
                    Which::Kinds => &self.sql().kinds_numbered,
                    Which::Namespaces => &self.sql().namespaces_numbered,
                };
                let mut unit = self.unit(conn, Need::Statement, "name").await?;
                let rows = self.fetch(unit.conn(), Query::new(text).bind(unknown), "name").await?;
                unit.keep("name").await?;
                self.names().add(which, read(&rows)?);
            }
        }
        Ok(self.names().known())
    }

    async fn create(&self, conn: &mut D::Conn, missing: &[Vec<&str>; 2]) -> Result<()> {
        for (which, names) in BOTH.into_iter().zip(missing).filter(|(_, names)| !names.is_empty()) {
            let text = match which {
                Which::Kinds => &self.sql().new_kinds,
                Which::Namespaces => &self.sql().new_namespaces,
            };
            let mut unit = self.unit(conn, Need::Statement, "name").await?;
            self.fetch(unit.conn(), Query::new(text).bind(names.clone()), "name").await?;
            unit.keep("name").await?;
            self.look_up(conn, which, names).await?;
        }
        Ok(())
    }

    async fn look_up(&self, conn: &mut D::Conn, which: Which, names: &[&str]) -> Result<()> {
        let text = match which {
            Which::Kinds => &self.sql().kinds_named,
            Which::Namespaces => &self.sql().namespaces_named,
        };
        let mut unit = self.unit(conn, Need::Statement, "name").await?;
        let rows = self.fetch(unit.conn(), Query::new(text).bind(names.to_vec()), "name").await?;
        unit.keep("name").await?;
        self.names().add(which, read(&rows)?);
        Ok(())
    }
}

fn read<R: ArrayRow>(rows: &[R]) -> Result<Vec<(i32, Name)>> {
    rows.iter()
        .map(|row| {
            let name: &str = field(row, 1, "name")?;
            let name = Name::new(name).map_err(|invalid| corrupt("name", invalid.to_string()))?;
            Ok((field(row, 0, "name")?, name))
        })
        .collect()
}
