use std::collections::HashMap;

use delta_core::{Access, Depth, Detail, Error, ErrorKind, Key, Load, LoadBy, Resource, Result};

use super::driver::MysqlDriver;
use super::json::{self, Json};
use super::names::{Known, Wanted};
use super::query::Query;
use super::rows::{Fields, corrupt, detail, field, head};
use super::tables::Tables;

/// Keys in the order in which new ones are locked. What is of a kind or a namespace that does not exist does not exist
/// either.
pub(super) fn keys<'a>(keys: impl IntoIterator<Item = &'a Key>, known: &Known) -> Vec<String> {
    let ids = |key: &'a Key| {
        Some((known.namespaces.id(&key.namespace)?, known.kinds.id(&key.kind)?, key.object_id.as_str().as_bytes()))
    };
    let mut keys: Vec<_> = keys.into_iter().filter_map(ids).collect();
    keys.sort_unstable();
    keys.dedup();
    let mut list = Json::default();
    for (namespace, kind, object_id) in keys {
        list.row(|row| row.int(namespace).int(kind).bytes(object_id));
    }
    list.into_texts()
}

impl<D: MysqlDriver> Tables<D> {
    /// Loads resources.
    pub async fn load(&self, conn: &mut D::Conn, query: &Load) -> Result<Vec<Resource>> {
        let mut rows = match (query.access, &query.by) {
            (Access::Read, LoadBy::Ids(ids)) => {
                self.find(conn, json::ids(ids.iter().map(|id| id.get())), query.depth).await?
            }
            (Access::Read, LoadBy::Keys(keys)) => self.find_keys(conn, keys, query.depth).await?,
            (Access::Write, by) if self.driver().is_in_transaction(conn) => {
                self.check_isolation(conn, "load").await?;
                self.lock_and_read(conn, by, query.depth).await?
            }
            (Access::Write, _) => {
                let what = "expected a transaction to lock rows in, found none";
                return Err(Error::new(ErrorKind::Invalid, "load", what));
            }
        };
        rows.sort_by_key(|row| row.id);
        Ok(rows)
    }

    async fn find(&self, conn: &mut D::Conn, lists: Vec<String>, depth: Depth) -> Result<Vec<Resource>> {
        let text = match depth {
            Depth::Head => &self.sql().heads,
            Depth::Full => &self.sql().full,
        };
        self.read_lists(conn, text, lists, depth).await
    }

    async fn find_keys(&self, conn: &mut D::Conn, wanted: &[Key], depth: Depth) -> Result<Vec<Resource>> {
        let known = self.find_names(conn, &names(wanted)).await?;
        let text = match depth {
            Depth::Head => &self.sql().heads_by_key,
            Depth::Full => &self.sql().full_by_key,
        };
        self.read_lists(conn, text, keys(wanted, &known), depth).await
    }

    async fn read_lists(
        &self,
        conn: &mut D::Conn,
        text: &std::sync::Arc<str>,
        lists: Vec<String>,
        depth: Depth,
    ) -> Result<Vec<Resource>> {
        let mut resources = Vec::new();
        for list in lists {
            let rows = self.fetch(conn, Query::new(text).bind(list), "load").await?;
            resources.extend(match depth {
                Depth::Head => self.heads(conn, &rows, "load").await?,
                Depth::Full => self.whole(conn, &rows, "load").await?,
            });
        }
        Ok(resources)
    }

    /// Locked first, and the rest read in a second statement, whose snapshot shows what the locks now keep as it is.
    async fn lock_and_read(&self, conn: &mut D::Conn, by: &LoadBy, depth: Depth) -> Result<Vec<Resource>> {
        let ids: Vec<i64> = match by {
            LoadBy::Ids(ids) => ids.iter().map(|id| id.get()).collect(),
            LoadBy::Keys(wanted) => {
                let known = self.find_names(conn, &names(wanted)).await?;
                let mut ids = Vec::new();
                for list in keys(wanted, &known) {
                    let rows = self.fetch(conn, Query::new(&self.sql().ids_by_key).bind(list), "load").await?;
                    for row in &rows {
                        ids.push(field(row, 0, "load")?);
                    }
                }
                ids
            }
        };
        let mut locked = Vec::new();
        for list in json::ids(ids) {
            let rows = self.fetch(conn, Query::new(&self.sql().lock).bind(list), "load").await?;
            locked.extend(self.heads(conn, &rows, "load").await?);
        }
        if depth == Depth::Full {
            let mut details = self.details(conn, locked.iter().map(|row| row.id.get()), "load").await?;
            for row in &mut locked {
                row.detail = details.remove(&row.id.get());
                if row.detail.is_none() {
                    return Err(without_object("load", row));
                }
            }
        }
        Ok(locked)
    }

    /// The details of some resources.
    pub(super) async fn details(
        &self,
        conn: &mut D::Conn,
        ids: impl IntoIterator<Item = i64>,
        operation: &'static str,
    ) -> Result<HashMap<i64, Detail>> {
        let mut details = HashMap::new();
        for list in json::ids(ids) {
            let rows = self.fetch(conn, Query::new(&self.sql().details).bind(list), operation).await?;
            for row in &rows {
                let mut fields = Fields::new(row, operation);
                let id = fields.take()?;
                if let Some(detail) = detail(&mut fields)? {
                    details.insert(id, detail);
                }
            }
        }
        Ok(details)
    }

    /// Reads resources with their details, each of one snapshot.
    pub(super) async fn whole(
        &self,
        conn: &mut D::Conn,
        rows: &[D::Row],
        operation: &'static str,
    ) -> Result<Vec<Resource>> {
        let known = self.known_of(conn, rows, 1, operation).await?;
        let whole = |row| {
            let mut fields = Fields::new(row, operation);
            let mut resource = head(&mut fields, &known)?;
            resource.detail = detail(&mut fields)?;
            if resource.detail.is_none() { Err(without_object(operation, &resource)) } else { Ok(resource) }
        };
        rows.iter().map(whole).collect()
    }
}

pub(super) fn without_object(operation: &'static str, row: &Resource) -> Error {
    corrupt(operation, format!("expected the object of {}, found none", row.key))
}

fn names(keys: &[Key]) -> Wanted<'_> {
    let mut wanted = Wanted::default();
    for key in keys {
        wanted.kinds.insert(&key.kind);
        wanted.namespaces.insert(&key.namespace);
    }
    wanted
}
