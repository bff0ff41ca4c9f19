//! S18: a cursor is written only over the version that was read, and a lost cursor leaves out the whole changeset.

use delta_core::{Changeset, Cursor, CursorChange, CursorQuery, Owner, Receipt, Scope, ScopeChange, ScopeWrite};
use tokio::task::JoinSet;

use super::fixture::{Fixture, Keep};
use super::kit::{Kit, give_way, soon};
use super::rows::{IntoChange, at, changeset, inform, insert, key, name, row};

fn moves(cursors: impl IntoIterator<Item = CursorChange>) -> Changeset {
    Changeset { cursors: cursors.into_iter().collect(), ..Changeset::new(at(1)) }
}

fn full(name: &str) -> Cursor {
    Cursor {
        position: Some("17".to_owned()),
        holder: Some(Owner::new(-4)),
        lease_until: Some(at(60)),
        next_at: Some(at(5)),
        data: Some(r#"{"b": 1}"#.to_owned()),
        ..Cursor::new(name)
    }
}

async fn put<F: Fixture>(kit: &Kit<F>, cursor: Cursor) -> Cursor {
    let name = cursor.name.clone();
    assert_eq!(kit.commit(&moves([cursor.put()])).await, Receipt::default());
    kit.cursor(&name).await.expect("a stored cursor")
}

fn names(cursors: &[Cursor]) -> Vec<&str> {
    cursors.iter().map(|cursor| cursor.name.as_str()).collect()
}

/// A new cursor has version 1; each write counts up one, and stores every field, also those that become empty.
pub async fn s18_a_cursor_is_stored_whole_and_counts_its_writes<F: Fixture>(kit: Kit<F>) {
    assert_eq!(kit.cursor("mailer").await, None);
    let stored = put(&kit, full("mailer")).await;
    assert_eq!(stored, Cursor { version: 1, ..full("mailer") });
    let stored = put(&kit, Cursor { position: Some("18".to_owned()), ..stored }).await;
    assert_eq!(stored, Cursor { version: 2, position: Some("18".to_owned()), ..full("mailer") });
    let stored = put(&kit, Cursor { version: stored.version, ..Cursor::new("mailer") }).await;
    assert_eq!(stored, Cursor { version: 3, ..Cursor::new("mailer") });
    assert_eq!(put(&kit, Cursor::new("empty")).await, Cursor { version: 1, ..Cursor::new("empty") });
}

/// Removing takes the version that was read; the name is free afterwards.
pub async fn s18_a_cursor_is_removed_over_the_version_that_was_read<F: Fixture>(kit: Kit<F>) {
    let first = put(&kit, full("mailer")).await;
    let second = put(&kit, first.clone()).await;
    assert_eq!(kit.commit(&moves([first.remove()])).await.lost_cursor.as_deref(), Some("mailer"));
    assert_eq!(kit.cursor("mailer").await.as_ref(), Some(&second));
    assert_eq!(kit.commit(&moves([second.clone().remove()])).await, Receipt::default());
    assert_eq!(kit.cursor("mailer").await, None);
    assert_eq!(kit.commit(&moves([second.clone().remove()])).await.lost_cursor.as_deref(), Some("mailer"));
    assert_eq!(kit.commit(&moves([second.put()])).await.lost_cursor.as_deref(), Some("mailer"));
    assert_eq!(put(&kit, Cursor::new("mailer")).await.version, 1);
}

/// Version 0 says that the name must not exist: removing what does not is nothing, and the rest applies.
pub async fn s18_removing_a_cursor_that_never_was_is_nothing<F: Fixture>(kit: Kit<F>) {
    let changes = Changeset { cursors: vec![Cursor::new("never").remove()], ..changeset(at(1), [insert(row("new"))]) };
    let receipt = kit.commit(&changes).await;
    assert_eq!((receipt.lost_cursor, receipt.outcomes.len()), (None, 1));
    assert_eq!(kit.cursor("never").await, None);
    assert!(kit.find(&key("new")).await.is_some());
}

/// Whatever else a changeset holds, and wherever the lost cursor stands in it.
pub async fn s18_a_lost_cursor_leaves_out_the_whole_changeset<F: Fixture>(kit: Kit<F>) {
    let read = kit.insert(row("read")).await;
    let held = put(&kit, full("held")).await;
    put(&kit, held.clone()).await;
    let other = put(&kit, full("other")).await;
    let (events, before) = (kit.events().await, kit.row(read.id).await);
    let lost = [
        held.clone().put(),
        Cursor { version: 9, ..held.clone() }.put(),
        Cursor { version: 0, ..held.clone() }.put(),
        Cursor { version: 1, ..full("never") }.put(),
        held.clone().remove(),
        Cursor { version: 0, ..held }.remove(),
        Cursor { version: 3, ..full("never") }.remove(),
    ];
    for lost in lost {
        for first in [true, false] {
            let mut cursors = vec![full("new").put(), other.clone().put()];
            cursors.insert(if first { 0 } else { 2 }, lost.clone());
            let scopes = vec![ScopeChange { scope: Scope::Kind(name("thing")), write: ScopeWrite::Pause }];
            let changes = [insert(row("new")), inform(&read, at(1)).into_change()];
            let changes = Changeset { cursors, scopes, ..changeset(at(1), changes) };
            let receipt = kit.commit(&changes).await;
            let expected = Receipt { lost_cursor: Some(lost.name().to_owned()), ..Receipt::default() };
            assert_eq!(receipt, expected, "{lost:?}");

            let mut tx = kit.begin().await;
            assert_eq!(kit.commit_in(&mut tx, &changes).await, expected, "{lost:?}");
            kit.end(tx, Keep::Commit).await;
        }
        assert_eq!(kit.find(&key("new")).await, None, "{lost:?}");
        assert_eq!(kit.row(read.id).await, before, "{lost:?}");
        assert_eq!(kit.events().await, events, "{lost:?}");
        assert_eq!(kit.cursor("new").await, None, "{lost:?}");
        assert_eq!(kit.cursor("other").await.as_ref(), Some(&other), "{lost:?}");
    }
}

/// Several that read the same version: one of them moves the cursor.
pub async fn s18_one_of_several_writers_moves_a_cursor<F: Fixture>(kit: Kit<F>) {
    for round in 0..10 {
        let mut read = full(&format!("{round}"));
        if round % 2 == 0 {
            read = put(&kit, read).await;
        }
        let mut tasks = JoinSet::new();
        for task in 0..4 {
            let (kit, cursor) = (kit.clone(), Cursor { data: Some(format!("{task}")), ..read.clone() });
            tasks.spawn(async move {
                let changes = Changeset {
                    cursors: vec![cursor.clone().put()],
                    ..changeset(at(1), [insert(row(&format!("{round}-{task}")))])
                };
                (cursor, kit.commit(&changes).await)
            });
        }
        let ends = soon("writers of one cursor", tasks.join_all()).await;
        let moved: Vec<&Cursor> =
            ends.iter().filter(|(_, receipt)| receipt.lost_cursor.is_none()).map(|(cursor, _)| cursor).collect();
        assert_eq!(moved.len(), 1, "{ends:?}");
        let stored = kit.cursor(&read.name).await.expect("a stored cursor");
        assert_eq!(stored, Cursor { version: read.version + 1, ..moved[0].clone() });
        assert_eq!(kit.events().await.len(), round + 1, "the others wrote nothing");
    }
}

/// A cursor that an open transaction has moved is waited for, and is lost once that commits.
pub async fn s18_a_cursor_of_an_open_transaction_is_waited_for<F: Fixture>(kit: Kit<F>) {
    for (keep, version) in [(Keep::Rollback, 0), (Keep::Commit, 0), (Keep::Rollback, 2), (Keep::Commit, 2)] {
        let cursor = Cursor { version, ..full("mailer") };
        let mut tx = kit.begin().await;
        assert_eq!(kit.commit_in(&mut tx, &moves([cursor.clone().put()])).await.lost_cursor, None);
        assert_eq!(kit.cursor("mailer").await.map_or(0, |cursor| cursor.version), version, "not yet to be seen");
        let (other, change) = (kit.clone(), moves([cursor.put()]));
        let other = JoinSet::from_iter([async move { other.commit(&change).await.lost_cursor }]);
        give_way().await;
        kit.end(tx, keep).await;
        let lost = soon("a write of a cursor that was being moved", other.join_all()).await.remove(0);
        assert_eq!(lost.is_some(), keep == Keep::Commit, "{keep:?} of version {version}");
        // Either way it has been written once; twice from here on.
        let stored = kit.cursor("mailer").await.expect("a stored cursor");
        assert_eq!(stored.version, version + 1);
        if keep == Keep::Rollback && version == 0 {
            assert_eq!(kit.commit(&moves([stored.remove()])).await.lost_cursor, None);
        } else if version == 0 {
            put(&kit, stored).await;
        } else if keep == Keep::Rollback {
            assert_eq!(kit.commit(&moves([stored.remove()])).await.lost_cursor, None);
            let stored = put(&kit, full("mailer")).await;
            put(&kit, stored).await;
        }
    }
}

/// By name: those that there are, each once.
pub async fn s18_cursors_are_found_by_name<F: Fixture>(kit: Kit<F>) {
    for name in ["b", "a", "c"] {
        put(&kit, full(name)).await;
    }
    let found = kit.cursors(&CursorQuery::Names(["c", "none", "a", "c"].map(str::to_owned).to_vec())).await;
    let mut found = names(&found);
    found.sort_unstable();
    assert_eq!(found, ["a", "c"]);
    assert_eq!(kit.cursors(&CursorQuery::Names(Vec::new())).await, []);
}

/// By the beginning of the name, byte for byte: no character in it means anything else.
pub async fn s18_cursors_are_found_by_the_beginning_of_their_name<F: Fixture>(kit: Kit<F>) {
    let all =
        ["a%b", "a%", "aXb", "a_b", "a-b", "A%b", "a\\b", "a*", "a[b", "ä", "az", "b", "a", "é%", "é_", "🦀x", "🦀"];
    kit.commit(&moves(all.map(|name| full(name).put()))).await;
    let expect = async |prefix: &str| {
        let found = kit.cursors(&CursorQuery::Prefix(prefix.to_owned())).await;
        let mut expected: Vec<&str> = all.into_iter().filter(|name| name.starts_with(prefix)).collect();
        expected.sort_unstable();
        assert_eq!(names(&found), expected, "prefix {prefix:?}");
        let due = CursorQuery::Due { prefix: prefix.to_owned(), now: at(5), limit: 100 };
        let mut due = names(&kit.cursors(&due).await).iter().map(ToString::to_string).collect::<Vec<_>>();
        due.sort_unstable();
        assert_eq!(due, expected, "due, prefix {prefix:?}");
    };
    for prefix in ["a", "a%", "a_", "a\\", "a*", "a[", "A", "%", "_", "", "é", "🦀", "zz", "a%b", "a%bc"] {
        expect(prefix).await;
    }
}

/// By when they are due, the longest due first.
pub async fn s18_cursors_are_found_by_when_they_are_due<F: Fixture>(kit: Kit<F>) {
    let due_at = |name: &str, next_at: Option<u64>| Cursor { next_at: next_at.map(at), ..full(name) };
    let cursors = [
        due_at("inform/5", Some(5)),
        due_at("inform/1", Some(1)),
        due_at("inform/9", Some(9)),
        due_at("inform/3", Some(3)),
        due_at("inform/never", None),
        due_at("leader/0", Some(0)),
    ];
    kit.commit(&moves(cursors.map(Cursor::put))).await;
    let due = async |prefix: &str, now, limit| {
        let query = CursorQuery::Due { prefix: prefix.to_owned(), now: at(now), limit };
        kit.cursors(&query).await.into_iter().map(|cursor| cursor.name).collect::<Vec<_>>()
    };
    assert_eq!(due("inform/", 5, 100).await, ["inform/1", "inform/3", "inform/5"]);
    assert_eq!(due("inform/", 5, 2).await, ["inform/1", "inform/3"]);
    assert_eq!(due("", 100, 2).await, ["leader/0", "inform/1"]);
    assert_eq!(due("inform/", 0, 100).await, [""; 0]);
}
