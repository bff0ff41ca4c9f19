use std::fmt::Write;

use delta_core::{MigrationStatus, Result, Target};
use delta_sql::driver::Backoff;
use delta_sql::{Applied, History};
use sqlx::{AssertSqlSafe, SqliteConnection};

use super::errors::error;
use super::rows::Columns;
use super::statement::statement;
use super::store::Inner;
use super::transaction::{Failure, begin, end, relieved, settled};

const OPERATION: &str = "migrate";

async fn history(inner: &Inner, conn: &mut SqliteConnection, operation: &'static str) -> Result<History> {
    let failed = |failed| error(operation, failed);
    let known = inner.tables.migrations();
    let table = format!("{}_migration", inner.tables.prefix());
    let row = statement(&inner.sql.history_exists).bind(table).fetch_one(&mut *conn).await.map_err(failed)?;
    if !Columns::new(operation, &row).next::<bool>()? {
        return Ok(History::new(known, Vec::new()));
    }
    let rows = statement(&inner.sql.history).fetch_all(&mut *conn).await.map_err(failed)?;
    let applied = |row| {
        let mut columns = Columns::new(operation, row);
        let (version, name, serves): (i64, String, i64) = (columns.next()?, columns.next()?, columns.next()?);
        match (u32::try_from(version), u32::try_from(serves)) {
            (Ok(version), Ok(serves)) => Ok(Applied { version, name, serves }),
            _ => Err(columns.corrupt(format!("schema version {version} that serves {serves}"))),
        }
    };
    Ok(History::new(known, rows.iter().map(applied).collect::<Result<_>>()?))
}

/// What errors call the schema.
fn place(inner: &Inner) -> String {
    format!("a schema with the prefix {}", inner.tables.prefix())
}

/// Checks that the schema is one that this version works with: S15.
pub(super) async fn check(inner: &Inner, conn: &mut SqliteConnection) -> Result<()> {
    history(inner, conn, "check").await?.check(place(inner))
}

pub(super) async fn migration_status(inner: &Inner) -> Result<Vec<MigrationStatus>> {
    let mut conn = inner.pools.readers.acquire().await.map_err(|failed| error(OPERATION, failed))?;
    Ok(history(inner, &mut conn, OPERATION).await?.status())
}

pub(super) async fn migrate_to(inner: &Inner, target: Target) -> Result<Vec<MigrationStatus>> {
    let mut conn = inner.pools.writer.acquire().await.map_err(|failed| error(OPERATION, failed))?;
    let mut backoff = Backoff::new(inner.busy_timeout);
    loop {
        let done = migrate_once(inner, &mut conn, target).await;
        if let Some(done) = settled(relieved(&mut conn, done).await, &mut backoff).await {
            return done;
        }
    }
}

/// Whoever comes first holds the write lock until it is done, so the others find it done.
async fn migrate_once(
    inner: &Inner,
    conn: &mut SqliteConnection,
    target: Target,
) -> Result<Vec<MigrationStatus>, Failure> {
    let mut tx = begin(OPERATION, conn).await?;
    let done = steps(inner, &mut tx, target).await;
    Ok(end(OPERATION, tx, done).await?)
}

async fn steps(inner: &Inner, conn: &mut SqliteConnection, target: Target) -> Result<Vec<MigrationStatus>> {
    let steps = history(inner, conn, OPERATION).await?.steps(target, place(inner))?;
    let failed = |failed| error(OPERATION, failed);
    if steps.target > 0 {
        statement(&inner.sql.create_history).execute(&mut *conn).await.map_err(failed)?;
    }
    for step in &steps.up {
        sqlx::raw_sql(AssertSqlSafe(step.up.clone())).execute(&mut *conn).await.map_err(failed)?;
        let record = statement(&inner.sql.record).bind(i64::from(step.version)).bind(step.name);
        record.bind(i64::from(step.serves)).execute(&mut *conn).await.map_err(failed)?;
    }
    for step in &steps.down {
        sqlx::raw_sql(AssertSqlSafe(step.down.clone())).execute(&mut *conn).await.map_err(failed)?;
        let forget = statement(&inner.sql.forget).bind(i64::from(step.version));
        forget.execute(&mut *conn).await.map_err(failed)?;
    }
    if steps.target == 0 && !steps.down.is_empty() {
        statement(&inner.sql.drop_history).execute(&mut *conn).await.map_err(failed)?;
    }
    Ok(history(inner, conn, OPERATION).await?.status())
}

pub(super) fn migration_sql(inner: &Inner) -> String {
    let mut sql = format!("BEGIN IMMEDIATE;\n{};\n", inner.sql.create_history);
    for step in inner.tables.migrations() {
        let record = format!(
            "INSERT INTO {} (version, name, serves) VALUES ({}, '{}', {})",
            inner.tables.prefix().table("migration"),
            step.version,
            step.name,
            step.serves
        );
        let _ = write!(sql, "\n-- {}: {}\n{}\n{record};\n", step.version, step.name, step.up);
    }
    sql.push_str("COMMIT;\n");
    sql
}
