use delta::{Client, ErrorKind, PgDieselStore};
use delta_store_diesel::diesel::Connection;
use delta_store_diesel::diesel::connection::SimpleConnection;
use delta_store_diesel::diesel_async::AsyncPgConnection;
use delta_store_diesel::diesel_async::async_connection_wrapper::AsyncConnectionWrapper;
use delta_store_diesel::diesel_async::pooled_connection::deadpool::Pool;
use delta_store_diesel::{PgSettings, diesel_async::pooled_connection::AsyncDieselConnectionManager};
use delta_testkit::Backend;
use delta_testkit::database::PostgresDatabase;

use crate::kit::{Ended, Item, client, ids, rows};

/// A blocking connection of diesel's without libpq.
type Blocking = AsyncConnectionWrapper<AsyncPgConnection>;

/// Does something that blocks, on a thread without a runtime.
async fn blocking<T: Send + 'static>(
    database: &PostgresDatabase,
    client: &Client<PgDieselStore>,
    work: impl FnOnce(&mut Blocking, &Client<PgDieselStore>) -> T + Send + 'static,
) -> T {
    let (url, client) = (database.url().to_owned(), client.clone());
    let thread = std::thread::spawn(move || work(&mut Blocking::establish(&url).unwrap(), &client));
    tokio::task::spawn_blocking(|| thread.join().unwrap()).await.unwrap()
}

#[tokio::test]
async fn a_blocking_inform_is_true_when_its_transaction_commits_and_gone_when_it_does_not() {
    if !Backend::Postgres.enabled() {
        return;
    }
    let database = PostgresDatabase::create().await.unwrap();
    let client = client(&database).await;
    let informed = blocking(&database, &client, |conn, client| {
        conn.transaction(|conn| {
            let (informed, _wake) = client.inform_blocking(conn, Item::new("gone"))?;
            assert_eq!(informed.generation, 1);
            Err::<(), _>(Ended::OnPurpose)
        })
    })
    .await;
    assert!(matches!(informed, Err(Ended::OnPurpose)), "{informed:?}");
    assert!(rows(&client).await.is_empty());

    let wake = blocking(&database, &client, |conn, client| {
        conn.transaction(|conn| {
            let (_, wake) = client.inform_blocking(conn, Item::new("kept"))?;
            client.inform_blocking(conn, Item::new("")).unwrap_err();
            let undone = conn.transaction(|conn| {
                drop(client.inform_blocking(conn, Item::new("undone"))?);
                Err::<(), _>(Ended::OnPurpose)
            });
            assert!(matches!(undone, Err(Ended::OnPurpose)), "{undone:?}");
            Ok::<_, Ended>(wake)
        })
    })
    .await
    .unwrap();
    wake.send();
    assert_eq!(ids(&client).await, ["kept"]);
}

#[tokio::test]
async fn a_blocking_inform_outside_of_a_transaction_has_its_own() {
    if !Backend::Postgres.enabled() {
        return;
    }
    let database = PostgresDatabase::create().await.unwrap();
    let client = client(&database).await;
    let (first, second) = blocking(&database, &client, |conn, client| {
        let first = client.inform_blocking(conn, Item::new("a")).unwrap().0;
        let second = client.inform_blocking(conn, Item::new("a")).unwrap().0;
        // Nothing is left open.
        conn.begin_test_transaction().unwrap();
        (first, second)
    })
    .await;
    assert_eq!((first.id, first.generation), (second.id, second.generation));
    assert_eq!(ids(&client).await, ["a"]);
}

#[tokio::test]
async fn a_conflict_of_a_blocking_inform_is_told_and_not_repeated() {
    if !Backend::Postgres.enabled() {
        return;
    }
    let database = PostgresDatabase::create().await.unwrap();
    let client = client(&database).await;
    client.inform(Item::new("a")).await.unwrap();
    let error = blocking(&database, &client, |conn, client| {
        conn.transaction(|conn| {
            conn.batch_execute("SELECT 1 / 0").unwrap_err();
            drop(client.inform_blocking(conn, Item::new("b"))?);
            Ok::<_, Ended>(())
        })
    })
    .await
    .unwrap_err();
    let Ended::Delta(error) = error else { panic!("{error:?}") };
    assert_eq!(error.kind(), ErrorKind::Conflict, "{error}");
}

#[tokio::test]
async fn a_store_without_an_address_cannot_create_a_kind_for_a_blocking_inform_and_says_so() {
    if !Backend::Postgres.enabled() {
        return;
    }
    let database = PostgresDatabase::create().await.unwrap();
    client(&database).await;
    let manager = AsyncDieselConnectionManager::<AsyncPgConnection>::new(database.url());
    let store = PgDieselStore::from_pool(Pool::builder(manager).build().unwrap(), PgSettings::new());
    let client = Client::builder(store).build().unwrap();
    let inform =
        |conn: &mut Blocking, client: &Client<PgDieselStore>| client.inform_blocking(conn, Item::new("a")).map(drop);
    let error = blocking(&database, &client, inform).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
    client.inform(Item::new("first")).await.unwrap();
    blocking(&database, &client, inform).await.unwrap();
}
