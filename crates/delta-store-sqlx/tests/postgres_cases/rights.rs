//! Running takes no more rights than the documentation says.

use delta_core::{
    Access, Browse, Change, Changeset, CursorQuery, DeadLetterQuery, ErrorKind, EventFilter, EventQuery, EventTable,
    EventTables, Filter, LaneQuery, LogStore, Names, NewEvent, Position, Remove, Scope, ScopeChange, ScopeWrite, Store,
    TableFilter, TableQuery,
};
use delta_store_sqlx::{PgSettings, PgStore};

use super::rows::{NOW, claim, insert, load, row};
use crate::postgres_support::Server;

/// The rights as the documentation has them, for a role of the test's own.
fn grants(role: &str) -> String {
    let docs = include_str!("../../src/docs/postgres.md");
    let (_, text) = docs.split_once("```sql").expect("statements in the documentation");
    let (text, _) = text.split_once("```").expect("their end");
    text.replace(" TO app", &format!(" TO {role}"))
}

async fn role(server: &Server, granted: &str) -> (String, PgStore) {
    let role = format!("{}_app", server.database.name());
    server.run(&format!("CREATE ROLE {role} LOGIN PASSWORD 'app'; {granted}")).await;
    let (_, address) = server.database.url().rsplit_once('@').expect("a URL with a user");
    let store = PgStore::connect(format!("postgres://{role}:app@{address}")).await.expect("a store");
    (role, store)
}

async fn drop_role(server: &Server, role: &str, store: PgStore) {
    store.close().await;
    server.run(&format!("DROP OWNED BY {role}; DROP ROLE {role}")).await;
}

#[tokio::test]
async fn the_documented_rights_are_enough_to_run() {
    let server = Server::fixture(PgSettings::new()).await;
    let name = format!("{}_app", server.database.name());
    let (role_name, store) = role(&server, &grants(&name)).await;
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
    drop_role(&server, &role_name, store).await;
}

#[tokio::test]
async fn the_documented_rights_are_enough_to_consume_and_to_trim() {
    let server = Server::fixture(PgSettings::new()).await;
    let table = EventTable::new("user_events");
    let mut conn = server.store.acquire(Access::Write).await.expect("a connection");
    server.store.create_event_table(&mut conn, &table).await.expect("a table");
    let name = format!("{}_app", server.database.name());
    let own = format!(
        "GRANT SELECT, INSERT, UPDATE, DELETE ON user_events TO {name}; GRANT SELECT ON user_events_id_seq TO {name}"
    );
    let (role_name, store) = role(&server, &format!("{}; {own}", grants(&name))).await;
    insert(&store, "a").await.expect("an insert");
    let mut conn = store.acquire(Access::Write).await.expect("a connection");
    store.begin_tx(&mut conn).await.expect("a transaction");
    assert_eq!(store.trim(&mut conn, Position::new(1), 10).await.expect("a trim").events, 1);
    store.commit_tx(&mut conn).await.expect("its commit");
    let letters = DeadLetterQuery { limit: 10, ..DeadLetterQuery::default() };
    store.dead_letters(&mut conn, &store.dead_letter_table(), &letters).await.expect("dead letters");
    store.inspect_event_table(&mut conn, &table).await.expect("a table that is as it should be");
    store.append_events(&mut conn, &table, &[NewEvent::new("a", 1, NOW)]).await.expect("an event");
    let all = TableQuery { after: Position::START, limit: 10, filter: TableFilter::default() };
    assert_eq!(store.table_events(&mut conn, &table, &all).await.expect("a page").events.len(), 1);
    store.table_holders(&mut conn, &table).await.expect("holders");
    assert_eq!(store.trim_table(&mut conn, &table, Position::new(1), 10).await.expect("a trim").events, 1);
    drop(conn);
    drop_role(&server, &role_name, store).await;
}

#[tokio::test]
async fn a_missing_right_is_unsupported_and_says_what_to_grant() {
    let server = Server::fixture(PgSettings::new()).await;
    let name = format!("{}_app", server.database.name());
    let (role_name, store) = role(&server, &format!("GRANT USAGE ON SCHEMA delta TO {name}")).await;
    let error = insert(&store, "a").await.expect_err("no right");
    drop_role(&server, &role_name, store).await;
    assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
    assert!(error.to_string().contains("grant the role USAGE"), "{error}");
}
