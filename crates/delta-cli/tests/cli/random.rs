//! Databases of all that may be stored, made by chance, go from one to the next and stay the same.

use std::sync::Arc;

use delta::core::{
    AbsentBy, Access, AttemptError, Cursor, DeletedBy, Desired, Detail, GivenOut, Key, Lease, LeaseToken, Metadata,
    Name, ObjectHash, Owner, Priority, Resource, ResourceId, Restore as _, RestoreBatch, RestoreFence, Restored, Scope,
    ScopeRecord, State, Store as _, Subject, Tags, Trace,
};
use delta::{Event, EventKind, Position, Reason, Timestamp};
use proptest::collection::{btree_set, vec};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestCaseError, TestError, TestRunner};

use crate::support::Database;
use crate::with_store;

fn name() -> impl Strategy<Value = Name> {
    "[a-c]{1,2}(-[0-9])?".prop_map(|name| Name::new(name).unwrap())
}

/// Any text but NUL, which no database keeps.
fn text() -> impl Strategy<Value = String> {
    prop_oneof!["[^\\x00]{1,12}", "[a-zA-Z ]{1,3}", "[\\\\\"'{}\\[\\],;\\n\\t\\r\u{1f980}é\u{301}]{1,6}"]
}

fn json() -> impl Strategy<Value = String> {
    let spaced = text().prop_map(|text| format!("{{ {} : [ 1.0,\t-0e+5 ] }}", serde_json::Value::from(text)));
    prop_oneof![
        any::<String>().prop_map(|text| serde_json::Value::from(text).to_string()),
        spaced,
        Just("{}".to_owned())
    ]
}

fn metadata() -> impl Strategy<Value = Metadata> {
    proptest::option::of(text().prop_map(|text| format!("{{\"k\" : {}}}", serde_json::Value::from(text))))
        .prop_map(Metadata::from_stored)
}

fn time() -> impl Strategy<Value = Timestamp> {
    let recent = 1_600_000_000_000_000..1_900_000_000_000_000_i64;
    let any = Timestamp::EARLIEST.as_micros()..=Timestamp::LATEST.as_micros();
    prop_oneof![recent, any].prop_map(Timestamp::from_micros)
}

fn times() -> impl Strategy<Value = Option<Timestamp>> {
    proptest::option::of(time())
}

fn trace() -> impl Strategy<Value = Option<Trace>> {
    proptest::option::of("00-[0-9a-f]{32}-[0-9a-f]{16}-0[01]".prop_map(|text| Trace::new(text).unwrap()))
}

fn errors() -> impl Strategy<Value = Vec<AttemptError>> {
    let error = (time(), 1..i64::MAX, 1..i64::MAX, text(), proptest::option::of(text()));
    let error = error.prop_map(|(at, generation, attempt, message, backtrace)| AttemptError {
        at,
        generation,
        attempt,
        message,
        backtrace,
    });
    vec(error, 0..4)
}

fn detail() -> impl Strategy<Value = Detail> {
    let tags = btree_set("[a-z][a-z0-9-]{1,5}[a-z]", 0..4).prop_shuffle_tags();
    (json(), tags, errors()).prop_map(|(object, tags, errors)| Detail {
        object: Arc::from(object),
        tags: Tags::new(tags).unwrap(),
        errors,
    })
}

/// Tags keep the order that they were given in.
trait ShuffleTags: Strategy<Value = std::collections::BTreeSet<String>> + Sized {
    fn prop_shuffle_tags(self) -> impl Strategy<Value = Vec<String>> {
        self.prop_map(|tags| tags.into_iter().collect::<Vec<_>>()).prop_shuffle()
    }
}

impl<T: Strategy<Value = std::collections::BTreeSet<String>>> ShuffleTags for T {}

fn lease() -> impl Strategy<Value = (i64, i64, i64, i64, Timestamp, bool)> {
    (any::<i64>(), 1..1000_i64, 1..i64::MAX, any::<i64>(), time(), any::<bool>())
}

type Counts = (i64, i64, i64, Option<i64>, i64, u8);
type Times = (Timestamp, Timestamp, Timestamp, Timestamp, Option<Timestamp>, Option<Timestamp>, Option<Timestamp>);

fn resource() -> impl Strategy<Value = Resource> {
    let key = (name(), name(), text()).prop_map(|(namespace, kind, id)| Key::new(namespace, kind, id).unwrap());
    let by = proptest::option::of(prop_oneof![Just(AbsentBy::Request), Just(AbsentBy::Missing)]);
    let state = proptest::sample::select(State::KNOWN.to_vec());
    let counts = (1000..i64::MAX, 0..1000_i64, 0..i64::MAX, proptest::option::of(0..i64::MAX), 1..i64::MAX, 1..=4_u8);
    let times = (time(), time(), time(), time(), times(), times(), times());
    let rest = (metadata(), trace(), detail(), lease(), any::<bool>(), any::<bool>(), 0..1000_i64);
    (key, state, by, counts, times, rest).prop_map(make)
}

type Rest = (Metadata, Option<Trace>, Detail, (i64, i64, i64, i64, Timestamp, bool), bool, bool, i64);

fn make((key, state, by, counts, times, rest): (Key, State, Option<AbsentBy>, Counts, Times, Rest)) -> Resource {
    let (generation, synced_generation, attempt, max_attempts, version, priority) = counts;
    let (state_since, created_at, updated_at, run_at, external_created_at, attempted_at, synced_at) = times;
    let (metadata, trace, detail, lease, paused, later, older_errors) = rest;
    let (token, lease_generation, lease_attempt, owner, until, cancel_requested) = lease;
    let pending = state == State::Pending;
    let deleted = state == State::Deleted;
    Resource {
        id: ResourceId::default(),
        key,
        state_since,
        desired: by.map_or(Desired::Present, Desired::Absent),
        priority: Priority::new(priority).unwrap(),
        generation,
        synced_generation,
        attempt,
        max_attempts,
        run_at: (state.is_claimable() || (pending && later)).then_some(run_at),
        lease: pending.then_some(Lease {
            token: LeaseToken::new(token),
            generation: lease_generation,
            attempt: lease_attempt,
            owner: Owner::new(owner),
            until,
            cancel_requested,
        }),
        version,
        hash: ObjectHash::of(&detail.object),
        metadata,
        trace,
        error_count: if detail.errors.is_empty() {
            0
        } else {
            older_errors + i64::try_from(detail.errors.len()).unwrap()
        },
        external_created_at,
        created_at,
        updated_at,
        attempted_at,
        synced_at,
        deleted_at: deleted.then_some(updated_at),
        deleted_by: deleted.then_some(if later { DeletedBy::Worker } else { DeletedBy::Missing }),
        paused,
        state,
        detail: Some(detail),
    }
}

fn event() -> impl Strategy<Value = Event> {
    let plain = [EventKind::Synced, EventKind::Failed, EventKind::Deleted, EventKind::Purged, EventKind::Paused];
    let kinds: Vec<_> = plain.into_iter().chain(Reason::ALL.map(EventKind::Scheduled)).collect();
    let about = (name(), name(), text(), 1..i64::MAX, 1..i64::MAX, 0..i64::MAX, prop_oneof!["archived", "synced"]);
    let about = about.prop_map(|(namespace, kind, id, resource, generation, attempt, state)| Subject::Resource {
        id: ResourceId::new(resource),
        key: Key::new(namespace, kind, id).unwrap(),
        state: State::from(&*state),
        generation,
        attempt,
    });
    let scope = prop_oneof![name().prop_map(Scope::Kind), name().prop_map(Scope::Namespace)];
    let of_resource =
        (proptest::sample::select(kinds), about, time(), metadata(), trace(), proptest::option::of(json()));
    let of_resource = of_resource.prop_map(|(kind, subject, at, metadata, trace, object)| Event {
        position: Position::START,
        kind,
        subject,
        at,
        metadata,
        trace,
        object: object.map(Arc::from),
    });
    let of_scope = (scope, time(), any::<bool>()).prop_map(|(scope, at, paused)| Event {
        position: Position::START,
        kind: if paused { EventKind::Paused } else { EventKind::Resumed },
        subject: Subject::Scope(scope),
        at,
        metadata: Metadata::EMPTY,
        trace: None,
        object: None,
    });
    prop_oneof![4 => of_resource, 1 => of_scope]
}

fn cursor() -> impl Strategy<Value = Cursor> {
    let fields =
        (text(), proptest::option::of(text()), any::<Option<i64>>(), times(), times(), proptest::option::of(json()));
    (fields, 1..i64::MAX - 1).prop_map(|((name, position, holder, lease_until, next_at, data), version)| Cursor {
        name,
        position,
        holder: holder.map(Owner::new),
        lease_until,
        next_at,
        data,
        version,
    })
}

pub(crate) fn content() -> impl Strategy<Value = RestoreBatch> {
    let scope = prop_oneof![name().prop_map(Scope::Kind), name().prop_map(Scope::Namespace)];
    let scopes = vec((scope, any::<bool>(), proptest::option::of(json())), 0..4);
    let gaps = (vec((1..50_i64, resource()), 0..12), vec((1..50_i64, event()), 0..12), 0..100_i64, 0..100_i64);
    (scopes, gaps, vec(cursor(), 0..5)).prop_map(|(scopes, (rows, events, above, beyond), mut cursors)| {
        let (mut id, mut position) = (0, 0);
        let mut resources: Vec<Resource> = Vec::new();
        for (gap, row) in rows {
            id += gap;
            if !resources.iter().any(|known| known.key == row.key) {
                resources.push(Resource { id: ResourceId::new(id), ..row });
            }
        }
        let place = |(gap, event)| {
            position += gap;
            Event { position: Position::new(position), ..event }
        };
        let events: Vec<Event> = events.into_iter().map(place).collect();
        cursors.sort_by(|one, other| one.name.cmp(&other.name));
        cursors.dedup_by(|one, other| one.name == other.name);
        let mut records: Vec<ScopeRecord> = Vec::new();
        for (scope, paused, settings) in scopes {
            if !records.iter().any(|known| known.scope == scope) {
                records.push(ScopeRecord { scope, paused, settings });
            }
        }
        let given_out = GivenOut { id: ResourceId::new(id + above), position: Position::new(position + beyond) };
        // The name that the program itself uses: it stays out of exports.
        let progress = Cursor {
            data: Some("{\"digest\":\"\",\"id\":0,\"position\":0,\"done\":true}".to_owned()),
            ..Cursor::new("delta/import")
        };
        RestoreBatch {
            scopes: records,
            resources,
            events,
            cursors,
            ..RestoreBatch::new(RestoreFence::Empty(given_out), progress)
        }
    })
}

/// Fills the first database, and moves it on from one to the next.
async fn travel(content: &RestoreBatch, stops: &[Database]) -> Result<(), TestCaseError> {
    for stop in stops {
        stop.json(&["migrate", "up"]);
    }
    with_store!(stops[0], |store| {
        let mut conn = store.acquire(Access::Write).await.unwrap();
        let restored = store.restore(&mut conn, content).await.unwrap();
        prop_assert!(matches!(restored, Restored::Written(_)), "{restored:?}");
        drop(conn);
        store.close().await;
    });
    let directory = tempfile::tempdir().unwrap();
    let mut before: Option<String> = None;
    for (number, stop) in stops.iter().enumerate() {
        let file = directory.path().join(format!("{number}.jsonl"));
        if number > 0 {
            let from = directory.path().join(format!("{}.jsonl", number - 1));
            let run = stop.run(&["import", "--from", from.to_str().unwrap()]);
            prop_assert_eq!(run.code, 0, "{:?}", run);
        }
        let run = stop.run(&["export", "--to", file.to_str().unwrap()]);
        prop_assert_eq!(run.code, 0, "{:?}", run);
        let text = std::fs::read_to_string(&file).unwrap();
        let (_, content) = text.split_once('\n').unwrap();
        if let Some(before) = &before {
            prop_assert_eq!(before, content);
        }
        before = Some(content.to_owned());
    }
    let lines = before.unwrap();
    let found = |what: &str| lines.lines().filter(|line| line.starts_with(what)).count();
    prop_assert_eq!(found("{\"resource\""), content.resources.len());
    prop_assert_eq!(found("{\"event\""), content.events.len());
    prop_assert_eq!(found("{\"cursor\""), content.cursors.len());
    Ok(())
}

/// Runs a property of async steps over databases that are made anew for each case.
fn check(cases: u32, run: impl Fn(&RestoreBatch) -> Result<(), TestCaseError>) {
    let config = Config { cases, max_shrink_iters: 64, failure_persistence: None, ..Config::default() };
    match TestRunner::new(config).run(&content(), |content| run(&content)) {
        Ok(()) => {}
        Err(TestError::Fail(why, content)) => panic!("{why}: {content:#?}"),
        Err(TestError::Abort(why)) => panic!("{why}"),
    }
}

#[test]
fn any_database_goes_from_file_to_file() {
    if Database::sqlite().is_none() {
        return;
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    check(24, |content| {
        let stops = [Database::sqlite().unwrap(), Database::sqlite().unwrap()];
        runtime.block_on(travel(content, &stops))
    });
}

#[test]
fn any_database_goes_round_all_backends() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let left_out = runtime.block_on(async {
        Database::sqlite().is_none() || Database::postgres().await.is_none() || Database::mariadb().await.is_none()
    });
    if left_out {
        return;
    }
    check(12, |content| {
        runtime.block_on(async {
            let servers = [Database::postgres().await.unwrap(), Database::mariadb().await.unwrap()];
            let [postgres, mariadb] = servers;
            let stops = [Database::sqlite().unwrap(), postgres, mariadb, Database::sqlite().unwrap()];
            travel(content, &stops).await
        })
    });
}
