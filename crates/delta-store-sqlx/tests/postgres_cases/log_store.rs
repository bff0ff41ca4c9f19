//! L1 to L4 on a real server.

use std::collections::BTreeMap;

use delta_core::{
    Access, Changeset, Cursor, CursorQuery, DeadLetter, DeadLetterQuery, DeadLetterStatus, ErrorKind, ErrorTable,
    EventFilter, EventPage, EventQuery, EventTables, LogName, LogStore, Metadata, Position, Store, Subject,
};
use delta_store_sqlx::PgSettings;
use delta_store_sqlx::sqlx::query;
use tokio::task::JoinSet;

use super::rows::{NOW, insert, inserts, load, row};
use crate::postgres_support::Server;

async fn events(server: &Server, after: i64, filter: EventFilter) -> delta_core::Result<EventPage> {
    let mut conn = server.store.acquire(Access::Read).await?;
    server.store.events(&mut conn, &EventQuery { after: Position::new(after), limit: 100, filter }).await
}

fn about(page: &EventPage) -> Vec<String> {
    let id = |subject: &Subject| match subject {
        Subject::Resource { key, .. } => key.object_id.to_string(),
        Subject::Scope(scope) => scope.to_string(),
    };
    page.events.iter().map(|event| id(&event.subject)).collect()
}

#[tokio::test]
async fn a_transaction_in_which_a_statement_failed_is_not_said_to_be_committed() {
    let server = Server::fixture(PgSettings::new()).await;
    let store = &server.store;
    let mut conn = store.acquire(Access::Write).await.expect("a connection");
    assert_eq!(store.commit_tx(&mut conn).await.expect_err("none").kind(), ErrorKind::Invalid);
    assert_eq!(store.rollback_tx(&mut conn).await.expect_err("none").kind(), ErrorKind::Invalid);
    store.begin_tx(&mut conn).await.expect("a transaction");
    assert_eq!(store.begin_tx(&mut conn).await.expect_err("one already").kind(), ErrorKind::Invalid);
    store.commit(&mut conn, &inserts([row("a")])).await.expect("a commit in it");
    query("SELECT 1 / 0").execute(&mut *conn).await.expect_err("a failure");
    assert_eq!(store.commit_tx(&mut conn).await.expect_err("a failed one").kind(), ErrorKind::Conflict);
    store.rollback_tx(&mut conn).await.expect("a rollback");
    assert_eq!(load(store, &mut conn, "a").await.expect("a load"), []);
    store.begin_tx(&mut conn).await.expect("a transaction");
    store.commit(&mut conn, &inserts([row("a")])).await.expect("a commit in it");
    store.commit_tx(&mut conn).await.expect("its commit");
    assert_eq!(load(store, &mut conn, "a").await.expect("a load").len(), 1);
}

#[tokio::test]
async fn a_trimmed_log_is_read_from_its_mark_and_never_silently_from_before() {
    let server = Server::fixture(PgSettings::new()).await;
    for id in ["1", "2", "3", "4"] {
        insert(&server.store, id).await.expect("a commit");
    }
    let store = &server.store;
    let mut conn = store.acquire(Access::Write).await.expect("a connection");
    for (up_to, limit, removed, gone) in [(3, 2, 2, 2), (1, 9, 0, 2), (3, 9, 1, 3)] {
        let trimmed = store.trim(&mut conn, Position::new(up_to), limit).await.expect("a trim");
        assert_eq!((trimmed.events, trimmed.up_to.get()), (removed, gone));
        assert_eq!(store.trimmed(&mut conn).await.expect("a mark").get(), gone);
    }
    let error = store.trim(&mut conn, Position::new(5), 9).await.expect_err("beyond the head");
    assert_eq!(error.kind(), ErrorKind::Invalid, "{error}");
    assert_eq!(about(&events(&server, 0, EventFilter::default()).await.expect("a page")), ["4"]);
    assert_eq!(about(&events(&server, 3, EventFilter::default()).await.expect("a page")), ["4"]);
    let nothing = EventFilter { object_id_prefix: Some("x".to_owned()), ..EventFilter::default() };
    for filter in [EventFilter::default(), nothing] {
        let error = events(&server, 2, filter).await.expect_err("too old");
        assert_eq!(error.kind(), ErrorKind::CursorTooOld, "{error}");
    }
    let marks = store.cursors(&mut conn, &CursorQuery::Prefix("trimmed/".to_owned())).await.expect("cursors");
    assert_eq!(marks.len(), 1);
    assert_eq!(
        (marks[0].name.as_str(), marks[0].position.as_deref(), marks[0].version),
        ("trimmed/delta", Some("3"), 2)
    );
    let forged = Cursor { position: Some("x".to_owned()), ..marks[0].clone() };
    let forged = Changeset { cursors: vec![forged.put()], ..Changeset::new(NOW) };
    store.commit(&mut conn, &forged).await.expect("a commit");
    assert_eq!(store.trimmed(&mut conn).await.expect_err("no position").kind(), ErrorKind::Corrupt);
    assert_eq!(events(&server, 3, EventFilter::default()).await.expect_err("no position").kind(), ErrorKind::Corrupt);
}

#[tokio::test]
async fn a_trim_that_is_rolled_back_is_none() {
    let server = Server::fixture(PgSettings::new()).await;
    insert(&server.store, "1").await.expect("a commit");
    let mut tx = server.store.begin().await.expect("a transaction");
    assert_eq!(server.store.trim(&mut tx, Position::new(1), 9).await.expect("a trim").events, 1);
    tx.rollback().await.expect("a rollback");
    let mut conn = server.store.acquire(Access::Read).await.expect("a connection");
    assert_eq!(server.store.trimmed(&mut conn).await.expect("no mark"), Position::START);
    assert_eq!(about(&events(&server, 0, EventFilter::default()).await.expect("a page")), ["1"]);
}

#[tokio::test]
async fn two_who_trim_at_once_remove_each_event_once() {
    let server = Server::fixture(PgSettings::new()).await;
    for id in ["1", "2", "3", "4"] {
        insert(&server.store, id).await.expect("a commit");
    }
    let mut first = server.store.begin().await.expect("a transaction");
    assert_eq!(server.store.trim(&mut first, Position::new(4), 2).await.expect("a trim").events, 2);
    let store = server.store.clone();
    let mut second = JoinSet::new();
    second.spawn(async move {
        let mut conn = store.acquire(Access::Write).await.expect("a connection");
        store.trim(&mut conn, Position::new(4), 2).await.expect("a trim")
    });
    let mut conn = server.store.acquire(Access::Read).await.expect("a connection");
    let waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted";
    let scalar = delta_store_sqlx::sqlx::query_scalar::<_, i64>;
    while scalar(waiting).fetch_one(&mut *conn).await.expect("a count") == 0 {
        tokio::task::yield_now().await;
    }
    first.commit().await.expect("its end");
    let second = second.join_next().await.expect("a task").expect("a trim");
    assert_eq!((second.events, second.up_to.get()), (2, 4));
}

#[tokio::test]
async fn metadata_are_chosen_by_strings_that_are_equal_exactly() {
    let server = Server::fixture(PgSettings::new()).await;
    let texts = [
        ("none", "{}"),
        ("plain", r#"{"a":"x","b":"y"}"#),
        ("escaped", r#"{"\u0061":"\u0078"}"#),
        ("number", r#"{"a":5}"#),
        ("text of a number", r#"{"a":"5"}"#),
        ("nested", r#"{"o":{"a":"x"}}"#),
        ("object", r#"{"a":{"b":1}}"#),
        ("text of an object", r#"{"a":"{\"b\":1}"}"#),
        ("null", r#"{"a":null}"#),
        ("twice", r#"{"a":"x","a":"z"}"#),
        ("nul", r#"{"a":"x","c":"\u0000"}"#),
        ("large", r#"{"a":"x","n":1e300}"#),
        ("not a nul", r#"{"a":"\\u0000"}"#),
        ("nul in a name", r#"{"a\u0000":"x"}"#),
        ("empty", r#"{"a":""}"#),
        ("upper", r#"{"A":"X"}"#),
    ];
    let rows = texts.map(|(id, text)| {
        let mut row = row(id);
        row.metadata = Metadata::from_text(text).expect("metadata");
        row
    });
    let mut conn = server.store.acquire(Access::Write).await.expect("a connection");
    server.store.commit(&mut conn, &inserts(rows)).await.expect("a commit");
    let all = events(&server, 0, EventFilter::default()).await.expect("a page");
    for (wanted, expected) in [
        (vec![("a", "x")], vec!["plain", "escaped", "nul", "large"]),
        (vec![("a", "x"), ("b", "y")], vec!["plain"]),
        (vec![("a", "5")], vec!["text of a number"]),
        (vec![("a", "{\"b\":1}")], vec!["text of an object"]),
        (vec![("a", "z")], vec!["twice"]),
        (vec![("c", "\0")], vec!["nul"]),
        (vec![("a\0", "x")], vec!["nul in a name"]),
        (vec![("a", "\\u0000")], vec!["not a nul"]),
        (vec![("a", "")], vec!["empty"]),
        (vec![("a", "null")], vec![]),
    ] {
        let metadata: BTreeMap<String, String> =
            wanted.iter().map(|(member, value)| ((*member).to_owned(), (*value).to_owned())).collect();
        let filter = EventFilter { metadata, ..EventFilter::default() };
        let chosen: Vec<_> = all.events.iter().filter(|event| filter.matches(event)).cloned().collect();
        let page = events(&server, 0, filter).await.expect("a page");
        assert_eq!(about(&page), expected, "{wanted:?}");
        assert_eq!(page.events, chosen, "as the reference chooses");
        assert_eq!(page.next, page.head);
    }
}

#[tokio::test]
async fn an_object_id_is_chosen_by_its_beginning_byte_for_byte() {
    let server = Server::fixture(PgSettings::new()).await;
    for id in ["a%", "a_", "ab", "A", "ä"] {
        insert(&server.store, id).await.expect("a commit");
    }
    server.run("INSERT INTO delta.event (event_kind, kind_id, at) VALUES ('object_paused', 1, now())").await;
    for (prefix, expected) in
        [("a", vec!["a%", "a_", "ab"]), ("a%", vec!["a%"]), ("a_", vec!["a_"]), ("ä", vec!["ä"]), ("a\0", vec![])]
    {
        let filter = EventFilter { object_id_prefix: Some(prefix.to_owned()), ..EventFilter::default() };
        assert_eq!(about(&events(&server, 0, filter).await.expect("a page")), expected, "{prefix:?}");
    }
    let filter = EventFilter { object_id_prefix: Some(String::new()), ..EventFilter::default() };
    assert_eq!(about(&events(&server, 0, filter).await.expect("a page")).len(), 5, "not what is about a kind");
}

fn letter(consumer: &str, position: i64) -> DeadLetter {
    DeadLetter {
        id: 0,
        consumer: consumer.to_owned(),
        log: Some(LogName::own()),
        position: Position::new(position),
        message: "no\n'answer'".to_owned(),
        attempts: Some(3),
        status: DeadLetterStatus::Dead,
        event: Some("{\"a\": 1}".to_owned()),
        created_at: NOW,
        updated_at: NOW,
    }
}

#[tokio::test]
async fn dead_letters_are_kept_once_listed_and_marked() {
    let server = Server::fixture(PgSettings::new()).await;
    let store = &server.store;
    let mut conn = store.acquire(Access::Write).await.expect("a connection");
    let bare = ErrorTable::new("consumer_errors");
    store.create_error_table(&mut conn, &bare).await.expect("a table");
    for table in [store.dead_letter_table(), bare] {
        store.inspect_error_table(&mut conn, &table).await.expect("a table that is as it should be");
        let first = store.put_dead_letter(&mut conn, &table, &letter("c", 1)).await.expect("a letter");
        let other = store.put_dead_letter(&mut conn, &table, &letter("d", 1)).await.expect("a letter");
        let later = NOW + std::time::Duration::from_secs(1);
        let again = DeadLetter { message: "still".to_owned(), created_at: later, updated_at: later, ..letter("c", 1) };
        assert_eq!(store.put_dead_letter(&mut conn, &table, &again).await.expect("the same"), first);
        let query = DeadLetterQuery { consumer: Some("c".to_owned()), limit: 10, ..DeadLetterQuery::default() };
        let found = store.dead_letters(&mut conn, &table, &query).await.expect("letters");
        let whole = table.columns().log.is_some();
        let mut expected = DeadLetter { id: first, message: "still".to_owned(), updated_at: later, ..letter("c", 1) };
        if !whole {
            expected = DeadLetter { log: None, event: None, attempts: None, ..expected };
        }
        assert_eq!(found, [expected]);
        let (dead, replay) = (DeadLetterStatus::Dead, DeadLetterStatus::Replay);
        let marked = store.mark_dead_letters(&mut conn, &table, &[other, first, 99], &[dead], replay, later).await;
        assert_eq!(marked.expect("marks"), 2);
        let marked = store.mark_dead_letters(&mut conn, &table, &[first], &[dead], replay, later).await;
        assert_eq!(marked.expect("no marks"), 0);
        let query = DeadLetterQuery { status: Some(replay), after: first, limit: 10, ..DeadLetterQuery::default() };
        let found = store.dead_letters(&mut conn, &table, &query).await.expect("letters");
        assert_eq!(found.iter().map(|letter| letter.id).collect::<Vec<_>>(), [other]);
        let nul = DeadLetter { message: "a\0".to_owned(), ..letter("c", 2) };
        let error = store.put_dead_letter(&mut conn, &table, &nul).await.expect_err("a NUL");
        assert_eq!(error.kind(), ErrorKind::Invalid, "{error}");
    }
}

#[tokio::test]
async fn a_database_of_the_version_before_gets_dead_letters_and_loses_nothing() {
    use delta_core::{Migrate, Target};
    let server = Server::fixture(PgSettings::new()).await;
    server.store.migrate_to(Target::Version(1)).await.expect("the version before");
    insert(&server.store, "a").await.expect("a commit");
    server.store.migrate_to(Target::Latest).await.expect("the newest");
    let mut conn = server.store.acquire(Access::Write).await.expect("a connection");
    assert_eq!(load(&server.store, &mut conn, "a").await.expect("a load").len(), 1);
    let table = server.store.dead_letter_table();
    server.store.put_dead_letter(&mut conn, &table, &letter("c", 1)).await.expect("a letter");
}
