use delta::core::{Depth, ResourceId, Target};
use delta::{Client, ErrorKind, Filter, ListQuery, Migrate, MySqlDieselStore};
use delta_store_diesel::MYSQL_SESSION;
use delta_store_diesel::diesel::Connection;
use delta_store_diesel::diesel::connection::SimpleConnection;
use delta_store_diesel::diesel_async::AsyncMysqlConnection;
use delta_store_diesel::diesel_async::async_connection_wrapper::AsyncConnectionWrapper;
use delta_testkit::Backend;
use delta_testkit::database::MariaDbDatabase;

use crate::kit::{Ended, Item};

/// A blocking connection of diesel's without a client library.
type Blocking = AsyncConnectionWrapper<AsyncMysqlConnection>;

/// Does something that blocks, on a thread without a runtime, in a session that was told something.
async fn blocking<T: Send + 'static>(
    database: &MariaDbDatabase,
    client: &Client<MySqlDieselStore>,
    told: &'static str,
    work: impl FnOnce(&mut Blocking, &Client<MySqlDieselStore>) -> T + Send + 'static,
) -> T {
    let (url, client) = (database.url().to_owned(), client.clone());
    let work = move || {
        let mut conn = Blocking::establish(&url).unwrap();
        conn.batch_execute(told).unwrap();
        work(&mut conn, &client)
    };
    let thread = std::thread::spawn(work);
    tokio::task::spawn_blocking(|| thread.join().unwrap()).await.unwrap()
}

async fn client(database: &MariaDbDatabase) -> Client<MySqlDieselStore> {
    let store = MySqlDieselStore::connect(database.url()).await.unwrap();
    store.migrate_to(Target::Latest).await.unwrap();
    Client::builder(store).build().unwrap()
}

async fn ids(client: &Client<MySqlDieselStore>) -> Vec<String> {
    let query = ListQuery { filter: Filter::default(), after: ResourceId::default(), limit: 10, depth: Depth::Head };
    client.list(&query).await.unwrap().into_iter().map(|row| row.key.object_id.to_string()).collect()
}

#[tokio::test]
async fn a_blocking_inform_is_true_when_its_transaction_commits_and_gone_when_it_does_not() {
    if !Backend::MariaDb.enabled() {
        return;
    }
    let database = MariaDbDatabase::create().await.unwrap();
    let client = client(&database).await;
    let informed = blocking(&database, &client, MYSQL_SESSION, |conn, client| {
        conn.transaction(|conn| {
            let (informed, _wake) = client.inform_blocking(conn, Item::new("gone"))?;
            assert_eq!(informed.generation, 1);
            Err::<(), _>(Ended::OnPurpose)
        })
    })
    .await;
    assert!(matches!(informed, Err(Ended::OnPurpose)), "{informed:?}");
    assert_eq!(ids(&client).await, [""; 0]);

    let wake = blocking(&database, &client, MYSQL_SESSION, |conn, client| {
        drop(client.inform_blocking(conn, Item::new("alone"))?);
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
    assert_eq!(ids(&client).await, ["alone", "kept"]);
}

#[tokio::test]
async fn a_session_of_another_isolation_is_refused() {
    if !Backend::MariaDb.enabled() {
        return;
    }
    let database = MariaDbDatabase::create().await.unwrap();
    let client = client(&database).await;
    let told = "SET SESSION tx_isolation = 'REPEATABLE-READ'";
    let informed =
        blocking(&database, &client, told, |conn, client| client.inform_blocking(conn, Item::new("a")).map(drop));
    assert_eq!(informed.await.unwrap_err().kind(), ErrorKind::Invalid);
}
