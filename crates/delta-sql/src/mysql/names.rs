use std::collections::BTreeSet;
use std::sync::Arc;

use delta_core::{Name, Result};

use super::driver::{Executed, MysqlDriver};
use super::json::{self, Json};
use super::query::Query;
use super::rows::{corrupt, field};
use super::tables::Tables;
use crate::driver::Row;

pub(super) use crate::names::Wanted;
use crate::names::{BOTH, Which};

pub(super) type Known = crate::names::Known<i64>;
pub(super) type NameCache = crate::names::NameCache<i64>;

impl<D: MysqlDriver> Tables<D> {
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

    /// Finds some kinds and namespaces within a transaction, and creates those that do not exist. Their ids are not
    /// remembered, for the transaction may be undone.
    pub(super) async fn names_within(&self, conn: &mut D::Conn, wanted: &Wanted<'_>) -> Result<Known> {
        let mut known = Known::default();
        for which in BOTH {
            let (create, find, names) = match which {
                Which::Kinds => (&self.sql().new_kind, &self.sql().kinds_named, &wanted.kinds),
                Which::Namespaces => (&self.sql().new_namespace, &self.sql().namespaces_named, &wanted.namespaces),
            };
            let mut list = Json::default();
            for name in names {
                match self.execute(conn, Query::new(create).bind(name.as_str()), "name").await? {
                    Executed::Duplicate | Executed::Done => {}
                }
                list.row(|row| row.name(name.as_str()));
            }
            for list in list.into_texts() {
                let rows = self.fetch(conn, Query::new(find).bind(list), "name").await?;
                known.add(which, read(&rows)?);
            }
        }
        Ok(known)
    }

    /// Finds the names of ids that rows speak of.
    pub(super) async fn name_ids(
        &self,
        conn: &mut D::Conn,
        kinds: &BTreeSet<i64>,
        namespaces: &BTreeSet<i64>,
    ) -> Result<Arc<Known>> {
        for (which, ids) in [(Which::Kinds, kinds), (Which::Namespaces, namespaces)] {
            let known = self.names().known();
            let unknown = ids.iter().copied().filter(|id| known.table(which).name(*id).is_none());
            for list in json::ids(unknown) {
                let text = match which {
                    Which::Kinds => &self.sql().kinds_numbered,
                    Which::Namespaces => &self.sql().namespaces_numbered,
                };
                let rows = self.fetch(conn, Query::new(text).bind(list), "name").await?;
                self.names().add(which, read(&rows)?);
            }
        }
        Ok(self.names().known())
    }

    async fn create(&self, conn: &mut D::Conn, missing: &[Vec<&str>; 2]) -> Result<()> {
        for (which, names) in BOTH.into_iter().zip(missing) {
            let text = match which {
                Which::Kinds => &self.sql().new_kind,
                Which::Namespaces => &self.sql().new_namespace,
            };
            for name in names {
                match self.execute(conn, Query::new(text).bind(*name), "name").await? {
                    // Another session was quicker.
                    Executed::Duplicate | Executed::Done => {}
                }
            }
            if !names.is_empty() {
                self.look_up(conn, which, names).await?;
            }
        }
        Ok(())
    }

    async fn look_up(&self, conn: &mut D::Conn, which: Which, names: &[&str]) -> Result<()> {
        let text = match which {
            Which::Kinds => &self.sql().kinds_named,
            Which::Namespaces => &self.sql().namespaces_named,
        };
        let mut list = Json::default();
        for name in names {
            list.row(|row| row.name(name));
        }
        for list in list.into_texts() {
            let rows = self.fetch(conn, Query::new(text).bind(list), "name").await?;
            self.names().add(which, read(&rows)?);
        }
        Ok(())
    }
}

fn read<R: Row>(rows: &[R]) -> Result<Vec<(i64, Name)>> {
    rows.iter()
        .map(|row| {
            let name: &str = field(row, 1, "name")?;
            let name = Name::new(name).map_err(|invalid| corrupt("name", invalid.to_string()))?;
            Ok((field(row, 0, "name")?, name))
        })
        .collect()
}
