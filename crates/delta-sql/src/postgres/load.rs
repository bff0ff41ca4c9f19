use std::collections::BTreeSet;

use delta_core::{Access, Depth, Error, ErrorKind, Key, Load, LoadBy, Resource, Result};

use super::driver::PostgresDriver;
use super::names::{Known, Wanted};
use super::query::Query;
use super::rows::field;
use super::tables::Tables;

/// Keys as three arrays, each key once. What is of a kind or a namespace that does not exist does not exist either.
#[derive(Default)]
struct Keys<'a> {
    namespaces: Vec<i32>,
    kinds: Vec<i32>,
    object_ids: Vec<&'a str>,
}

impl<'a> Keys<'a> {
    fn of(keys: &'a [Key], known: &Known) -> Self {
        let mut arrays = Self::default();
        for key in keys.iter().collect::<BTreeSet<_>>() {
            if let (Some(namespace), Some(kind)) = (known.namespaces.id(&key.namespace), known.kinds.id(&key.kind)) {
                arrays.namespaces.push(namespace);
                arrays.kinds.push(kind);
                arrays.object_ids.push(key.object_id.as_str());
            }
        }
        arrays
    }
}

impl<D: PostgresDriver> Tables<D> {
    /// Loads resources.
    pub async fn load(&self, conn: &mut D::Conn, query: &Load) -> Result<Vec<Resource>> {
        let rows = match query.access {
            Access::Read => self.find(conn, &query.by, query.depth).await?,
            Access::Write if self.driver().is_in_transaction(conn) => {
                // Locked first and read in a second statement, whose snapshot shows what the locks now keep as it is.
                let locked = self.lock(conn, &query.by).await?;
                self.find_ids(conn, &locked, query.depth).await?
            }
            Access::Write => {
                let what = "expected a transaction to lock rows in, found none";
                return Err(Error::new(ErrorKind::Invalid, "load", what));
            }
        };
        self.resources(conn, &rows, query.depth, "load").await
    }

    async fn find(&self, conn: &mut D::Conn, by: &LoadBy, depth: Depth) -> Result<Vec<D::Row>> {
        match by {
            LoadBy::Ids(ids) => self.find_ids(conn, &ids.iter().map(|id| id.get()).collect::<Vec<_>>(), depth).await,
            LoadBy::Keys(keys) => {
                let known = self.find_names(conn, &names(keys)).await?;
                let keys = Keys::of(keys, &known);
                let text = match depth {
                    Depth::Head => &self.sql().load_keys.head,
                    Depth::Full => &self.sql().load_keys.full,
                };
                let query = Query::new(text).bind(keys.namespaces).bind(keys.kinds).bind(keys.object_ids);
                self.read(conn, query, "load").await
            }
        }
    }

    async fn find_ids(&self, conn: &mut D::Conn, ids: &[i64], depth: Depth) -> Result<Vec<D::Row>> {
        let text = match depth {
            Depth::Head => &self.sql().load_ids.head,
            Depth::Full => &self.sql().load_ids.full,
        };
        self.read(conn, Query::new(text).bind(ids.to_vec()), "load").await
    }

    /// Locks what is found, in the caller's transaction, and says which ids that is.
    async fn lock(&self, conn: &mut D::Conn, by: &LoadBy) -> Result<Vec<i64>> {
        let query = match by {
            LoadBy::Ids(ids) => {
                Query::new(&self.sql().lock.wait).bind(ids.iter().map(|id| id.get()).collect::<Vec<_>>())
            }
            LoadBy::Keys(keys) => {
                let known = self.find_names(conn, &names(keys)).await?;
                let keys = Keys::of(keys, &known);
                Query::new(&self.sql().lock_keys).bind(keys.namespaces).bind(keys.kinds).bind(keys.object_ids)
            }
        };
        let rows = self.fetch(conn, query, "load").await?;
        rows.iter().map(|row| field(row, 0, "load")).collect()
    }
}

fn names(keys: &[Key]) -> Wanted<'_> {
    let mut wanted = Wanted::default();
    for key in keys {
        wanted.kinds.insert(&key.kind);
        wanted.namespaces.insert(&key.namespace);
    }
    wanted
}
