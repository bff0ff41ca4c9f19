//! What a claim costs must not grow with the rows that it does not take.

use delta_core::Store;
use delta_sql::SchemaName;
use delta_sql::postgres::{Settling, Statements};
use delta_store_sqlx::PgSettings;
use delta_store_sqlx::sqlx::{AssertSqlSafe, Connection, query_scalar, raw_sql};

use crate::postgres_support::Server;

/// The plan that a prepared statement keeps, whatever its parameters.
async fn kept_plan(server: &Server, text: &str, types: &str) -> String {
    let mut conn = server.store.acquire(delta_core::Access::Write).await.expect("a connection");
    let mut tx = conn.begin().await.expect("a transaction");
    let parameters = vec!["NULL"; types.split(',').count()].join(", ");
    let prepare = format!("SET LOCAL plan_cache_mode = force_generic_plan; PREPARE q ({types}) AS {text}");
    raw_sql(AssertSqlSafe(prepare)).execute(&mut *tx).await.expect("a prepared statement");
    let explain = format!("EXPLAIN EXECUTE q ({parameters})");
    let lines: Vec<String> = query_scalar(AssertSqlSafe(explain)).fetch_all(&mut *tx).await.expect("a plan");
    raw_sql("DEALLOCATE q").execute(&mut *tx).await.expect("a statement");
    lines.join("\n")
}

/// A table of which little is claimable, and much is to be claimed later.
async fn filled() -> Server {
    let server = Server::fixture(PgSettings::new()).await;
    server
        .run(
            "INSERT INTO delta.kind (name) VALUES ('thing'); INSERT INTO delta.namespace (name) VALUES ('default'); \
             INSERT INTO delta.resource (generation, synced_generation, attempt, version, error_count, state_since, \
             created_at, updated_at, namespace_id, kind_id, priority, paused, run_at, synced_at, state, object_id, hash) \
             SELECT 1, 0, 0, 1, 0, now(), now(), now(), 1, 1, 1 + i % 4, false, \
             now() + CASE WHEN i % 100 = 0 THEN -i ELSE i END * interval '1 second', \
             CASE WHEN i % 2 = 0 THEN now() END, CASE WHEN i % 2 = 0 THEN 'synced' ELSE 'scheduled' END, \
             'object ' || i, sha256(i::text::bytea) FROM generate_series(1, 20000) i; \
             INSERT INTO delta.resource_detail SELECT id, hash, repeat('x', 500), '{}' FROM delta.resource; ANALYZE",
        )
        .await;
    server
}

const CLAIM: &str = "timestamptz, bigint, bigint, timestamptz, text[], text[], bigint[]";
const SETTLE: &str = "timestamptz, boolean, bigint[], bigint[], bigint[], timestamptz[], timestamptz[], timestamptz[], \
bigint[], bigint[], bigint[], bigint[], boolean[], text[], bigint[], text[], bigint[], text[], bigint[], boolean[], \
bigint[], text[], text[], bigint[], bigint[], boolean[]";

#[tokio::test]
async fn a_claim_walks_its_index_in_order_and_finds_rows_by_their_ids() {
    let server = filled().await;
    let plan = kept_plan(&server, &Statements::new(&SchemaName::default()).claim, CLAIM).await;
    assert!(plan.contains("Index Scan using resource_claim"), "{plan}");
    assert!(plan.contains("Index Scan using resource_pkey"), "{plan}");
    assert!(!plan.contains("Seq Scan on resource"), "{plan}");
    // The rows of a lane are locked as they come from the index: sorted before, all of them would be read.
    let lock = plan.lines().position(|line| line.contains("LockRows")).expect("locked rows");
    let below = plan.lines().nth(lock + 1).expect("what is below");
    assert!(below.contains("Index Scan using resource_claim"), "{plan}");
}

#[tokio::test]
async fn settling_finds_rows_by_their_ids() {
    let server = filled().await;
    let statements = Statements::new(&SchemaName::default());
    for claims in [false, true] {
        let settling = Settling { skips_locked: true, records_errors: false, claims };
        let types = if claims { format!("{SETTLE}, {CLAIM}") } else { SETTLE.to_owned() };
        let plan = kept_plan(&server, statements.settle(settling), &types).await;
        assert!(plan.contains("Index Scan using resource_pkey"), "{plan}");
        assert!(!plan.contains("Seq Scan on resource"), "{plan}");
    }
}
