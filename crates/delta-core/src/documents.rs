//! What is stored, serialised and read back.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::cursor::Cursor;
use crate::event::{Event, EventDraft, EventKind, Position, Reason, Scope};
use crate::labels::{Metadata, Tags, Trace};
use crate::lease::{Lease, LeaseToken, Owner};
use crate::name::Name;
use crate::query::ScopeRecord;
use crate::resource::{AbsentBy, AttemptError, DeletedBy, Desired, Priority, Resource};
use crate::samples::{NOW, row};
use crate::state::State;

fn read_back<T: Serialize + DeserializeOwned>(stored: &T) -> T {
    serde_json::from_str(&serde_json::to_string(stored).unwrap()).unwrap()
}

fn full_row() -> Resource {
    let (token, owner) = (LeaseToken::new(i64::MIN), Owner::new(-2));
    let lease = Lease { token, generation: i64::MAX, attempt: 3, owner, until: NOW, cancel_requested: true };
    let mut full = Resource {
        state: State::Unknown("hibernating".into()),
        desired: Desired::Absent(AbsentBy::Missing),
        priority: Priority::LAST,
        max_attempts: None,
        lease: Some(lease),
        metadata: Metadata::from_text(r#"{"b": 1, "a":[1.0,"\u00e4"]}"#).unwrap(),
        trace: Some(Trace::from_stored("as it was stored".to_owned())),
        error_count: 12,
        external_created_at: Some(NOW),
        attempted_at: Some(NOW),
        synced_at: Some(NOW),
        deleted_at: Some(NOW),
        deleted_by: Some(DeletedBy::Worker),
        paused: true,
        ..row(7, "ä \"'\n\u{1}")
    };
    let message = "no".to_owned();
    let error = AttemptError { at: NOW, generation: 1, attempt: 1, message, backtrace: Some("0: main".to_owned()) };
    let detail = full.detail.as_mut().unwrap();
    detail.object = r#"{"b":1,"a":1.50,"c":"\u0000"}"#.into();
    (detail.tags, detail.errors) = (Tags::from_stored(vec!["vip".to_owned()]), vec![error]);
    full
}

#[test]
fn a_row_comes_back_whole() {
    let head = Resource { detail: None, ..full_row() };
    for row in [row(1, "a"), full_row(), head] {
        assert_eq!(read_back(&row), row);
    }
    assert_eq!(read_back(&full_row()).metadata.as_str(), r#"{"b": 1, "a":[1.0,"\u00e4"]}"#, "byte for byte");
}

#[test]
fn an_event_comes_back_with_its_reason() {
    let draft = |kind| EventDraft { kind, generation: None, attempt: None, with_object: true };
    for kind in Reason::ALL.map(EventKind::Scheduled).into_iter().chain([EventKind::Purged, EventKind::Failed]) {
        let event = draft(kind).event(Position::new(i64::MAX), &full_row(), NOW);
        assert_eq!(read_back(&event), event);
    }
    for scope in [Scope::Kind(Name::new("thing").unwrap()), Scope::Namespace(Name::new("eu").unwrap())] {
        let event = Event::of_scope(Position::new(1), EventKind::Paused, scope.clone(), NOW);
        assert_eq!(read_back(&event), event);
        let record = ScopeRecord { paused: true, settings: Some("{ }".to_owned()), ..ScopeRecord::new(scope) };
        assert_eq!(read_back(&record), record);
    }
}

#[test]
fn a_cursor_comes_back_whole() {
    let full = Cursor {
        position: Some("7".to_owned()),
        holder: Some(Owner::new(i64::MIN)),
        lease_until: Some(NOW),
        next_at: Some(NOW),
        data: Some("{\"a\": 1}".to_owned()),
        version: 3,
        ..Cursor::new("mailer")
    };
    for cursor in [Cursor::new("mailer"), full] {
        assert_eq!(read_back(&cursor), cursor);
    }
}

/// What a store of documents holds already. A field that is added needs a default, and leaves this text as it is.
#[test]
fn a_row_of_the_first_version_is_read() {
    let text = include_str!("../tests/documents/row.json");
    assert_eq!(serde_json::from_str::<Resource>(text).unwrap(), full_row());
}

#[test]
fn what_no_version_wrote_is_refused() {
    let text = serde_json::to_string(&full_row()).unwrap();
    let hash = full_row().hash.to_string();
    let damaged = [
        text.replace(r#""priority":4"#, r#""priority":5"#),
        text.replace(&hash, &hash[2..]),
        text.replace(&hash, &hash.replace(|digit: char| digit.is_ascii_digit(), "g")),
        text.replace(r#""deleted_by":"worker""#, r#""deleted_by":"nobody""#),
        text.replace(r#"{"b": 1, "a":[1.0,"\u00e4"]}"#, "[]"),
    ];
    for damaged in damaged {
        assert_ne!(damaged, text);
        assert!(serde_json::from_str::<Resource>(&damaged).is_err(), "{damaged}");
    }
}
