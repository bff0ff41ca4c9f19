//! L4: the filter of Delta's own log.

use std::collections::BTreeMap;

use delta_core::{
    Changeset, Event, EventFilter, LogStore, Metadata, Names, Position, Resource, Scope, ScopeChange, ScopeWrite,
    Subject,
};

use super::fixture::Fixture;
use super::kit::Kit;
use super::rows::{at, key_in, name, row, row_of};

fn prefix(text: &str) -> EventFilter {
    EventFilter { object_id_prefix: Some(text.to_owned()), ..EventFilter::default() }
}

fn metadata<const N: usize>(members: [(&str, &str); N]) -> EventFilter {
    let metadata: BTreeMap<String, String> =
        members.into_iter().map(|(member, text)| (member.to_owned(), text.to_owned())).collect();
    EventFilter { metadata, ..EventFilter::default() }
}

fn object_ids(events: &[Event]) -> Vec<&str> {
    let mut ids = Vec::new();
    for event in events {
        if let Subject::Resource { key, .. } = &event.subject {
            ids.push(key.object_id.as_str());
        }
    }
    ids
}

async fn pause<F: Fixture>(kit: &Kit<F>, scopes: impl IntoIterator<Item = Scope>) {
    let scopes = scopes.into_iter().map(|scope| ScopeChange { scope, write: ScopeWrite::Pause }).collect();
    kit.commit(&Changeset { scopes, ..Changeset::new(at(1)) }).await;
}

/// Nothing in it means anything but itself, and case and accents count.
pub async fn l4_a_prefix_is_taken_byte_for_byte<F: Fixture<Store: LogStore>>(kit: Kit<F>) {
    let ids =
        ["a%1", "a_1", "A%1", "aX1", "a%", "a", "a\\1", "a\\%", "ä1", "a\u{308}1", "[a]", "*", "?x", "'", "á", "ß"];
    kit.insert_all(ids.map(row)).await;
    let prefixes = [
        "",
        "a",
        "a%",
        "a_",
        "A",
        "a%1",
        "a%12",
        "a\\",
        "a\\%",
        "ä",
        "a\u{308}",
        "[",
        "[a",
        "*",
        "?",
        "'",
        "%",
        "_",
        "ss",
        "\u{10ffff}",
    ];
    for text in prefixes {
        let expected: Vec<&str> = ids.iter().copied().filter(|id| id.starts_with(text)).collect();
        assert_eq!(object_ids(&kit.events_that(prefix(text)).await), expected, "{text:?}");
    }
}

/// They have no object id, not even an empty one.
pub async fn l4_a_prefix_lets_no_kind_or_namespace_pass<F: Fixture<Store: LogStore>>(kit: Kit<F>) {
    kit.insert(row("thing")).await;
    pause(&kit, [Scope::Kind(name("thing")), Scope::Namespace(name("thing"))]).await;
    assert_eq!(kit.events_that(EventFilter::default()).await.len(), 3);
    for text in ["", "thing"] {
        let found = kit.events_that(prefix(text)).await;
        assert_eq!((found.len(), object_ids(&found)), (1, vec!["thing"]), "{text:?}");
    }
}

/// A member is found by its name as it is meant, however it is written, and only if it is a text, and this one. Of a name
/// that is there twice the last counts.
pub async fn l4_members_of_metadata_are_texts_that_equal_exactly<F: Fixture<Store: LogStore>>(kit: Kit<F>) {
    let texts = [
        "{}",
        r#"{"k":"v"}"#,
        r#"{ "k" : "v" , "other":[1, {"k":"x"}]}"#,
        r#"{"k":"V"}"#,
        r#"{"K":"v"}"#,
        r#"{"k":"v "}"#,
        r#"{"k":""}"#,
        r#"{"k":1}"#,
        r#"{"k":"1"}"#,
        r#"{"k":1.0}"#,
        r#"{"k":true}"#,
        r#"{"k":"true"}"#,
        r#"{"k":null}"#,
        r#"{"k":"null"}"#,
        r#"{"k":["v"]}"#,
        r#"{"k":{"k":"v"}}"#,
        r#"{"k":{}}"#,
        r#"{"\u006b":"\u0076"}"#,
        r#"{"k":"x","k":"v"}"#,
        r#"{"k":"v","k":"x"}"#,
        r#"{"k":"v","k":1}"#,
        r#"{"a.b":"v"}"#,
        r#"{"a":{"b":"v"}}"#,
        r#"{"":"v"}"#,
        r#"{"$":"v"}"#,
        r#"{"$.k":"v"}"#,
        r#"{"[0]":"v"}"#,
        r#"{"a\"b":"v"}"#,
        r#"{"a\\b":"v"}"#,
        r#"{"a b":"v"}"#,
        r#"{"é":"ü"}"#,
        r#"{"\u00e9":"\u00fc"}"#,
        r#"{"e":"u"}"#,
        r#"{"k":"\ud83d\ude00"}"#,
        r#"{"k":"a\"b\\c\n"}"#,
        r#"{"k":"%"}"#,
        r#"{"other":"v"}"#,
        r#"{"k":"v","other":"w"}"#,
    ];
    let rows = texts.iter().enumerate().map(|(n, text)| Resource {
        metadata: Metadata::from_text(text).expect("metadata"),
        ..row(&format!("{n:02}"))
    });
    kit.insert_all(rows).await;
    pause(&kit, [Scope::Kind(name("thing"))]).await;
    let all = kit.events().await;
    assert_eq!(all.len(), texts.len() + 1);
    let filters = [
        metadata([("k", "v")]),
        metadata([("k", "V")]),
        metadata([("K", "v")]),
        metadata([("k", "")]),
        metadata([("k", "1")]),
        metadata([("k", "1.0")]),
        metadata([("k", "true")]),
        metadata([("k", "null")]),
        metadata([("k", "x")]),
        metadata([("k", "{}")]),
        metadata([("k", "[\"v\"]")]),
        metadata([("a.b", "v")]),
        metadata([("", "v")]),
        metadata([("$", "v")]),
        metadata([("$.k", "v")]),
        metadata([("[0]", "v")]),
        metadata([("a\"b", "v")]),
        metadata([("a\\b", "v")]),
        metadata([("a b", "v")]),
        metadata([("é", "ü")]),
        metadata([("e", "u")]),
        metadata([("k", "😀")]),
        metadata([("k", "a\"b\\c\n")]),
        metadata([("k", "%")]),
        metadata([("k", "v"), ("other", "w")]),
        metadata([("k", "v"), ("other", "v")]),
        metadata([("missing", "v")]),
        metadata([("missing", "")]),
    ];
    for filter in filters {
        let expected: Vec<&str> = {
            let fitting: Vec<&Event> = all.iter().filter(|event| filter.matches(event)).collect();
            fitting.iter().map(|event| event.metadata.as_str()).collect()
        };
        let found = kit.events_that(filter.clone()).await;
        let found: Vec<&str> = found.iter().map(|event| event.metadata.as_str()).collect();
        assert_eq!(found, expected, "{:?}", filter.metadata);
    }
    let found = kit.events_that(metadata([("k", "v")])).await;
    let found: Vec<&str> = found.iter().map(|event| event.metadata.as_str()).collect();
    let expected = [1, 2, 17, 18, 37].map(|n: usize| texts[n]);
    assert_eq!(found, expected, "what the reference itself is to say");
}

/// Prefix and metadata leave out of what the other parts let pass.
pub async fn l4_parts_of_a_filter_join_by_and<F: Fixture<Store: LogStore>>(kit: Kit<F>) {
    let of = |namespace: &str, id: &str, text: &str| Resource {
        metadata: Metadata::from_text(text).expect("metadata"),
        ..row_of(key_in(namespace, "thing", id))
    };
    let eu = r#"{"tenant":"eu"}"#;
    kit.insert_all([of("one", "a1", eu), of("one", "a2", "{}"), of("two", "a3", eu), of("one", "b1", eu)]).await;
    let tenant = metadata([("tenant", "eu")]).metadata;
    let filter = EventFilter { namespaces: Names::one(name("one")), metadata: tenant, ..prefix("a") };
    assert_eq!(object_ids(&kit.events_that(filter).await), ["a1"]);
}

/// A page may be of less than the limit, or of none, and the next begins behind it.
pub async fn l4_pages_move_on_past_what_does_not_fit<F: Fixture<Store: LogStore>>(kit: Kit<F>) {
    let tagged = |n: usize| Resource {
        metadata: Metadata::from_text(if n % 10 == 9 { r#"{"k":"v"}"# } else { r#"{"k":"w"}"# }).expect("metadata"),
        ..row(&format!("{}{n:03}", if n % 20 == 19 { "x" } else { "a" }))
    };
    kit.insert_all((0..100).map(tagged)).await;
    for (filter, expected) in [(metadata([("k", "v")]), 10), (prefix("x"), 5), (prefix("none"), 0)] {
        for limit in [1, 3, 7, 1_000] {
            let (mut after, mut found) = (Position::START, Vec::new());
            loop {
                let page = kit.page(after, limit, filter.clone()).await;
                assert!(page.events.len() <= limit as usize, "{} of {limit}", page.events.len());
                assert!(page.events.iter().all(|event| event.position > after && event.position <= page.next));
                found.extend(page.events);
                if page.next >= page.head {
                    break;
                }
                assert!(page.next > after, "a page that is not the last moves on from {after}");
                after = page.next;
            }
            assert_eq!(found.len(), expected, "{filter:?} by {limit}");
            assert!(found.iter().all(|event| filter.matches(event)));
        }
    }
}
