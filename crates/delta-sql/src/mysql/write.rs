use delta_core::{AttemptError, Change, Resource, Result};

use super::driver::MysqlDriver;
use super::json::{self, Json};
use super::names::Known;
use super::query::{Query, Value};
use super::tables::Tables;
use super::values;
use super::work::Work;

#[expect(clippy::cast_possible_wrap, reason = "it is 10")]
const KEPT: i64 = AttemptError::KEPT as i64;

impl<D: MysqlDriver> Tables<D> {
    /// Writes the narrow parts of rows that are locked.
    pub(super) async fn write_heads<'r>(
        &self,
        conn: &mut D::Conn,
        rows: impl IntoIterator<Item = &'r Resource>,
        known: &Known,
    ) -> Result<()> {
        let mut rows: Vec<&Resource> = rows.into_iter().collect();
        rows.sort_unstable_by_key(|row| row.id);
        let rows = rows.into_iter().map(|row| values::head(row, known)).collect::<Result<_>>()?;
        self.write_all(conn, &self.sql().write_resources, rows).await
    }

    /// Writes what a changeset makes of rows, but for those that it removes.
    pub(super) async fn write_work(&self, conn: &mut D::Conn, work: &Work<'_>, known: &Known) -> Result<()> {
        let written = |change: &Change| matches!(change, Change::Update(_) | Change::Settle(_) | Change::Renew(_));
        let heads = work.all().filter(|(change, _)| written(change)).map(|(_, done)| &done.row);
        self.write_heads(conn, heads, known).await?;
        self.write_details(conn, work).await?;
        self.record_errors(conn, work).await
    }

    async fn write_details(&self, conn: &mut D::Conn, work: &Work<'_>) -> Result<()> {
        let (mut whole, mut objects, mut tags): (Vec<Vec<Value<'_>>>, Vec<_>, Vec<_>) = Default::default();
        for (change, done) in work.all() {
            let Some(detail) = &done.row.detail else { continue };
            let rows = match change {
                Change::Update(update) => match (update.write_object, update.write_tags) {
                    (true, true) => &mut whole,
                    (true, false) => &mut objects,
                    (false, true) => &mut tags,
                    (false, false) => continue,
                },
                Change::Insert(_) | Change::Remove(_) | Change::Settle(_) | Change::Renew(_) => continue,
            };
            rows.push(values::detail(done.row.id.get(), detail));
        }
        self.write_all(conn, &self.sql().write_details, whole).await?;
        self.write_all(conn, &self.sql().write_objects, objects).await?;
        self.write_all(conn, &self.sql().write_tags, tags).await
    }

    /// Records the errors that changes bring, under their numbers, and removes those before the last ones.
    async fn record_errors(&self, conn: &mut D::Conn, work: &Work<'_>) -> Result<()> {
        let mut rows = Vec::new();
        let mut surplus = Json::default();
        for (change, done) in work.all() {
            let (id, count) = (done.row.id.get(), done.row.error_count);
            match change {
                Change::Insert(_) => {
                    let errors = done.row.detail.iter().flat_map(|detail| detail.errors.iter().rev());
                    rows.extend(
                        errors
                            .take(AttemptError::KEPT)
                            .zip(0..)
                            .map(|(one, behind)| values::error(id, count - behind, one)),
                    );
                }
                Change::Update(update) => rows.extend(update.error.iter().map(|one| values::error(id, count, one))),
                Change::Settle(settle) => rows.extend(settle.error.iter().map(|one| values::error(id, count, one))),
                Change::Remove(_) | Change::Renew(_) => continue,
            }
            let brought = match change {
                Change::Update(update) => update.error.is_some(),
                Change::Settle(settle) => settle.error.is_some(),
                _ => false,
            };
            if brought && count > KEPT {
                surplus.row(|row| row.int(id).int(count - KEPT));
            }
        }
        self.write_all(conn, &self.sql().record_errors, rows).await?;
        for list in surplus.into_texts() {
            self.write(conn, Query::new(&self.sql().prune_errors).bind(list), "commit").await?;
        }
        Ok(())
    }

    /// Removes the rows that a changeset removes.
    pub(super) async fn remove(&self, conn: &mut D::Conn, work: &Work<'_>) -> Result<()> {
        let removed = work.all().filter(|(change, _)| matches!(change, Change::Remove(_)));
        for list in json::ids(removed.map(|(_, done)| done.row.id.get())) {
            for text in [&self.sql().remove_errors, &self.sql().remove_details, &self.sql().remove_resources] {
                self.write(conn, Query::new(text).bind(list.as_str()), "commit").await?;
            }
        }
        Ok(())
    }
}
