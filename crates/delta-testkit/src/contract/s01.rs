//! S1: a changeset applies whole or not at all, events included; a dropped future leaves either all or nothing.

use std::collections::BTreeSet;
use std::time::Duration;

use delta_core::Browse;
use delta_core::{
    Access, Change, Changeset, Cursor, CursorQuery, Depth, Event, Filter, LaneQuery, ListQuery, Load, LoadBy, Names,
    Resource, ResourceId, Scope, ScopeChange, ScopeRecord, ScopeWrite, State, Store,
};

use super::fixture::{Fixture, Keep};
use super::kit::{Kit, applied, object_ids, soon};
use super::rows::{
    IntoChange, at, changeset, draft, inform, insert, key, lane, name, remove, renew, row, settle, update,
};

/// One of each kind of write.
struct Everything {
    changes: Changeset,
    ids: Vec<ResourceId>,
}

async fn everything<F: Fixture>(kit: &Kit<F>) -> Everything {
    let mut claimed = Vec::new();
    for id in ["settled", "renewed"] {
        claimed.push(kit.claimed(row(id), at(0)).await);
    }
    let read = kit.insert_all(["updated", "removed"].map(row)).await;
    let changes = changeset(
        at(1),
        [
            insert(row("new")),
            settle(&claimed[0]).into_change(),
            renew(&claimed[1], at(600)).into_change(),
            inform(&read[0], at(1)).into_change(),
            remove(&read[1]).into_change(),
        ],
    );
    let changes = Changeset {
        cursors: vec![Cursor { position: Some("7".to_owned()), ..Cursor::new("mailer") }.put()],
        scopes: vec![ScopeChange { scope: Scope::Namespace(name("default")), write: ScopeWrite::Pause }],
        ..changes
    };
    Everything { changes, ids: claimed.iter().chain(&read).map(|row| row.id).collect() }
}

/// All that is committed, in so far as [`everything`] touches it.
async fn committed<F: Fixture>(
    kit: &Kit<F>,
    ids: &[ResourceId],
) -> (Vec<Resource>, Option<Resource>, Vec<Event>, Option<Cursor>, Vec<ScopeRecord>) {
    (
        kit.load(LoadBy::Ids(ids.to_vec())).await,
        kit.find(&key("new")).await,
        kit.events().await,
        kit.cursor("mailer").await,
        kit.scopes().await.into_iter().filter(|record| record.paused).collect(),
    )
}

/// Rows, events, cursors and scopes of one changeset are there together.
pub async fn s01_a_changeset_applies_whole<F: Fixture>(kit: Kit<F>) {
    let Everything { changes, ids } = everything(&kit).await;
    let before = kit.events().await.len();
    let receipt = kit.commit(&changes).await;
    assert!(receipt.outcomes.iter().all(|outcome| outcome.applied().is_some()), "{receipt:?}");
    assert_eq!(receipt.lost_cursor, None);
    let (rows, new, events, cursor, paused) = committed(&kit, &ids).await;
    assert_eq!(object_ids(&rows), ["settled", "renewed", "updated"]);
    assert_eq!(new.map(|row| row.id), Some(applied(&receipt.outcomes[0]).id));
    assert_eq!(cursor.and_then(|cursor| cursor.position), Some("7".to_owned()));
    assert_eq!(paused.len(), 1);
    let kinds: Vec<String> = events[before..].iter().map(|event| event.kind.to_string()).collect();
    let expected =
        ["object_scheduled(created)", "object_synced", "object_scheduled(changed)", "object_purged", "object_paused"];
    assert_eq!(kinds, expected);
}

/// An empty changeset is nothing.
pub async fn s01_an_empty_changeset_changes_nothing<F: Fixture>(kit: Kit<F>) {
    let receipt = kit.commit(&Changeset::new(at(0))).await;
    assert_eq!(receipt, delta_core::Receipt::default());
    assert_eq!(kit.events().await, []);
}

/// What a transaction wrote is seen in it, and by nobody else before it is committed.
pub async fn s01_joined_commits_are_seen_by_others_once_the_caller_commits<F: Fixture>(kit: Kit<F>) {
    let Everything { changes, ids } = everything(&kit).await;
    let before = committed(&kit, &ids).await;

    let mut tx = kit.begin().await;
    let receipt = kit.commit_in(&mut tx, &changes).await;
    assert!(receipt.outcomes.iter().all(|outcome| outcome.applied().is_some()), "{receipt:?}");

    let own = Load { by: LoadBy::Keys(vec![key("new")]), depth: Depth::Full, access: Access::Read };
    assert_eq!(object_ids(&kit.store().load(&mut tx, &own).await.expect("a load")), ["new"]);
    let own = Load { by: LoadBy::Ids(ids.clone()), depth: Depth::Full, access: Access::Read };
    let own = kit.store().load(&mut tx, &own).await.expect("a load");
    assert_eq!(object_ids(&own), ["settled", "renewed", "updated"]);
    assert_eq!(own[0].state, State::Synced);
    let mailer = CursorQuery::Names(vec!["mailer".to_owned()]);
    assert_eq!(kit.store().cursors(&mut tx, &mailer).await.expect("cursors").len(), 1);

    assert_eq!(committed(&kit, &ids).await, before);
    let mut conn = kit.reader().await;
    let all = ListQuery { filter: Filter::default(), after: ResourceId::default(), limit: 100, depth: Depth::Head };
    let listed = kit.store().list(&mut conn, &all).await.expect("a list");
    assert_eq!(object_ids(&listed), ["settled", "renewed", "updated", "removed"]);
    let lanes = LaneQuery { now: at(9), namespaces: Names::All, kinds: Names::All };
    assert_eq!(kit.store().lanes(&mut conn, &lanes).await.expect("lanes"), [lane()]);
    drop(conn);

    kit.end(tx, Keep::Commit).await;
    let (rows, new, events, cursor, paused) = committed(&kit, &ids).await;
    assert_eq!(object_ids(&rows), ["settled", "renewed", "updated"]);
    assert!(new.is_some() && cursor.is_some() && paused.len() == 1);
    assert_eq!(events.len(), before.2.len() + 5);
}

/// Nothing of a rolled-back transaction is left: no row, no event, no cursor, no pause.
pub async fn s01_a_rollback_leaves_nothing<F: Fixture>(kit: Kit<F>) {
    let Everything { changes, ids } = everything(&kit).await;
    let before = committed(&kit, &ids).await;
    let mut tx = kit.begin().await;
    let receipt = kit.commit_in(&mut tx, &changes).await;
    assert!(receipt.outcomes.iter().all(|outcome| outcome.applied().is_some()), "{receipt:?}");
    kit.end(tx, Keep::Rollback).await;
    assert_eq!(committed(&kit, &ids).await, before);
    let receipt = kit.commit(&changes).await;
    assert!(receipt.outcomes.iter().all(|outcome| outcome.applied().is_some()), "it is free again: {receipt:?}");
}

/// A transaction that its caller drops is rolled back.
pub async fn s01_a_dropped_transaction_leaves_nothing<F: Fixture>(kit: Kit<F>) {
    let Everything { changes, ids } = everything(&kit).await;
    let before = committed(&kit, &ids).await;
    let mut tx = kit.begin().await;
    kit.commit_in(&mut tx, &changes).await;
    drop(tx);
    assert_eq!(committed(&kit, &ids).await, before);
    let receipt = soon("a commit of what a dropped transaction held", kit.commit(&changes)).await;
    assert!(receipt.outcomes.iter().all(|outcome| outcome.applied().is_some()), "it is free again: {receipt:?}");
}

/// A commit whose future is dropped, at whatever point it is, has applied whole or not at all.
pub async fn s01_a_dropped_commit_leaves_all_or_nothing<F: Fixture>(kit: Kit<F>) {
    const ROWS: usize = 50;
    for polls in 0..24_u32 {
        let prefix = format!("{polls}-");
        let rows = (0..ROWS).map(|n| insert(row(&format!("{prefix}{n}"))));
        let changes = changeset(at(0), rows);
        let mut conn = kit.writer().await;
        let done = poll_some(polls, kit.store().commit(&mut conn, &changes)).await.is_some();
        kit.store().discard(conn);
        let count = settled_count(&kit, &prefix).await;
        assert!(count == ROWS || (count == 0 && !done), "after {polls} polls: {count} of {ROWS} rows");
    }
}

/// Polls a future at most so often, with a moment in between for what it waits for, and drops it then.
pub(crate) async fn poll_some<T>(polls: u32, future: impl Future<Output = T>) -> Option<T> {
    let mut future = std::pin::pin!(future);
    for poll in 0..polls {
        if let std::task::Poll::Ready(done) = futures::poll!(future.as_mut()) {
            return Some(done);
        }
        #[expect(clippy::disallowed_methods, reason = "moves the point at which the future is dropped")]
        tokio::time::sleep(Duration::from_micros(u64::from(poll) * 20)).await;
    }
    None
}

/// How many rows there are whose ids begin so, once there are as many events: a server may be busy with a dropped
/// statement for a while.
async fn settled_count<F: Fixture>(kit: &Kit<F>, prefix: &str) -> usize {
    soon("rows and events agree", async {
        loop {
            let mut conn = kit.reader().await;
            let filter = Filter { object_id_prefix: Some(prefix.to_owned()), ..Filter::default() };
            let all = ListQuery { filter, after: ResourceId::default(), limit: 1_000, depth: Depth::Head };
            let rows = kit.store().list(&mut conn, &all).await.expect("a list");
            drop(conn);
            let ids: BTreeSet<ResourceId> = rows.iter().map(|row| row.id).collect();
            let about = |event: &Event| match &event.subject {
                delta_core::Subject::Resource { id, key, .. } => {
                    assert!(
                        ids.contains(id) || !key.object_id.as_str().starts_with(prefix) || ids.is_empty(),
                        "an event without its row: {event:?}"
                    );
                    ids.contains(id)
                }
                delta_core::Subject::Scope(_) => false,
            };
            if kit.events().await.iter().filter(|event| about(event)).count() == rows.len() {
                return rows.len();
            }
            tokio::task::yield_now().await;
        }
    })
    .await
}

/// A claim whose future is dropped has settled and claimed, or neither.
pub async fn s01_a_dropped_claim_leaves_all_or_nothing<F: Fixture>(kit: Kit<F>) {
    const ROWS: usize = 20;
    for polls in 0..24_u32 {
        let done = kit.claimed(row(&format!("done-{polls}")), at(0)).await;
        let rows = kit.insert_all((0..ROWS).map(|n| row(&format!("{polls}-{n}")))).await;
        let finished = changeset(at(1), [settle(&done)]);
        let request = kit.request(at(1), [(lane(), 1_000)]);
        let mut conn = kit.writer().await;
        poll_some(polls, kit.store().claim(&mut conn, &finished, &request)).await;
        kit.store().discard(conn);
        let ids: Vec<ResourceId> = rows.iter().map(|row| row.id).chain([done.id]).collect();
        let loaded = kit.load(LoadBy::Ids(ids)).await;
        let claimed = loaded.iter().filter(|row| row.state == State::Pending && row.id != done.id).count();
        let settled = loaded.iter().any(|row| row.id == done.id && row.state == State::Synced);
        let whole = if settled { claimed == ROWS } else { claimed == 0 };
        assert!(whole, "after {polls} polls: settled {settled}, {claimed} of {ROWS} claimed");
        // Nothing of this round is left to be claimed in the next.
        soon("the rest of the round is claimed", async {
            loop {
                kit.claim(at(2), 1_000).await;
                let mut conn = kit.reader().await;
                let lanes = LaneQuery { now: at(2), namespaces: Names::All, kinds: Names::All };
                if kit.store().lanes(&mut conn, &lanes).await.expect("lanes").is_empty() {
                    return;
                }
                drop(conn);
                tokio::task::yield_now().await;
            }
        })
        .await;
    }
}

/// An event belongs to its change: both of a changeset's changes have theirs, and one without drafts has none.
pub async fn s01_a_change_without_events_appends_none<F: Fixture>(kit: Kit<F>) {
    let read = kit.insert(row("a")).await;
    let before = kit.events().await.len();
    let mut touched = update(&read, at(1));
    touched.row.state_since = at(1);
    applied(&kit.apply(at(1), touched).await);
    assert_eq!(kit.events().await.len(), before);
    let read = kit.row(read.id).await;
    let mut twice = update(&read, at(2));
    twice.row.paused = true;
    twice.events = vec![draft(delta_core::EventKind::Paused), draft(delta_core::EventKind::Resumed)];
    applied(&kit.apply(at(2), Change::Update(Box::new(twice))).await);
    assert_eq!(kit.events().await.len(), before + 2);
}
