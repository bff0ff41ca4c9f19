use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use sqlx::{Connection as _, PgConnection};

use crate::clock::sleep;
use crate::failure::Failure;

/// Names, and pairs of seconds and a value.
pub(super) type Sizes = BTreeMap<String, Vec<(f64, f64)>>;

const SIZES: &str = "\
SELECT relname::text, n_dead_tup::float8, pg_table_size(relid)::float8 / 1e6, pg_indexes_size(relid)::float8 / 1e6
FROM pg_stat_user_tables
WHERE schemaname = 'delta' AND relname IN ('resource', 'resource_detail', 'event')";

/// Looks at the tables that grow, so often and for so long.
pub(super) async fn sample(url: &str, begin: Instant, length: Duration, every: Duration) -> Result<Sizes, Failure> {
    let mut conn = PgConnection::connect(url).await?;
    let mut sizes = Sizes::new();
    for number in 0.. {
        let at = every * number;
        if at > length {
            break;
        }
        sleep(at.saturating_sub(begin.elapsed())).await;
        let rows: Vec<(String, f64, f64, f64)> = sqlx::query_as(SIZES).fetch_all(&mut conn).await?;
        let seconds = begin.elapsed().as_secs_f64();
        for (table, dead, own, indexes) in rows {
            for (what, value) in [("dead rows", dead), ("table, MB", own), ("indexes, MB", indexes)] {
                sizes.entry(format!("{what}/{table}")).or_default().push((seconds, value));
            }
        }
    }
    conn.close().await?;
    Ok(sizes)
}
