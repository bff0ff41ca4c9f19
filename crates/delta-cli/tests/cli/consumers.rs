use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use delta::core::plan::consume::{self, CursorData, SLICES, Shape, Standing};
use delta::core::{
    Access, Changeset, Cursor, CursorQuery, DeadLetter, DeadLetterQuery, DeadLetterStatus, EventTable, EventTables,
    LogName, LogStore, NewEvent, Owner, Store,
};
use delta::{Position, Timestamp};
use serde_json::{Value, json};

use crate::support::{Database, inform};
use crate::{on_all, with_store};

on_all! {
    consumers_are_listed_with_place_lag_and_holder,
    a_sharded_consumer_is_one,
    a_consumer_of_an_applications_log_is_behind_that_log,
    a_consumer_is_reset_to_any_place,
    a_consumer_that_runs_is_reset_only_by_force,
    a_sharded_consumer_is_reset_as_a_whole,
    a_cursor_that_cannot_be_read_is_told_and_mended_by_a_reset,
    the_event_that_a_consumer_is_stuck_at_is_skipped_and_recorded,
    what_cannot_be_skipped_is_refused_with_the_reason,
    dead_letters_are_marked_to_be_tried_again,
    doctor_tells_what_is_wrong_with_consumers,
}

/// The cursors of a database that are a consumer's, as a test writes and reads them.
struct Cursors<S: Store>(S);

impl<S: LogStore> Cursors<S> {
    async fn now(&self) -> Timestamp {
        let mut conn = self.0.acquire(Access::Read).await.unwrap();
        self.0.now(&mut conn).await.unwrap()
    }

    async fn put(&self, cursors: impl IntoIterator<Item = Cursor>) {
        let now = self.now().await;
        let mut conn = self.0.acquire(Access::Write).await.unwrap();
        let cursors = cursors.into_iter().map(Cursor::put).collect();
        let receipt = self.0.commit(&mut conn, &Changeset { cursors, ..Changeset::new(now) }).await.unwrap();
        assert_eq!(receipt.lost_cursor, None);
    }

    async fn get(&self, name: &str) -> Cursor {
        let mut conn = self.0.acquire(Access::Read).await.unwrap();
        let query = CursorQuery::Names(vec![name.to_owned()]);
        self.0.cursors(&mut conn, &query).await.unwrap().remove(0)
    }

    async fn standing(&self, name: &str) -> Standing {
        Standing::of(&self.get(name).await).unwrap().unwrap()
    }

    async fn letters(&self) -> Vec<DeadLetter> {
        let mut conn = self.0.acquire(Access::Read).await.unwrap();
        let query = DeadLetterQuery { limit: 100, ..DeadLetterQuery::default() };
        self.0.dead_letters(&mut conn, &self.0.dead_letter_table(), &query).await.unwrap()
    }

    async fn put_letter(&self, consumer: &str, position: i64, status: DeadLetterStatus) -> i64 {
        let now = self.now().await;
        let mut conn = self.0.acquire(Access::Write).await.unwrap();
        let letter = DeadLetter {
            id: 0,
            consumer: consumer.to_owned(),
            log: Some(LogName::own()),
            position: Position::new(position),
            message: format!("no way at {position}"),
            attempts: Some(3),
            status,
            event: Some("{}".to_owned()),
            created_at: now,
            updated_at: now,
        };
        self.0.put_dead_letter(&mut conn, &self.0.dead_letter_table(), &letter).await.unwrap()
    }
}

/// A consumer of Delta's own log at a position, whose next event may have failed.
fn cursor(name: &str, position: i64) -> Cursor {
    standing(position).into_cursor(Cursor::new(consume::cursor_name(&LogName::own(), name)))
}

fn standing(position: i64) -> Standing {
    let data = CursorData::new(LogName::own(), Some("shop".to_owned()), Shape::One);
    Standing { position: Some(Position::new(position)), data }
}

fn held(cursor: Cursor, until: Timestamp) -> Cursor {
    Cursor { holder: Some(Owner::new(7)), lease_until: Some(until), ..cursor }
}

/// A sharded consumer of Delta's own log: its parent, and some slices at positions.
fn sharded(name: &str, slices: &[(u16, i64)]) -> Vec<Cursor> {
    let own = LogName::own();
    let data = CursorData::new(own.clone(), None, Shape::Sharded);
    let parent = Standing { position: None, data: data.clone() };
    let mut cursors = vec![parent.into_cursor(Cursor::new(consume::cursor_name(&own, name)))];
    cursors.extend(slices.iter().map(|(slice, position)| {
        let standing = Standing { position: Some(Position::new(*position)), data: data.clone() };
        standing.into_cursor(Cursor::new(consume::slice_name(&own, name, *slice)))
    }));
    cursors
}

/// Reads a list of consumers as a map from name to record.
fn listed(database: &Database, arguments: &[&str]) -> BTreeMap<String, Value> {
    let list = database.json(&[&["consumer", "list"], arguments].concat());
    let consumers = list["consumers"].as_array().unwrap().iter();
    consumers.map(|consumer| (consumer["consumer"].as_str().unwrap().to_owned(), consumer.clone())).collect()
}

/// Runs what is refused, and returns the message.
fn refused(database: &Database, arguments: &[&str]) -> String {
    let run = database.run(arguments);
    assert_eq!((run.code, run.out.as_str()), (2, ""), "{arguments:?}: {run:?}");
    run.err
}

async fn consumers_are_listed_with_place_lag_and_holder(database: &Database) {
    inform(database, &["a", "b", "c"]).await;
    with_store!(database, |store| {
        let cursors = Cursors(store);
        let until = cursors.now().await + Duration::from_hours(1);
        cursors.put([held(cursor("mailer", 1), until), cursor("ledger", 3)]).await;
        cursors.put_letter("mailer", 1, DeadLetterStatus::Dead).await;
        cursors.put_letter("mailer", 2, DeadLetterStatus::Resolved).await;
    });
    let consumers = listed(database, &[]);
    assert_eq!(consumers.keys().collect::<Vec<_>>(), ["ledger", "mailer"]);
    let (mailer, ledger) = (&consumers["mailer"], &consumers["ledger"]);
    assert_eq!(
        (&mailer["log"], &mailer["program"], &mailer["shape"]),
        (&"delta".into(), &"shop".into(), &"one".into())
    );
    assert_eq!(
        (&mailer["position"], &mailer["lag"]["events"], &mailer["dead_letters"]),
        (&1.into(), &2.into(), &1.into())
    );
    assert_eq!((&mailer["live"], &mailer["holder"]), (&true.into(), &"0000000000000007".into()));
    let second = database.run(&["event", "tail", "--json", "--from", "1"]).out;
    let second: Value = serde_json::from_str(second.lines().next().unwrap()).unwrap();
    assert_eq!(mailer["lag"]["since"], second["at"]);
    assert!(mailer["lag"]["seconds"].as_f64().unwrap() > 0.0);
    assert_eq!((&ledger["lag"]["events"], &ledger["lag"]["seconds"]), (&0.into(), &0.0.into()));
    assert_eq!((&ledger["live"], &ledger["holder"]), (&false.into(), &Value::Null));
    assert_eq!(listed(database, &["--log", "orders"]).len(), 0);
    let people = database.run(&["consumer", "list"]).out;
    let lines: Vec<_> = people.lines().collect();
    assert!(lines.len() == 3 && lines[2].contains("mailer") && lines[2].contains("59 min"), "{people}");
}

async fn a_sharded_consumer_is_one(database: &Database) {
    inform(database, &["a", "b", "c"]).await;
    with_store!(database, |store| {
        let cursors = Cursors(store);
        let until = cursors.now().await + Duration::from_hours(1);
        let mut rows = sharded("spread", &[(0, 3), (1, 2), (1_023, 3)]);
        rows[2] = held(rows[2].clone(), until);
        rows.push(held(Cursor::new(consume::member_name(&LogName::own(), "spread", Owner::new(7))), until));
        cursors.put(rows).await;
    });
    let consumers = listed(database, &[]);
    assert_eq!(consumers.len(), 1);
    let spread = &consumers["spread"];
    assert_eq!((&spread["shape"], &spread["position"]), (&"sharded".into(), &2.into()));
    assert_eq!((&spread["lag"]["events"], &spread["live"]), (&1.into(), &true.into()));
    assert_eq!(spread["slices"], json!({ "stored": 3, "held": 1 }));
    assert_eq!(spread["members"], json!(["0000000000000007"]));
    let people = database.run(&["consumer", "show", "spread"]).out;
    assert!(people.contains("1 member, 1 slices") && people.contains("3 of 1024 stored"), "{people}");
}

async fn a_consumer_of_an_applications_log_is_behind_that_log(database: &Database) {
    database.json(&["migrate", "up"]);
    with_store!(database, |store| {
        let table = EventTable::new("orders").time_column("at");
        let cursors = Cursors(store.clone());
        let now = cursors.now().await;
        let mut conn = store.acquire(Access::Write).await.unwrap();
        store.create_event_table(&mut conn, &table).await.unwrap();
        let events: Vec<_> = (1..=5).map(|kind| NewEvent::new(format!("o{kind}"), kind, now)).collect();
        store.append_events(&mut conn, &table, &events).await.unwrap();
        drop(conn);
        let log = LogName::of_table("orders");
        let standing =
            Standing { position: Some(Position::new(2)), data: CursorData::new(log.clone(), None, Shape::One) };
        cursors.put([standing.into_cursor(Cursor::new(consume::cursor_name(&log, "mailer")))]).await;
    });
    let unread = &listed(database, &[])["mailer"];
    assert_eq!(unread["lag"]["events"], Value::Null);
    assert!(unread["lag"]["problem"].as_str().unwrap().contains("timestamp"), "{unread}");
    let mailer = &listed(database, &["--column", "time=at"])["mailer"];
    assert_eq!((&mailer["log"], &mailer["lag"]["events"]), (&"orders".into(), &3.into()));
    let reset = ["consumer", "reset", "mailer", "--log", "orders", "--column", "time=at", "--to"];
    let reset = |to: &str| database.json(&[&reset[..], &[to]].concat())["to"].clone();
    assert_eq!((reset("head"), reset("4"), reset("start")), (5.into(), 4.into(), 0.into()));
}

async fn a_consumer_is_reset_to_any_place(database: &Database) {
    inform(database, &["a", "b", "c", "d"]).await;
    with_store!(database, |store| {
        let cursors = Cursors(store);
        let mut stuck = standing(1);
        stuck.fail(Position::new(2));
        stuck.skip(Position::new(3));
        cursors.put([stuck.into_cursor(cursor("mailer", 1))]).await;
        let reset = |to: &str| database.json(&["consumer", "reset", "mailer", "--to", to]);
        assert_eq!(reset("head"), json!({ "consumer": "mailer", "log": "delta", "from": 1, "to": 4 }));
        // What was counted and was to be skipped is forgotten, what it belongs to is not.
        assert_eq!(cursors.standing("consumer/delta/mailer").await, standing(4));
        for (to, expected) in
            [("start", 0), ("2", 2), ("1h", 0), ("0s", 4), ("2001-01-01T00:00:00Z", 0), ("2999-01-01T00:00:00Z", 4)]
        {
            assert_eq!(reset(to)["to"], expected, "{to}");
            assert_eq!(cursors.standing("consumer/delta/mailer").await, standing(expected), "{to}");
        }
        let refuse = |to: &str| refused(database, &["consumer", "reset", "mailer", "--to", to]);
        assert!(refuse("5").contains("expected at most 4, the end of the log, found 5"));
        assert!(refuse("yesterday").contains("expected start, head, a position"));
        let mut conn = cursors.0.acquire(Access::Write).await.unwrap();
        cursors.0.trim(&mut conn, Position::new(2), 10).await.unwrap();
        drop(conn);
        assert!(refuse("1").contains("at least 2, up to which the log was trimmed, found 1"));
        assert_eq!((reset("start")["to"].clone(), reset("2")["to"].clone()), (0.into(), 2.into()));
    });
    let nobody = refused(database, &["consumer", "reset", "nobody", "--to", "start"]);
    assert!(nobody.contains("expected one that has consumed the log \"delta\", found none of the name"), "{nobody}");
}

async fn a_consumer_that_runs_is_reset_only_by_force(database: &Database) {
    inform(database, &["a", "b"]).await;
    with_store!(database, |store| {
        let cursors = Cursors(store);
        let until = cursors.now().await + Duration::from_hours(1);
        cursors.put([held(cursor("mailer", 1), until)]).await;
        let reset = ["consumer", "reset", "mailer", "--to", "start"];
        let message = refused(database, &reset);
        assert!(message.contains("or --force, found one that is held by 0000000000000007"), "{message}");
        assert_eq!(cursors.standing("consumer/delta/mailer").await, standing(1));
        database.json(&[&reset[..], &["--force"]].concat());
        let moved = cursors.get("consumer/delta/mailer").await;
        assert_eq!(Standing::of(&moved).unwrap(), Some(standing(0)));
        // Whoever runs it still holds it, and sees by the version that it was moved.
        assert_eq!((moved.holder, moved.lease_until, moved.version), (Some(Owner::new(7)), Some(until), 2));
        // A lease that is over holds nothing.
        cursors.put([Cursor { lease_until: Some(Timestamp::EPOCH), ..moved }]).await;
        database.json(&["consumer", "reset", "mailer", "--to", "1"]);
    });
}

async fn a_sharded_consumer_is_reset_as_a_whole(database: &Database) {
    inform(database, &["a", "b"]).await;
    with_store!(database, |store| {
        let cursors = Cursors(store);
        cursors.put(sharded("spread", &[(5, 1), (6, 2)])).await;
        let reset = database.json(&["consumer", "reset", "spread", "--to", "1"]);
        assert_eq!((&reset["from"], &reset["to"]), (&1.into(), &1.into()));
        let mut conn = cursors.0.acquire(Access::Read).await.unwrap();
        let query = CursorQuery::Prefix("consumer/delta/spread/".to_owned());
        let slices = cursors.0.cursors(&mut conn, &query).await.unwrap();
        drop(conn);
        assert_eq!(slices.len(), usize::from(SLICES), "those that were not stored would begin elsewhere");
        for slice in slices {
            let standing = Standing::of(&slice).unwrap().unwrap();
            assert_eq!((standing.position, standing.data.shape), (Some(Position::new(1)), Shape::Sharded));
        }
        assert_eq!(cursors.standing("consumer/delta/spread").await.position, None);
    });
}

async fn a_cursor_that_cannot_be_read_is_told_and_mended_by_a_reset(database: &Database) {
    inform(database, &["a", "b"]).await;
    with_store!(database, |store| {
        let cursors = Cursors(store);
        let name = |consumer| consume::cursor_name(&LogName::own(), consumer);
        let foreign = CursorData::new(LogName::of_table("orders"), None, Shape::One);
        let foreign = Standing { position: Some(Position::new(1)), data: foreign };
        cursors
            .put([
                Cursor { position: Some("third".to_owned()), ..cursor("forged", 0) },
                Cursor { data: Some("gibberish".to_owned()), ..cursor("garbled", 1) },
                foreign.into_cursor(Cursor::new(name("foreign"))),
                cursor("far", 9),
            ])
            .await;
        let consumers = listed(database, &[]);
        for (consumer, fault) in [
            ("forged", "found \"third\""),
            ("garbled", "expected the data of a consumer"),
            ("foreign", "expected a place in the log delta, found one in orders"),
        ] {
            let faults = consumers[consumer]["faults"].to_string().replace('\\', "");
            assert!(faults.contains(fault), "{faults}");
            database.json(&["consumer", "reset", consumer, "--to", "1"]);
            let mended = cursors.standing(&name(consumer)).await;
            assert_eq!((mended.position, mended.data.log), (Some(Position::new(1)), LogName::own()));
        }
        assert!(consumers["far"]["lag"]["problem"].as_str().unwrap().contains("beyond the end of the log at 2"));
        assert!(listed(database, &[]).values().all(|consumer| consumer["faults"] == json!([])));
    });
}

async fn the_event_that_a_consumer_is_stuck_at_is_skipped_and_recorded(database: &Database) {
    inform(database, &["a", "b", "c"]).await;
    with_store!(database, |store| {
        let cursors = Cursors(store);
        let until = cursors.now().await + Duration::from_hours(1);
        let mut stuck = standing(1);
        assert_eq!((stuck.fail(Position::new(2)), stuck.fail(Position::new(2))), (1, 2));
        cursors.put([held(stuck.into_cursor(cursor("mailer", 1)), until)]).await;
        let shown = database.json(&["consumer", "show", "mailer"]);
        assert_eq!(shown["consumer"]["attempts"], json!({ "2": 2 }));
        let skipped = database.json(&["consumer", "skip", "mailer", "--reason", "no such customer"]);
        assert_eq!(skipped["skipped"], 2);
        let mut expected = standing(1);
        expected.skip(Position::new(2));
        assert_eq!(cursors.standing("consumer/delta/mailer").await, expected);
        let letters = cursors.letters().await;
        assert_eq!(letters.len(), 1);
        assert_eq!((letters[0].status, letters[0].position), (DeadLetterStatus::Resolved, Position::new(2)));
        assert_eq!((letters[0].message.as_str(), letters[0].attempts), ("no such customer", Some(2)));
        let kept: delta::Event = serde_json::from_str(letters[0].event.as_deref().unwrap()).unwrap();
        assert_eq!(kept.position, Position::new(2));
        let shown = database.json(&["consumer", "show", "mailer"]);
        assert_eq!((&shown["consumer"]["skipped"], &shown["consumer"]["dead_letters"]), (&json!([2]), &0.into()));
        assert_eq!(shown["last_dead_letters"][0]["status"], "resolved");

        // Of a sharded one, the slice that has failed.
        let mut slices = sharded("spread", &[(5, 1), (6, 1)]);
        let mut stuck = Standing::of(&slices[2]).unwrap().unwrap();
        stuck.fail(Position::new(3));
        slices[2] = stuck.into_cursor(slices[2].clone());
        cursors.put(slices).await;
        assert_eq!(database.json(&["consumer", "skip", "spread"])["skipped"], 3);
        let skip =
            async |slice| cursors.standing(&consume::slice_name(&LogName::own(), "spread", slice)).await.data.skip;
        assert_eq!((skip(5).await, skip(6).await), (BTreeSet::new(), BTreeSet::from([Position::new(3)])));
    });
}

async fn what_cannot_be_skipped_is_refused_with_the_reason(database: &Database) {
    inform(database, &["a", "b", "c"]).await;
    with_store!(database, |store| {
        let cursors = Cursors(store);
        let mut twice = standing(1);
        twice.fail(Position::new(2));
        twice.fail(Position::new(3));
        cursors.put([cursor("mailer", 1), twice.into_cursor(cursor("twice", 1))]).await;
        for (arguments, reason) in [
            (&["mailer"][..], "expected one that has failed, or --position, found none"),
            (&["twice"], "found 2, 3"),
            (&["mailer", "--position", "1"], "expected one beyond 1, which is yet to be handled, found 1"),
            (&["mailer", "--position", "4"], "beyond the head of the log at 3"),
            (&["nobody"], "none of the name \"nobody\""),
        ] {
            let message = refused(database, &[&["consumer", "skip"], arguments].concat());
            assert!(message.contains(reason), "{message}");
        }
        assert!(cursors.letters().await.is_empty());
        assert_eq!(cursors.standing("consumer/delta/mailer").await, standing(1));
        assert_eq!(database.json(&["consumer", "skip", "mailer", "--position", "3"])["skipped"], 3);
    });
}

async fn dead_letters_are_marked_to_be_tried_again(database: &Database) {
    inform(database, &["a", "b", "c"]).await;
    with_store!(database, |store| {
        let cursors = Cursors(store);
        cursors.put([cursor("mailer", 3), cursor("ledger", 3)]).await;
        let first = cursors.put_letter("mailer", 1, DeadLetterStatus::Dead).await;
        for position in [2, 3] {
            cursors.put_letter("mailer", position, DeadLetterStatus::Dead).await;
        }
        let resolved = cursors.put_letter("mailer", 4, DeadLetterStatus::Resolved).await;
        let others = cursors.put_letter("ledger", 1, DeadLetterStatus::Dead).await;
        let statuses = async || cursors.letters().await.iter().map(|letter| letter.status).collect::<Vec<_>>();
        let replay = |arguments: &[&str]| database.json(&[&["consumer", "replay", "mailer"], arguments].concat());
        let (dead, again, done) = (DeadLetterStatus::Dead, DeadLetterStatus::Replay, DeadLetterStatus::Resolved);

        for (arguments, reason) in [
            (&["--id", &others.to_string()][..], "one of this consumer that is dead"),
            (&["--id", &resolved.to_string()], "which is resolved"),
            (&["--position", "9"], "none of position 9"),
            (&["--all", "--id", "1"], "cannot be used with"),
            (&[], "required"),
        ] {
            let message = refused(database, &[&["consumer", "replay", "mailer"], arguments].concat());
            assert!(message.contains(reason), "{arguments:?}: {message}");
        }
        assert_eq!(statuses().await, [dead, dead, dead, done, dead]);

        assert_eq!(replay(&["--id", &first.to_string()])["marked"], 1);
        assert_eq!(statuses().await, [again, dead, dead, done, dead]);
        assert_eq!(replay(&["--id", &first.to_string()])["marked"], 0, "asking again is harmless");
        assert_eq!(replay(&["--position", "3"])["marked"], 1);
        assert_eq!(statuses().await, [again, dead, again, done, dead]);
        assert_eq!(replay(&["--all"])["marked"], 1);
        assert_eq!(statuses().await, [again, again, again, done, dead]);
    });
}

async fn doctor_tells_what_is_wrong_with_consumers(database: &Database) {
    inform(database, &["a", "b", "c"]).await;
    let findings = |arguments: &[&str]| {
        let run = database.run(&[&["doctor", "--json"], arguments].concat());
        let report: Value = serde_json::from_str(&run.out).unwrap_or_else(|error| panic!("{error}: {run:?}"));
        assert_eq!(report["healthy"], run.code == 0, "{run:?}");
        let text = |finding: &Value, field: &str| finding[field].as_str().unwrap().to_owned();
        let findings = report["findings"].as_array().unwrap().iter();
        findings.map(|it| (text(it, "verdict"), text(it, "check"), text(it, "detail"))).collect::<Vec<_>>()
    };
    let assert_found = |arguments: &[&str], verdict: &str, check: &str, detail: &str| {
        let found = findings(arguments);
        let fits = found.iter().any(|it| it.0 == verdict && it.1 == check && it.2.contains(detail));
        assert!(fits, "{arguments:?}: {verdict} {check} {detail}: {found:#?}");
    };
    assert_found(&[], "fine", "consumers", "0, all in order");
    assert_found(&[], "fine", "dead letters", "none");
    with_store!(database, |store| {
        let cursors = Cursors(store);
        let until = cursors.now().await + Duration::from_hours(1);
        cursors.put([held(cursor("mailer", 1), until)]).await;
        assert_found(&[], "fine", "consumers", "1, all in order");
        assert_found(&["--lag", "0s"], "problem", "consumers", "mailer of the log delta: 2 positions and");

        let mut stuck = standing(1);
        stuck.fail(Position::new(2));
        cursors.put([held(stuck.into_cursor(cursor("stuck", 1)), until), cursor("idle", 1)]).await;
        assert_found(&[], "note", "consumers", "stuck of the log delta: the event at 2 has failed 1 times");
        assert_found(&[], "note", "consumers", "idle of the log delta: nobody runs it");
        assert_found(&["--patience", "0"], "problem", "consumers", "the event at 2 has failed 1 times");
        assert_found(&["--patience", "0"], "problem", "consumers", "idle of the log delta: nobody runs it");

        cursors.put([held(cursor("gone", 3), Timestamp::EPOCH)]).await;
        assert_found(&["--patience", "0"], "note", "consumers", "gone of the log delta: 0000000000000007 has not been");
        cursors.put_letter("mailer", 1, DeadLetterStatus::Dead).await;
        assert_found(&[], "note", "dead letters", "1; ");

        let elsewhere = Cursor { position: Some("third".to_owned()), ..cursor("forged", 0) };
        cursors.put([elsewhere, cursor("far", 9), Cursor::new("consumer/delta/a/b")]).await;
        assert_found(&[], "problem", "consumers", "found \"third\"");
        assert_found(&[], "problem", "consumers", "far of the log delta: it is beyond the end of the log at 3");
        assert_found(&[], "problem", "consumers", "the cursor consumer/delta/a/b is named like a consumer's");

        let mut conn = cursors.0.acquire(Access::Write).await.unwrap();
        cursors.0.trim(&mut conn, Position::new(2), 10).await.unwrap();
        drop(conn);
        assert_found(&[], "problem", "consumers", "mailer of the log delta: the log was trimmed up to 2, beyond it");
    });
}
