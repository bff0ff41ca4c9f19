//! Statements stay prepared by their text, and by nothing else.

use delta_core::{Access, Migrate, Store, Target};
use delta_store_diesel::diesel_async::AsyncPgConnection;
use delta_store_diesel::diesel_async::pooled_connection::AsyncDieselConnectionManager;
use delta_store_diesel::diesel_async::pooled_connection::deadpool::Pool;
use delta_store_diesel::{PgDieselStore, PgSettings, StatementCache};

use super::ask::text_of;
use super::rows::{inserts, load, row};
use crate::postgres_support::Server;

#[tokio::test]
async fn two_schemas_on_one_connection_never_run_each_others_statements() {
    let server = Server::fixture(PgSettings::new()).await;
    let manager = AsyncDieselConnectionManager::<AsyncPgConnection>::new(server.database.url());
    let pool = Pool::builder(manager).max_size(2).build().expect("a pool");
    let mut stores = Vec::new();
    for schema in ["first", "second"] {
        let settings = PgSettings::new().schema(schema).expect("a schema");
        let store = PgDieselStore::from_pool(pool.clone(), settings);
        store.migrate_to(Target::Latest).await.expect("a schema");
        stores.push((schema, store));
    }
    let mut conn = pool.get().await.expect("a connection");
    for round in 0..3 {
        for (schema, store) in &stores {
            let object_id = format!("{schema}-{round}");
            store.commit(&mut conn, &inserts([row(&object_id)])).await.expect("a commit");
        }
    }
    for (schema, store) in &stores {
        for (other, _) in &stores {
            let found = load(store, &mut conn, &format!("{other}-1")).await.expect("a load");
            assert_eq!(found.len(), usize::from(schema == other), "{other} in {schema}");
        }
    }
}

/// How many statements are prepared after some commits, and how many different ones.
async fn prepared(server: &Server) -> String {
    let mut conn = server.store.acquire(Access::Write).await.expect("a connection");
    for round in 0..5 {
        server.store.commit(&mut conn, &inserts([row(&round.to_string())])).await.expect("a commit");
    }
    let text = "SELECT format('%s of %s', count(*), count(DISTINCT statement)) AS value FROM pg_prepared_statements \
                WHERE statement LIKE '%delta%' AND statement NOT LIKE '%pg_prepared_statements%'";
    text_of(&mut conn, text).await
}

#[tokio::test]
async fn a_statement_is_prepared_once_and_stays() {
    let server = Server::fixture(PgSettings::new()).await;
    let prepared = prepared(&server).await;
    let (all, different) = prepared.split_once(" of ").expect("two numbers");
    assert!(all == different && all != "0", "{prepared}");
}

#[tokio::test]
async fn no_statement_stays_prepared_where_the_cache_is_off() {
    let server = Server::fixture(PgSettings::new().statement_cache(StatementCache::Off)).await;
    assert_eq!(prepared(&server).await, "0 of 0");
}
