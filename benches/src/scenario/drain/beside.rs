use delta::core::Browse;
use delta::core::plan::Report;
use delta::{Client, Object as _, Store};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};

use crate::failure::Failure;
use crate::item::Item;
use crate::scenario::prepare::{End, end_all, inform};
use crate::server::{Backend, Place};

/// How many are made by the store; the others are their copies.
const FIRST: usize = 1_000;

/// Numbers of these are above those of all others.
const FROM: usize = 1_000_000_000;

/// Puts synced resources into a table.
pub(crate) async fn fill<S: Store + Browse>(place: &Place, store: &S, count: usize) -> Result<(), Failure> {
    if count == 0 {
        return Ok(());
    }
    if !matches!(place.backend(), Backend::SqlxPostgres | Backend::DieselPostgres) {
        return Err("expected a database of Postgres to fill, found another".into());
    }
    inform(&Client::builder(store.clone()).build()?, Item::many(FROM, FIRST.min(count), 560)).await?;
    end_all(store, Item::KIND, &End::Settled(Report::Synced)).await?;
    let mut conn = PgConnection::connect(place.url()).await?;
    let resource = columns(&mut conn, "resource", &["id", "object_id"]).await?;
    let detail = columns(&mut conn, "resource_detail", &["id"]).await?;
    let (of_source, copies) = (of("s", &detail), count / FIRST);
    for statement in [
        format!(
            "INSERT INTO delta.resource (object_id, {resource}) SELECT object_id || '/' || n, {resource} \
             FROM delta.resource, generate_series(2, {copies}) n"
        ),
        format!(
            "INSERT INTO delta.resource_detail (id, {detail}) SELECT r.id, {of_source} FROM delta.resource r \
             JOIN (SELECT o.object_id AS first, d.* FROM delta.resource o JOIN delta.resource_detail d USING (id)) s \
             ON s.first = split_part(r.object_id, '/', 1) WHERE r.object_id LIKE '%/%'"
        ),
    ] {
        sqlx::query(AssertSqlSafe(statement)).execute(&mut conn).await?;
    }
    Ok(conn.close().await?)
}

/// All columns of a table but some, whatever the schema's version has.
async fn columns(conn: &mut PgConnection, table: &str, but: &[&str]) -> Result<String, Failure> {
    Ok(sqlx::query_scalar(
        "SELECT string_agg(quote_ident(column_name), ', ' ORDER BY ordinal_position) FROM information_schema.columns \
         WHERE table_schema = 'delta' AND table_name = $1 AND is_generated = 'NEVER' AND column_name <> ALL ($2)",
    )
    .bind(table)
    .bind(but)
    .fetch_one(conn)
    .await?)
}

/// The same columns, of an alias.
fn of(alias: &str, columns: &str) -> String {
    columns.split(", ").map(|column| format!("{alias}.{column}")).collect::<Vec<_>>().join(", ")
}
