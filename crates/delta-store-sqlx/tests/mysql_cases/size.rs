//! S10 with objects of some size: statements are split, transactions are not.

use delta_core::{Access, CanonicalObject, Resource, Store};
use delta_store_sqlx::sqlx::query_scalar;

use super::rows::{inserts, row};
use crate::mysql_support::Server;

fn large(number: usize) -> Resource {
    let text = "ä\\\"\n🦀".repeat(1_500);
    let object = CanonicalObject::new(&serde_json::json!({ "id": number, "text": text })).expect("an object");
    assert!(object.text().len() > 16 * 1024);
    let mut row = row(&format!("{number}"));
    row.hash = object.hash();
    if let Some(detail) = &mut row.detail {
        detail.object = object.text().clone();
    }
    row
}

#[tokio::test]
async fn ten_thousand_large_objects_are_one_commit() {
    let server = Server::fixture().await;
    let mut conn = server.store.acquire(Access::Write).await.expect("a connection");
    let receipt = server.store.commit(&mut conn, &inserts((0..10_000).map(large))).await.expect("a commit");
    assert!(receipt.outcomes.iter().all(|outcome| outcome.applied().is_some()));
    let wrong: i64 = query_scalar(
        "SELECT COUNT(*) FROM delta_resource r LEFT JOIN delta_detail d ON d.resource_id = r.id \
         WHERE d.object IS NULL OR SHA2(d.object, 256) <> LOWER(HEX(r.hash))",
    )
    .fetch_one(&mut *conn)
    .await
    .expect("a count");
    assert_eq!(wrong, 0, "each row has its own object, byte for byte");
    let stored: i64 = query_scalar("SELECT COUNT(*) FROM delta_resource").fetch_one(&mut *conn).await.expect("a count");
    assert_eq!(stored, 10_000);
}
