//! Statements stay prepared by their text, and by nothing else.

use delta_core::{Access, Migrate, Store, Target};
use delta_store_diesel::{MySqlDieselStore, MySqlSettings};

use super::ask::text_of;
use super::rows::{inserts, load, row};
use crate::mysql_support::Server;

#[tokio::test]
async fn two_prefixes_on_one_connection_never_run_each_others_statements() {
    let server = Server::fixture().await;
    let mut stores = Vec::new();
    for prefix in ["first", "second"] {
        let settings = MySqlSettings::new().table_prefix(prefix).expect("a prefix");
        let store = MySqlDieselStore::from_pool(server.store.pool().clone(), settings);
        store.migrate_to(Target::Latest).await.expect("tables");
        stores.push((prefix, store));
    }
    let mut conn = server.store.acquire(Access::Write).await.expect("a connection");
    for round in 0..3 {
        for (prefix, store) in &stores {
            let object_id = format!("{prefix}-{round}");
            store.commit(&mut conn, &inserts([row(&object_id)])).await.expect("a commit");
        }
    }
    for (prefix, store) in &stores {
        for (other, _) in &stores {
            let found = load(store, &mut conn, &format!("{other}-1")).await.expect("a load");
            assert_eq!(found.len(), usize::from(prefix == other), "{other} in {prefix}");
        }
    }
}

#[tokio::test]
async fn a_statement_is_prepared_once_and_stays() {
    let server = Server::fixture().await;
    let mut conn = server.store.acquire(Access::Write).await.expect("a connection");
    let mut prepared = Vec::new();
    for round in 0..4 {
        server.store.commit(&mut conn, &inserts([row(&round.to_string())])).await.expect("a commit");
        let count = "SELECT VARIABLE_VALUE AS value FROM information_schema.SESSION_STATUS \
                     WHERE VARIABLE_NAME = 'COM_STMT_PREPARE'";
        prepared.push(text_of(&mut conn, count).await.parse::<u64>().expect("a number"));
    }
    // Only the question itself is prepared each time.
    assert_eq!(prepared[3] - prepared[2], 1, "{prepared:?}");
    assert!(prepared[0] > 1, "{prepared:?}");
}
