//! The server's code says what an error means, whatever its words; and its words, where the code cannot be had.

use delta_core::{ErrorKind, Store};
use delta_store_diesel::diesel_async::AsyncPgConnection;
use delta_store_diesel::diesel_async::pooled_connection::AsyncDieselConnectionManager;
use delta_store_diesel::diesel_async::pooled_connection::deadpool::Pool;
use delta_store_diesel::diesel_async::{AsyncConnection, SimpleAsyncConnection};
use delta_store_diesel::{PgDieselStore, PgSettings};

use super::rows::{inserts, row};
use crate::postgres_support::Server;

/// Has each write of a resource fail with a code and words.
async fn fail_with(server: &Server, code: &str, message: &str) {
    let trigger = format!(
        "CREATE OR REPLACE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS \
         $$ BEGIN RAISE EXCEPTION '{message}' USING ERRCODE = '{code}'; END $$; \
         CREATE OR REPLACE TRIGGER fail BEFORE INSERT ON delta.resource FOR EACH STATEMENT EXECUTE FUNCTION fail()"
    );
    server.run(&trigger).await;
}

/// The kind of the error of a write, in a transaction, where nothing is repeated.
async fn kind_of(store: &PgDieselStore) -> ErrorKind {
    let mut conn = store.pool().get().await.expect("a connection");
    let failed = conn
        .transaction(async |conn| {
            let error = store.commit(conn, &inserts([row("a")])).await.expect_err("an error");
            Err::<(), _>(Failed(Some(error)))
        })
        .await;
    failed.expect_err("an error").0.expect("an error of Delta's").kind()
}

struct Failed(Option<delta_core::Error>);

impl From<delta_store_diesel::diesel::result::Error> for Failed {
    fn from(_: delta_store_diesel::diesel::result::Error) -> Self {
        Self(None)
    }
}

impl std::fmt::Debug for Failed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

#[tokio::test]
async fn the_servers_code_decides_whatever_language_it_speaks() {
    use ErrorKind::{Conflict, Corrupt, Invalid, Unavailable, Unsupported};
    let server = Server::fixture(PgSettings::new()).await;
    for (code, kind) in [
        ("40P01", Conflict),
        ("40001", Conflict),
        ("57014", Unavailable),
        ("53100", Unavailable),
        ("42501", Unsupported),
        ("23505", Invalid),
        ("XX001", Corrupt),
    ] {
        fail_with(&server, code, "Verklemmung entdeckt").await;
        assert_eq!(kind_of(&server.store).await, kind, "{code}");
    }
}

#[tokio::test]
async fn the_servers_words_decide_on_connections_that_others_made() {
    let server = Server::fixture(PgSettings::new()).await;
    let manager = AsyncDieselConnectionManager::<AsyncPgConnection>::new(server.database.url());
    let store = PgDieselStore::from_pool(Pool::builder(manager).build().expect("a pool"), PgSettings::new());
    for (code, message, kind) in [
        ("40P01", "deadlock detected", ErrorKind::Conflict),
        ("40001", "whatever diesel knows", ErrorKind::Conflict),
        ("55P03", "could not obtain lock on row in relation", ErrorKind::Unavailable),
        ("40P01", "Verklemmung entdeckt", ErrorKind::Invalid),
    ] {
        fail_with(&server, code, message).await;
        assert_eq!(kind_of(&store).await, kind, "{message}");
    }
}

/// A transaction that has failed tells so by its code alone.
pub(super) async fn assert_codes_are_read(store: &PgDieselStore) {
    let mut conn = store.pool().get().await.expect("a connection");
    conn.batch_execute("DO $$ BEGIN RAISE EXCEPTION 'nein' USING ERRCODE = '57014'; END $$")
        .await
        .expect_err("an error");
    conn.batch_execute("BEGIN; SELECT 1 / 0").await.expect_err("an error");
    let error = store.now(&mut conn).await.expect_err("a failed transaction");
    assert!(error.kind() == ErrorKind::Conflict && error.to_string().contains("25P02"), "{error}");
}
