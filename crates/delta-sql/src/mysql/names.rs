use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, PoisonError, RwLock};

use delta_core::{Name, Names, Result, Scope};

use super::driver::{Executed, MysqlDriver};
use super::json::{self, Json};
use super::query::Query;
use super::rows::{corrupt, field};
use super::tables::Tables;
use crate::driver::Row;

/// Kinds or namespaces, by name and by id.
#[derive(Clone, Debug, Default)]
pub(super) struct Table {
    by_name: HashMap<Name, i64>,
    by_id: HashMap<i64, Name>,
}

impl Table {
    pub(super) fn id(&self, name: &Name) -> Option<i64> {
        self.by_name.get(name).copied()
    }

    pub(super) fn name(&self, id: i64) -> Option<&Name> {
        self.by_id.get(&id)
    }
}

/// What is known of the kinds and namespaces of a database.
#[derive(Clone, Debug, Default)]
pub(super) struct Known {
    pub(super) kinds: Table,
    pub(super) namespaces: Table,
}

#[derive(Clone, Copy, Debug)]
enum Which {
    Kinds,
    Namespaces,
}

/// A cache of [`Known`].
///
/// Ids are only handed out in transactions of their own, so whatever is seen of them is committed and stays: rows of
/// kinds and namespaces are never removed, nor numbered anew.
#[derive(Debug, Default)]
pub(super) struct NameCache(RwLock<Arc<Known>>);

impl NameCache {
    pub(super) fn known(&self) -> Arc<Known> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Forgets everything: for tables that were made anew.
    pub(super) fn clear(&self) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::default();
    }

    fn add(&self, which: Which, found: Vec<(i64, Name)>) {
        if found.is_empty() {
            return;
        }
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        Arc::make_mut(&mut known).add(which, found);
    }
}

impl Known {
    fn add(&mut self, which: Which, found: Vec<(i64, Name)>) {
        let table = match which {
            Which::Kinds => &mut self.kinds,
            Which::Namespaces => &mut self.namespaces,
        };
        for (id, name) in found {
            table.by_name.insert(name.clone(), id);
            table.by_id.insert(id, name);
        }
    }

    fn table(&self, which: Which) -> &Table {
        match which {
            Which::Kinds => &self.kinds,
            Which::Namespaces => &self.namespaces,
        }
    }

    pub(super) fn scope_id(&self, scope: &Scope) -> Option<i64> {
        match scope {
            Scope::Kind(name) => self.kinds.id(name),
            Scope::Namespace(name) => self.namespaces.id(name),
        }
    }

    /// A choice of names as ids: only these, all but these. What does not exist has no rows.
    pub(super) fn choice(table: &Table, names: &Names) -> (Option<Vec<i64>>, Option<Vec<i64>>) {
        let ids = |names: &BTreeSet<Name>| names.iter().filter_map(|name| table.id(name)).collect();
        match names {
            Names::All => (None, None),
            Names::Only(names) => (Some(ids(names)), None),
            Names::Except(names) => (None, Some(ids(names))),
        }
    }
}

/// Kinds and namespaces that a call speaks of.
#[derive(Debug, Default)]
pub(super) struct Wanted<'a> {
    pub(super) kinds: BTreeSet<&'a Name>,
    pub(super) namespaces: BTreeSet<&'a Name>,
}

impl<'a> Wanted<'a> {
    pub(super) fn choices(kinds: &'a Names, namespaces: &'a Names) -> Self {
        let named = |names: &'a Names| match names {
            Names::All => BTreeSet::new(),
            Names::Only(names) | Names::Except(names) => names.iter().collect(),
        };
        Self { kinds: named(kinds), namespaces: named(namespaces) }
    }

    pub(super) fn add_scope(&mut self, scope: &'a Scope) {
        match scope {
            Scope::Kind(name) => self.kinds.insert(name),
            Scope::Namespace(name) => self.namespaces.insert(name),
        };
    }

    fn unknown(&self, known: &Known, which: Which) -> Vec<&'a str> {
        let wanted = match which {
            Which::Kinds => &self.kinds,
            Which::Namespaces => &self.namespaces,
        };
        wanted.iter().filter(|name| known.table(which).id(name).is_none()).map(|name| name.as_str()).collect()
    }
}

const BOTH: [Which; 2] = [Which::Kinds, Which::Namespaces];

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
