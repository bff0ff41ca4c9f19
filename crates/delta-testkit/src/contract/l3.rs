//! L3: dead letters.

use delta_core::{DeadLetter, DeadLetterQuery, DeadLetterStatus, LogName, LogStore, Position, Store, Timestamp};
use tokio::task::JoinSet;

use super::fixture::{Fixture, Keep};
use super::kit::{Kit, soon};
use super::rows::{T0, at};

fn letter(consumer: &str, position: i64) -> DeadLetter {
    DeadLetter {
        id: 0,
        consumer: consumer.to_owned(),
        log: Some(LogName::own()),
        position: Position::new(position),
        message: "it failed".to_owned(),
        attempts: Some(3),
        status: DeadLetterStatus::Dead,
        event: Some(format!("{{\"position\":{position}}}")),
        created_at: T0,
        updated_at: T0,
    }
}

fn all() -> DeadLetterQuery {
    DeadLetterQuery { limit: 1_000, ..DeadLetterQuery::default() }
}

async fn put<F: Fixture<Store: LogStore>>(kit: &Kit<F>, letter: &DeadLetter) -> i64 {
    let mut conn = kit.writer().await;
    let table = kit.store().dead_letter_table();
    kit.store().put_dead_letter(&mut conn, &table, letter).await.expect("a dead letter")
}

async fn list<F: Fixture<Store: LogStore>>(kit: &Kit<F>, query: &DeadLetterQuery) -> Vec<DeadLetter> {
    let mut conn = kit.reader().await;
    list_on(kit, &mut conn, query).await
}

async fn list_on<F: Fixture<Store: LogStore>>(
    kit: &Kit<F>,
    conn: &mut <F::Store as Store>::Conn,
    query: &DeadLetterQuery,
) -> Vec<DeadLetter> {
    kit.store().dead_letters(conn, &kit.store().dead_letter_table(), query).await.expect("dead letters")
}

async fn mark<F: Fixture<Store: LogStore>>(
    kit: &Kit<F>,
    ids: &[i64],
    from: &[DeadLetterStatus],
    to: DeadLetterStatus,
    now: Timestamp,
) -> u64 {
    let mut conn = kit.writer().await;
    let table = kit.store().dead_letter_table();
    kit.store().mark_dead_letters(&mut conn, &table, ids, from, to, now).await.expect("marked")
}

/// Every text but NUL, every number and every time comes back.
pub async fn l3_a_dead_letter_comes_back_as_it_was_put<F: Fixture<Store: LogStore>>(kit: Kit<F>) {
    let odd = "ä \u{1} \u{fffd} \u{10ffff} 'quoted' \"twice\" \\ \r\n\t %_; -- $1 ?  ";
    let letters = [
        letter("mailer", 1),
        DeadLetter {
            consumer: odd.to_owned(),
            log: Some(LogName::of_table("app.user_events")),
            position: Position::new(i64::MAX),
            message: format!("{odd}{}", "x".repeat(100_000)),
            attempts: Some(u32::MAX),
            status: DeadLetterStatus::Replay,
            event: Some(format!("{{\"a\":{odd:?}}}")),
            created_at: Timestamp::from_micros(1),
            updated_at: Timestamp::from_micros(1_700_000_000_999_999),
            ..letter("", 0)
        },
        DeadLetter {
            message: String::new(),
            attempts: None,
            event: None,
            status: DeadLetterStatus::Resolved,
            ..letter("bare", 2)
        },
    ];
    let mut expected = Vec::new();
    for letter in letters {
        let id = put(&kit, &letter).await;
        assert!(id > expected.last().map_or(0, |last: &DeadLetter| last.id), "ids ascend from 1");
        expected.push(DeadLetter { id, ..letter });
    }
    assert_eq!(list(&kit, &all()).await, expected);
}

/// The event was given up on once; how it went since is what changes.
pub async fn l3_putting_it_again_overwrites_what_may_change<F: Fixture<Store: LogStore>>(kit: Kit<F>) {
    let first = letter("mailer", 7);
    let id = put(&kit, &first).await;
    let other = put(&kit, &letter("mailer", 8)).await;
    let again = DeadLetter {
        message: "it failed again".to_owned(),
        attempts: Some(9),
        status: DeadLetterStatus::Resolved,
        event: Some("another".to_owned()),
        created_at: at(50),
        updated_at: at(60),
        ..first.clone()
    };
    assert_eq!(put(&kit, &again).await, id);
    let expected = DeadLetter { id, created_at: first.created_at, event: first.event, ..again };
    assert_eq!(list(&kit, &all()).await, [expected, DeadLetter { id: other, ..letter("mailer", 8) }]);
}

/// Names compare byte by byte.
pub async fn l3_there_is_one_of_each_consumer_log_and_position<F: Fixture<Store: LogStore>>(kit: Kit<F>) {
    let of_log = |log: &str| DeadLetter { log: Some(LogName::of_table(log)), ..letter("mailer", 1) };
    let letters = [
        letter("mailer", 1),
        letter("mailer", 2),
        letter("Mailer", 1),
        letter("mailer ", 1),
        letter("máiler", 1),
        of_log("events"),
        of_log("Events"),
    ];
    let mut ids = Vec::new();
    for letter in &letters {
        ids.push(put(&kit, letter).await);
    }
    let found = list(&kit, &all()).await;
    assert_eq!(found.len(), letters.len(), "{found:?}");
    for (letter, id) in letters.iter().zip(&ids) {
        assert_eq!(put(&kit, letter).await, *id, "{letter:?} again");
    }
    assert_eq!(list(&kit, &all()).await, found);
}

/// Whoever comes second overwrites what the first has put.
pub async fn l3_several_that_put_one_at_once_make_one<F: Fixture<Store: LogStore>>(kit: Kit<F>) {
    let mut puts = JoinSet::new();
    for attempt in 1..=8 {
        let kit = kit.clone();
        let letter = DeadLetter { attempts: Some(attempt), ..letter("mailer", 1) };
        puts.spawn(async move { put(&kit, &letter).await });
    }
    let mut ids = Vec::new();
    while let Some(id) = soon("a dead letter", puts.join_next()).await {
        ids.push(id.expect("a dead letter"));
    }
    let found = list(&kit, &all()).await;
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(ids, vec![found[0].id; 8]);
}

/// Page after page, each once.
pub async fn l3_they_are_listed_by_id_in_pages<F: Fixture<Store: LogStore>>(kit: Kit<F>) {
    let mut ids = Vec::new();
    for position in [9, 3, 7, 1, 5] {
        ids.push(put(&kit, &letter("mailer", position)).await);
    }
    let (mut after, mut found) = (0, Vec::new());
    loop {
        let page = list(&kit, &DeadLetterQuery { after, limit: 2, ..DeadLetterQuery::default() }).await;
        let Some(last) = page.last() else { break };
        assert!(page.len() <= 2);
        after = last.id;
        found.extend(page.into_iter().map(|letter| letter.id));
    }
    assert_eq!(found, ids);
    assert_eq!(list(&kit, &DeadLetterQuery::default()).await, [], "a limit of none");
}

/// Each part of a query leaves out what it does not name.
pub async fn l3_they_are_chosen_by_all_that_is_named<F: Fixture<Store: LogStore>>(kit: Kit<F>) {
    let table = LogName::of_table("events");
    let replay = DeadLetterStatus::Replay;
    let letters = [
        letter("a", 1),
        letter("a", 2),
        letter("b", 1),
        DeadLetter { log: Some(table.clone()), ..letter("a", 1) },
        DeadLetter { status: replay, ..letter("a", 3) },
        DeadLetter { status: replay, ..letter("A", 1) },
    ];
    let mut ids = Vec::new();
    for letter in &letters {
        ids.push(put(&kit, letter).await);
    }
    let of = |consumer: &str| DeadLetterQuery { consumer: Some(consumer.to_owned()), ..all() };
    let cases = [
        (all(), vec![0, 1, 2, 3, 4, 5]),
        (of("a"), vec![0, 1, 3, 4]),
        (of("A"), vec![5]),
        (of("c"), vec![]),
        (DeadLetterQuery { log: Some(table.clone()), ..all() }, vec![3]),
        (DeadLetterQuery { log: Some(LogName::own()), ..of("a") }, vec![0, 1, 4]),
        (DeadLetterQuery { status: Some(replay), ..all() }, vec![4, 5]),
        (DeadLetterQuery { status: Some(DeadLetterStatus::Dead), ..of("a") }, vec![0, 1, 3]),
        (DeadLetterQuery { status: Some(DeadLetterStatus::Resolved), ..all() }, vec![]),
        (DeadLetterQuery { position: Some(Position::new(1)), ..all() }, vec![0, 2, 3, 5]),
        (DeadLetterQuery { position: Some(Position::new(1)), log: Some(table), ..of("a") }, vec![3]),
        (DeadLetterQuery { after: ids[1], limit: 1, ..of("a") }, vec![3]),
    ];
    for (query, expected) in cases {
        let found: Vec<i64> = list(&kit, &query).await.into_iter().map(|letter| letter.id).collect();
        assert_eq!(found, expected.into_iter().map(|n: usize| ids[n]).collect::<Vec<_>>(), "{query:?}");
    }
}

/// Only those, only out of these statuses, and nothing else of them but the time.
pub async fn l3_they_are_marked_out_of_the_statuses_named<F: Fixture<Store: LogStore>>(kit: Kit<F>) {
    use DeadLetterStatus::{Dead, Replay, Resolved};
    let mut ids = Vec::new();
    for (position, status) in [(1, Dead), (2, Replay), (3, Resolved), (4, Dead)] {
        ids.push(put(&kit, &DeadLetter { status, ..letter("mailer", position) }).await);
    }
    let before = list(&kit, &all()).await;
    let named = [ids[0], ids[1], ids[2], i64::MAX];
    assert_eq!(mark(&kit, &named, &[], Replay, at(5)).await, 0);
    assert_eq!(mark(&kit, &[], &[Dead], Replay, at(5)).await, 0);
    assert_eq!(list(&kit, &all()).await, before);
    assert_eq!(mark(&kit, &named, &[Dead, Replay], Resolved, at(5)).await, 2);
    let mut expected = before;
    for letter in &mut expected[..2] {
        letter.status = Resolved;
        letter.updated_at = at(5);
    }
    assert_eq!(list(&kit, &all()).await, expected);
    assert_eq!(mark(&kit, &named, &[Dead, Replay], Resolved, at(6)).await, 0, "they are resolved");
}

/// It is seen within, and falls with it.
pub async fn l3_all_of_it_joins_a_transaction<F: Fixture<Store: LogStore>>(kit: Kit<F>) {
    let table = kit.store().dead_letter_table();
    let id = put(&kit, &letter("mailer", 1)).await;
    let before = list(&kit, &all()).await;
    for keep in [Keep::Rollback, Keep::Commit] {
        let mut tx = kit.begin().await;
        let another = kit.store().put_dead_letter(&mut tx, &table, &letter("mailer", 2)).await.expect("a dead letter");
        let (dead, replay) = (DeadLetterStatus::Dead, DeadLetterStatus::Replay);
        let marked = kit.store().mark_dead_letters(&mut tx, &table, &[id, another], &[dead], replay, at(9)).await;
        assert_eq!(marked.expect("marked"), 2);
        let within = list_on(&kit, &mut tx, &all()).await;
        assert_eq!(within.len(), 2);
        assert!(within.iter().all(|letter| letter.status == replay), "{within:?}");
        assert_eq!(list(&kit, &all()).await, before, "others see it when it is committed");
        kit.end(tx, keep).await;
        let expected = if keep == Keep::Commit { within } else { before.clone() };
        assert_eq!(list(&kit, &all()).await, expected);
    }
}
