use sqlx::{AssertSqlSafe, Connection as _, PgConnection};

use super::Script;
use super::own::{TAKE, first_variables};
use crate::failure::Failure;

const SCHEMA: &str = include_str!("../../statements/schema.sql");
const LOAD: &str = include_str!("../../statements/load.sql");
const DRAIN: &str = include_str!("../../statements/drain.sql");

/// Makes the tables, and puts in what is due and what is synced, with objects of so many bytes.
pub(crate) async fn load(url: &str, scheduled: usize, synced: usize, bytes: usize) -> Result<(), Failure> {
    // What an object has beside its payload, as those of our items have it.
    let payload = bytes.saturating_sub(r#"{"id":"item-10000","payload":""}"#.len());
    let load = LOAD
        .replace("{scheduled}", &scheduled.to_string())
        .replace("{synced}", &synced.to_string())
        .replace("{bytes}", &payload.to_string());
    let mut conn = PgConnection::connect(url).await?;
    for text in [SCHEMA.to_owned(), load] {
        sqlx::raw_sql(AssertSqlSafe(text)).execute(&mut conn).await?;
    }
    Ok(conn.close().await?)
}

/// Settles a batch and claims the next, so many times.
pub(super) fn drain(batch: usize, claims: usize) -> Script {
    Script { text: format!("{TAKE}{DRAIN}"), variables: first_variables(batch, claims) }
}
