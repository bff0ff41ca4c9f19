use std::ops::Range;
use std::time::{Duration, Instant};

use sqlx::{AssertSqlSafe, Connection as _, PgConnection};

use crate::clock::sleep;
use crate::failure::Failure;

/// Holds a snapshot for a time, as a long report or a dump does.
pub(super) async fn hold(url: &str, begin: Instant, held: Range<Duration>) -> Result<(), Failure> {
    sleep(held.start.saturating_sub(begin.elapsed())).await;
    let mut conn = PgConnection::connect(url).await?;
    for statement in ["BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", "SELECT count(*) FROM delta.kind"] {
        sqlx::query(AssertSqlSafe(statement)).execute(&mut conn).await?;
    }
    sleep(held.end.saturating_sub(begin.elapsed())).await;
    sqlx::query("COMMIT").execute(&mut conn).await?;
    Ok(conn.close().await?)
}
