//! S9: times keep microseconds, text keeps every character but NUL, JSON text comes back byte for byte.

use std::collections::BTreeSet;
use std::sync::Arc;

use delta_core::{
    AbsentBy, AttemptError, Changeset, Cursor, CursorQuery, DeletedBy, Desired, Detail, Key, Lease, LeaseToken, LoadBy,
    Metadata, ObjectHash, ObjectId, Owner, Priority, Resource, RunAt, Scope, ScopeChange, ScopeWrite, State, Tags,
    Timestamp, Trace,
};

use super::fixture::Fixture;
use super::kit::{Kit, applied};
use super::rows::{T0, at, changeset, draft, key, key_in, name, row, row_of, settle, update};

/// Object ids that some layer or other might fold, trim, escape, normalise, or take for something else.
fn odd_ids() -> Vec<String> {
    let mut ids: Vec<String> = [
        "a",
        "A",
        "ä",
        "Ä",
        "a\u{308}",
        "é",
        "e\u{301}",
        "ß",
        "ss",
        "ẞ",
        "İ",
        "i",
        "I",
        "ı",
        "ﬁ",
        "fi",
        "a ",
        " a",
        "a\t",
        " ",
        "\u{a0}",
        "\u{3000}",
        "\n",
        "\r",
        "\r\n",
        "\t",
        "\u{b}",
        "\u{1}",
        "\u{1f}",
        "\u{7f}",
        "\u{80}",
        "\u{85}",
        "\u{2028}",
        "\u{2029}",
        "\u{feff}",
        "\u{fffd}",
        "\u{fffe}",
        "\u{ffff}",
        "\u{10ffff}",
        "\u{e000}",
        "\u{d7ff}",
        "'",
        "''",
        "\"",
        "\\",
        "\\\\",
        "\\'",
        "\\0",
        "\\n",
        "\\u0000",
        "%",
        "_",
        "a%",
        "a_",
        "*",
        "?",
        "$1",
        ":a",
        "@a",
        "?1",
        ";",
        "--",
        "/*",
        "'; DROP TABLE resources; --",
        "null",
        "NULL",
        "{}",
        "{a}",
        "[1]",
        "[]",
        "true",
        "0",
        "00",
        "0.0",
        "1e0",
        "١",
        "１",
        "1",
        "🦀",
        "👨‍👩‍👧‍👦",
        "\u{200d}",
        "\u{202e}abc",
        "日本語",
        "한국어",
        "עברית",
        "a,b",
        "(a)",
        "a\\,b",
        "a\"b",
        "a'b",
    ]
    .map(str::to_owned)
    .to_vec();
    ids.extend(["𝄞", "x", "é"].map(|character| character.repeat(ObjectId::MAX_LENGTH)));
    ids.push(format!("{}y", "x".repeat(ObjectId::MAX_LENGTH - 1)));
    ids.push("x".repeat(ObjectId::MAX_LENGTH - 1));
    ids
}

/// Every character of the basic plane but NUL, and both ends of each other plane.
fn every_character() -> String {
    let planes = (0..=0x10_u32).flat_map(|plane| [plane << 16, (plane << 16) + 1, (plane << 16) + 0xFFFF]);
    (1..=0xFFFF).chain(planes).filter(|code| *code != 0).filter_map(char::from_u32).collect()
}

/// Ids that differ in a byte are different; each is found by itself and by nothing else.
pub async fn s09_ids_are_compared_byte_by_byte<F: Fixture>(kit: Kit<F>) {
    let ids = odd_ids();
    assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), ids.len(), "the ids of this case differ");
    let stored = kit.insert_all(ids.iter().map(|id| row(id))).await;
    for (id, stored) in ids.iter().zip(&stored) {
        assert_eq!(*stored, Resource { id: stored.id, ..row(id) });
        assert_eq!(kit.find(&key(id)).await.as_ref(), Some(stored), "{id:?}");
    }
    let by_key = kit.load(LoadBy::Keys(ids.iter().map(|id| key(id)).collect())).await;
    assert_eq!(by_key.len(), ids.len());
    assert!(by_key.iter().map(|row| row.id).is_sorted_by(|one, other| one < other), "a load is in the order of ids");
    for near in ["b", "A ", "\\\\0", "a%b", "x".repeat(253).as_str(), "🦀 ", "aa"] {
        assert_eq!(kit.find(&key(near)).await, None, "{near:?}");
    }
}

/// Kinds and namespaces that differ in a character are different, however long.
pub async fn s09_names_of_kinds_and_namespaces_are_kept_apart<F: Fixture>(kit: Kit<F>) {
    let longest = "n".repeat(64);
    let nearly = format!("{}m", "n".repeat(63));
    let names = ["a-b", "a_b", "ab", "a-b_c", "0", "00", "a", longest.as_str(), nearly.as_str()];
    let keys: Vec<Key> =
        names.iter().flat_map(|namespace| names.iter().map(|kind| key_in(namespace, kind, "x"))).collect();
    let stored = kit.insert_all(keys.iter().cloned().map(row_of)).await;
    for (key, stored) in keys.iter().zip(stored) {
        assert_eq!(kit.find(key).await, Some(stored), "{key}");
    }
    assert_eq!(kit.scopes().await.len(), 2 * names.len());
}

/// Each place of a row, an event, a cursor and a scope that holds text.
pub async fn s09_text_keeps_every_character_everywhere<F: Fixture>(kit: Kit<F>) {
    let text = every_character();
    let json = serde_json::to_string(&serde_json::json!({ "text": text })).expect("JSON");
    let mut new = row("a");
    new.metadata = Metadata::from_text(&json).expect("metadata");
    new.hash = ObjectHash::of(&json);
    new.detail = Some(Detail { object: json.as_str().into(), tags: Tags::default(), errors: Vec::new() });
    let stored = kit.insert(new.clone()).await;
    assert_eq!(stored, Resource { id: stored.id, ..new });

    let claimed = kit.claim(at(1), 1).await.remove(0);
    assert_eq!(claimed.detail, stored.detail);
    let message = AttemptError::clip(&text);
    let backtrace = AttemptError::clip(&text.chars().rev().collect::<String>());
    let error = AttemptError { at: at(1), generation: 1, attempt: 1, message, backtrace: Some(backtrace) };
    let mut failed = settle(&claimed);
    failed.error = Some(error.clone());
    failed.unmoved.events[0].with_object = true;
    applied(&kit.apply(at(2), failed).await);
    assert_eq!(kit.row(stored.id).await.detail.expect("a detail").errors, [error]);
    let event = kit.events_of(stored.id).await.pop().expect("an event");
    assert_eq!((event.metadata.as_str(), event.object.as_deref()), (json.as_str(), Some(json.as_str())));

    let cursor = Cursor { position: Some(text.clone()), data: Some(json.clone()), ..Cursor::new("all of them") };
    let scope = ScopeChange { scope: Scope::Kind(name("thing")), write: ScopeWrite::Settings(json.clone()) };
    kit.commit(&Changeset { cursors: vec![cursor.clone().put()], scopes: vec![scope], ..Changeset::new(at(3)) }).await;
    assert_eq!(kit.cursor("all of them").await, Some(Cursor { version: 1, ..cursor }));
    let settings = kit.scopes().await.into_iter().find_map(|record| record.settings);
    assert_eq!(settings, Some(json));
}

/// JSON that a parser would write otherwise: it is not parsed.
pub async fn s09_json_text_comes_back_byte_for_byte<F: Fixture>(kit: Kit<F>) {
    let texts = [
        r#"{"b":1,"a":2}"#,
        "{ \"a\" : 1.0,\t\"b\":\n[ ] }",
        r#"{"a":1,"a":2}"#,
        r#"{"n":123456789012345678901234567890,"e":1E+2,"z":-0.0,"f":1.10}"#,
        r#"{"nul":"\u0000","pair":"\ud83e\udd80","slash":"\/","e":"\u00e9"}"#,
        r#"{"":"","  ":null,"é":"é"}"#,
    ];
    for (number, text) in texts.into_iter().enumerate() {
        let mut new = row(&format!("{number}"));
        new.metadata = Metadata::from_text(text).expect("metadata");
        new.detail = Some(Detail { object: Arc::from(text), tags: Tags::default(), errors: Vec::new() });
        new.hash = ObjectHash::of(text);
        let stored = kit.insert(new.clone()).await;
        assert_eq!(stored, Resource { id: stored.id, ..new });
        let mut logged = update(&stored, at(1));
        logged.write_object = true;
        logged.events = vec![draft(delta_core::EventKind::Expired)];
        logged.events[0].with_object = true;
        applied(&kit.apply(at(1), logged).await);
        assert_eq!(kit.row(stored.id).await.detail, stored.detail);
        let event = kit.events_of(stored.id).await.pop().expect("an event");
        assert_eq!((event.metadata.as_str(), event.object.as_deref()), (text, Some(text)));
    }
    let scalars = ["null", "7", r#""text""#, "[1, 2]"];
    for text in scalars {
        let mut new = row(text);
        new.detail = Some(Detail { object: Arc::from(text), tags: Tags::default(), errors: Vec::new() });
        new.hash = ObjectHash::of(text);
        assert_eq!(kit.insert(new).await.detail.expect("a detail").object.as_ref(), text);
    }
}

/// Every time of a row, to the microsecond, in the year 1, around 1970 and in the year 9999.
pub async fn s09_times_keep_microseconds<F: Fixture>(kit: Kit<F>) {
    let (year_1, year_9999) = (Timestamp::EARLIEST, Timestamp::LATEST);
    let times = [
        year_1,
        Timestamp::from_micros(-1),
        Timestamp::EPOCH,
        Timestamp::from_micros(1),
        T0,
        Timestamp::from_micros(4_102_444_800_000_001),
        year_9999,
    ];
    for (number, time) in times.into_iter().enumerate() {
        let first = if time == year_9999 { time.as_micros() - 7 } else { time.as_micros() };
        let micro = |n| Timestamp::from_micros(first + n);
        let new = Resource {
            state: State::Deleted,
            state_since: micro(1),
            run_at: None,
            external_created_at: Some(micro(2)),
            created_at: micro(3),
            updated_at: micro(4),
            attempted_at: Some(micro(5)),
            synced_at: Some(micro(6)),
            deleted_at: Some(micro(7)),
            deleted_by: Some(DeletedBy::Missing),
            desired: Desired::Absent(AbsentBy::Missing),
            ..row(&format!("deleted {number}"))
        };
        let stored = kit.insert(new.clone()).await;
        assert_eq!(stored, Resource { id: stored.id, ..new });

        let new = Resource { run_at: Some(micro(1)), priority: Priority::FIRST, ..row(&format!("claimed {number}")) };
        let stored = kit.insert(new).await;
        assert_eq!(stored.run_at, Some(micro(1)));
        let mut request = kit.request(micro(2), [(super::rows::lane(), 1)]);
        request.until = micro(3);
        let claimed = kit.try_claim(&Changeset::new(micro(2)), &request).await.expect("a claim").resources.remove(0);
        let lease = claimed.lease.expect("a lease");
        assert_eq!((claimed.id, claimed.attempted_at, lease.until), (stored.id, Some(micro(2)), micro(3)));
        let mut failed = settle(&claimed);
        failed.error =
            Some(AttemptError { at: micro(4), generation: 1, attempt: 1, message: String::new(), backtrace: None });
        failed.unmoved.state = State::Failed;
        failed.unmoved.run_at = RunAt::At(year_9999);
        failed.unmoved.synced_generation = None;
        let commit = changeset(micro(5), [failed]);
        applied(&kit.commit(&commit).await.outcomes[0]);
        let row = kit.row(stored.id).await;
        assert_eq!((row.run_at, row.updated_at), (Some(year_9999), micro(5)));
        assert_eq!(row.detail.expect("a detail").errors[0].at, micro(4));
        assert_eq!(kit.events_of(stored.id).await[1].at, micro(5));

        let cursor = Cursor {
            lease_until: Some(micro(1)),
            next_at: Some(micro(2)),
            holder: Some(Owner::new(i64::MIN)),
            ..Cursor::new(format!("cursor {number}"))
        };
        kit.commit(&Changeset { cursors: vec![cursor.clone().put()], ..Changeset::new(at(1)) }).await;
        assert_eq!(kit.cursor(&cursor.name).await, Some(Cursor { version: 1, ..cursor }));
    }
}

/// Numbers are 64 bits wide, and both ends of them come back.
pub async fn s09_numbers_keep_all_their_bits<F: Fixture>(kit: Kit<F>) {
    let large = Resource {
        generation: i64::MAX - 1,
        synced_generation: i64::MAX - 2,
        attempt: i64::MAX - 3,
        max_attempts: Some(i64::MAX),
        ..row("large")
    };
    let stored = kit.insert(large.clone()).await;
    assert_eq!(stored, Resource { id: stored.id, ..large });
    let mut request = kit.request(at(1), [(super::rows::lane(), 1)]);
    request.owner = Owner::new(i64::MIN);
    request.base = LeaseToken::new(i64::MIN);
    let claimed = kit.try_claim(&Changeset::new(at(1)), &request).await.expect("a claim").resources.remove(0);
    let expected = Lease {
        token: LeaseToken::new(i64::MIN),
        generation: i64::MAX - 1,
        attempt: i64::MAX - 2,
        owner: Owner::new(i64::MIN),
        until: request.until,
        cancel_requested: false,
    };
    assert_eq!(claimed.lease, Some(expected));
    applied(&kit.apply(at(2), settle(&claimed)).await);
    assert_eq!(kit.row(stored.id).await.synced_generation, i64::MAX - 1);
    let unlimited = kit.insert(Resource { max_attempts: None, ..row("unlimited") }).await;
    assert_eq!(unlimited.max_attempts, None);
}

/// What is optional in a row, each with and without.
pub async fn s09_every_field_of_a_row_comes_back<F: Fixture>(kit: Kit<F>) {
    let trace = Trace::new("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01").expect("a trace");
    let tags = Tags::new((0..Tags::MAX_COUNT).map(|n| format!("tag-{n}_{}", "x".repeat(n)))).expect("tags");
    let full = Resource {
        desired: Desired::Absent(AbsentBy::Request),
        priority: Priority::LAST,
        generation: 5,
        synced_generation: 3,
        attempt: 2,
        max_attempts: Some(7),
        metadata: Metadata::from_text(r#"{"k":"v"}"#).expect("metadata"),
        trace: Some(trace),
        external_created_at: Some(at(1)),
        attempted_at: Some(at(2)),
        synced_at: Some(at(3)),
        paused: true,
        ..row("full")
    };
    let full = Resource { detail: full.detail.map(|detail| Detail { tags, ..detail }), ..full };
    let states = State::KNOWN.into_iter().filter(|state| *state != State::Pending).map(|state| Resource {
        run_at: state.is_claimable().then_some(at(4)),
        deleted_at: (state == State::Deleted).then_some(at(5)),
        deleted_by: (state == State::Deleted).then_some(DeletedBy::Request),
        state: state.clone(),
        synced_at: (state == State::Synced).then_some(at(3)),
        ..row(state.as_str())
    });
    let rows: Vec<Resource> = states.chain([full]).collect();
    let stored = kit.insert_all(rows.clone()).await;
    for (row, stored) in rows.into_iter().zip(stored) {
        assert_eq!(stored, Resource { id: stored.id, ..row });
    }
}

/// Names of cursors: odd ones, and ones of 255 bytes.
pub async fn s09_names_of_cursors_are_compared_byte_by_byte<F: Fixture>(kit: Kit<F>) {
    let mut names: Vec<String> = odd_ids().into_iter().filter(|name| name.len() <= 255).collect();
    names.push("é".repeat(127));
    names.push("x".repeat(255));
    names.sort();
    names.dedup();
    let cursors = names.iter().map(|name| Cursor::new(name).put()).collect();
    assert_eq!(kit.commit(&Changeset { cursors, ..Changeset::new(at(1)) }).await.lost_cursor, None);
    for name in &names {
        assert_eq!(kit.cursor(name).await.map(|cursor| cursor.name).as_ref(), Some(name));
    }
    let all = kit.cursors(&CursorQuery::Prefix(String::new())).await;
    assert_eq!(all.into_iter().map(|cursor| cursor.name).collect::<Vec<_>>(), names, "in the order of bytes");
}
