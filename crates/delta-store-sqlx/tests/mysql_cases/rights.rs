//! Running takes no more rights than the documentation says.

use delta_core::{
    Access, Browse, Change, Changeset, CursorQuery, ErrorKind, EventFilter, EventQuery, Filter, LaneQuery, Names,
    Position, Remove, Scope, ScopeChange, ScopeWrite, Store,
};
use delta_store_sqlx::MySqlStore;

use super::rows::{NOW, claim, insert, load, row};
use crate::mysql_support::Server;

/// The rights as the documentation has them, for a user and a database of the test's own.
fn grants(server: &Server, user: &str) -> String {
    let docs = include_str!("../../src/docs/mysql.md");
    let (_, text) = docs.split_once("```sql").expect("statements in the documentation");
    let (text, _) = text.split_once("```").expect("their end");
    text.replace(" ON app.*", &format!(" ON {}.*", server.database.name())).replace(" TO app", &format!(" TO {user}"))
}

/// A user of the test's own; the names of users are short.
fn user(server: &Server) -> String {
    let name = server.database.name();
    format!("u{}", &name[name.len().saturating_sub(24)..])
}

async fn store_of(server: &Server, user: &str, granted: &str) -> MySqlStore {
    server.run(&format!("CREATE USER {user} IDENTIFIED BY 'app'; {granted}")).await;
    let (_, address) = server.database.url().rsplit_once('@').expect("a URL with a user");
    MySqlStore::connect(format!("mysql://{user}:app@{address}")).await.expect("a store")
}

async fn drop_user(server: &Server, user: &str, store: MySqlStore) {
    store.close().await;
    server.run(&format!("DROP USER {user}")).await;
}

#[tokio::test]
async fn the_documented_rights_are_enough_to_run() {
    let server = Server::fixture().await;
    let user = user(&server);
    let store = store_of(&server, &user, &grants(&server, &user)).await;
    insert(&store, "a").await.expect("an insert of a new kind");
    insert(&store, "b").await.expect("an insert");
    let claimed = claim(&store, 1).await.expect("a claim");
    assert_eq!(claimed.len(), 1);
    let mut conn = store.acquire(Access::Write).await.expect("a connection");
    store.check(&mut conn).await.expect("a check");
    store.now(&mut conn).await.expect("a time");
    let all = EventQuery { after: Position::START, limit: 10, filter: EventFilter::default() };
    assert_eq!(store.events(&mut conn, &all).await.expect("a page").events.len(), 2);
    let lanes = LaneQuery { now: NOW, namespaces: Names::All, kinds: Names::All };
    assert_eq!(store.lanes(&mut conn, &lanes).await.expect("lanes").len(), 1);
    store.cursors(&mut conn, &CursorQuery::Prefix(String::new())).await.expect("cursors");
    store.scopes(&mut conn).await.expect("scopes");
    store.count(&mut conn, &Filter::default()).await.expect("counts");
    store.log_holders(&mut conn).await.expect("holders");
    let mut slow = store.begin().await.expect("a transaction");
    store.commit(&mut slow, &super::rows::inserts([row("slow")])).await.expect("a commit");
    let holders = store.log_holders(&mut conn).await.expect("holders");
    assert!(holders[0].session.starts_with("unknown") && holders[0].activity.contains("grant PROCESS"), "{holders:?}");
    slow.rollback().await.expect("a rollback");
    let b = load(&store, &mut conn, "b").await.expect("a load").remove(0);
    let removal = Changeset {
        changes: vec![Change::Remove(Remove { id: b.id, version: b.version, events: Vec::new() })],
        cursors: vec![delta_core::Cursor::new("place").put()],
        scopes: vec![ScopeChange { scope: Scope::Kind(b.key.kind.clone()), write: ScopeWrite::Pause }],
        ..Changeset::new(NOW)
    };
    assert!(store.commit(&mut conn, &removal).await.expect("a commit").outcomes[0].applied().is_some());
    store.wake(&[row("a").key.lane().into()]).await;
    drop(conn);
    drop_user(&server, &user, store).await;
}

#[tokio::test]
async fn a_missing_right_is_unsupported_and_says_what_to_grant() {
    let server = Server::fixture().await;
    let user = user(&server);
    let granted = format!("GRANT SELECT ON {}.* TO {user}", server.database.name());
    let store = store_of(&server, &user, &granted).await;
    let error = insert(&store, "a").await.expect_err("no right");
    drop_user(&server, &user, store).await;
    assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
    assert!(error.to_string().contains("grant the user SELECT, INSERT"), "{error}");
}
