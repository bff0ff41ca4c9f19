use std::collections::BTreeMap;
use std::fmt::Write;

use delta_core::{Error, ErrorKind, MigrationStatus, Result, Target};
use delta_sql::Migration;
use sqlx::{AssertSqlSafe, SqliteConnection};

use super::errors::error;
use super::rows::Columns;
use super::statement::statement;
use super::store::Inner;
use super::transaction::{Failure, begin, end, settled};
use delta_sql::driver::Backoff;

/// The versions that a database has, by number; empty if Delta was never there.
type History = BTreeMap<u32, String>;

const OPERATION: &str = "migrate";

async fn history(inner: &Inner, conn: &mut SqliteConnection, operation: &'static str) -> Result<History> {
    let failed = |failed| error(operation, failed);
    let table = format!("{}_migration", inner.tables.prefix());
    let row = statement(&inner.sql.history_exists).bind(table).fetch_one(&mut *conn).await.map_err(failed)?;
    if !Columns::new(operation, &row).next::<bool>()? {
        return Ok(History::new());
    }
    let rows = statement(&inner.sql.history).fetch_all(&mut *conn).await.map_err(failed)?;
    let version = |row| {
        let mut columns = Columns::new(operation, row);
        let version: i64 = columns.next()?;
        let version = u32::try_from(version).map_err(|_| columns.corrupt(format!("schema version {version}")))?;
        Ok((version, columns.next()?))
    };
    rows.iter().map(version).collect()
}

fn newer_than_known(operation: &'static str, known: &[Migration], history: &History) -> Result<()> {
    let latest = latest(known);
    match history.last_key_value() {
        Some((&newest, name)) if newest > latest => {
            let what = format!(
                "expected a schema of version {latest} at most, found version {newest} ({name}); use a newer program"
            );
            Err(Error::new(ErrorKind::Unsupported, operation, what))
        }
        _ => Ok(()),
    }
}

fn latest(known: &[Migration]) -> u32 {
    known.last().map_or(0, |migration| migration.version)
}

/// Checks that the schema is the one that this version knows: S15.
pub(super) async fn check(inner: &Inner, conn: &mut SqliteConnection) -> Result<()> {
    let history = history(inner, conn, "check").await?;
    let known = inner.tables.migrations();
    newer_than_known("check", &known, &history)?;
    let latest = latest(&known);
    let found = match history.last_key_value() {
        None => "none".to_owned(),
        Some((&newest, _)) if newest < latest => format!("version {newest}"),
        Some(_) => return Ok(()),
    };
    let what = format!(
        "expected a schema of version {latest} with the prefix {}, found {found}; run `delta migrate up`",
        inner.tables.prefix()
    );
    Err(Error::new(ErrorKind::Unsupported, "check", what))
}

fn status(known: &[Migration], history: &History) -> Vec<MigrationStatus> {
    let names = known.iter().map(|migration| (migration.version, migration.name.to_owned()));
    let all: History = history.clone().into_iter().chain(names).collect();
    let status = |(version, name)| MigrationStatus { version, name, applied: history.contains_key(&version) };
    all.into_iter().map(status).collect()
}

pub(super) async fn migration_status(inner: &Inner) -> Result<Vec<MigrationStatus>> {
    let mut conn = inner.pools.readers.acquire().await.map_err(|failed| error(OPERATION, failed))?;
    let history = history(inner, &mut conn, OPERATION).await?;
    Ok(status(&inner.tables.migrations(), &history))
}

pub(super) async fn migrate_to(inner: &Inner, target: Target) -> Result<Vec<MigrationStatus>> {
    let known = inner.tables.migrations();
    let latest = latest(&known);
    let target = match target {
        Target::Latest => latest,
        Target::Version(version) if version <= latest => version,
        Target::Version(version) => {
            let what = format!("expected a version up to {latest}, found {version}");
            return Err(Error::new(ErrorKind::Invalid, OPERATION, what));
        }
    };
    let mut conn = inner.pools.writer.acquire().await.map_err(|failed| error(OPERATION, failed))?;
    let mut backoff = Backoff::new(inner.busy_timeout);
    loop {
        if let Some(done) = settled(migrate_once(inner, &mut conn, &known, target).await, &mut backoff).await {
            return done;
        }
    }
}

/// Whoever comes first holds the write lock until it is done, so the others find it done.
async fn migrate_once(
    inner: &Inner,
    conn: &mut SqliteConnection,
    known: &[Migration],
    target: u32,
) -> Result<Vec<MigrationStatus>, Failure> {
    let mut tx = begin(OPERATION, conn).await?;
    let done = steps(inner, &mut tx, known, target).await;
    Ok(end(OPERATION, tx, done).await?)
}

async fn steps(
    inner: &Inner,
    conn: &mut SqliteConnection,
    known: &[Migration],
    target: u32,
) -> Result<Vec<MigrationStatus>> {
    let found = history(inner, conn, OPERATION).await?;
    newer_than_known(OPERATION, known, &found)?;
    let missing = known.iter().filter(|step| step.version <= target && !found.contains_key(&step.version));
    let surplus = known.iter().rev().filter(|step| step.version > target && found.contains_key(&step.version));
    let failed = |failed| error(OPERATION, failed);
    if target > 0 {
        statement(&inner.sql.create_history).execute(&mut *conn).await.map_err(failed)?;
    }
    for step in missing {
        sqlx::raw_sql(AssertSqlSafe(step.up.clone())).execute(&mut *conn).await.map_err(failed)?;
        let record = statement(&inner.sql.record).bind(i64::from(step.version)).bind(step.name);
        record.execute(&mut *conn).await.map_err(failed)?;
    }
    for step in surplus {
        sqlx::raw_sql(AssertSqlSafe(step.down.clone())).execute(&mut *conn).await.map_err(failed)?;
        let forget = statement(&inner.sql.forget).bind(i64::from(step.version));
        forget.execute(&mut *conn).await.map_err(failed)?;
    }
    if target == 0 && !found.is_empty() {
        statement(&inner.sql.drop_history).execute(&mut *conn).await.map_err(failed)?;
    }
    Ok(status(known, &history(inner, conn, OPERATION).await?))
}

pub(super) fn migration_sql(inner: &Inner) -> String {
    let mut sql = format!("BEGIN IMMEDIATE;\n{};\n", inner.sql.create_history);
    for step in inner.tables.migrations() {
        let record = format!(
            "INSERT INTO {} (version, name) VALUES ({}, '{}')",
            inner.tables.prefix().table("migration"),
            step.version,
            step.name
        );
        let _ = write!(sql, "\n-- {}: {}\n{}\n{record};\n", step.version, step.name, step.up);
    }
    sql.push_str("COMMIT;\n");
    sql
}
