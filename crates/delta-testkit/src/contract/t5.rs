//! T5: filling gaps.

use delta_core::{EventTables, ForeignId, ForeignIdType, Gap, Gaps, Position};

use super::fixture::{Fixture, Keep};
use super::kit::{Kit, skipped, soon};
use super::rows::at;
use super::tables::{about, new, news, plain, position, positions};

/// About zero, of the kind 0, and of the moment that was said; readers go on.
pub async fn t5_missing_ids_are_filled_with_noop_events<F: Fixture<Store: EventTables>>(kit: Kit<F>) {
    let table = plain("events").gaps(Gaps::Waited);
    kit.create(&table).await;
    let all = kit.append_with_gaps(&table, &["a", "-", "-", "b"]).await;
    let gap = Gap { after: all[0], before: all[3] };
    assert_eq!(kit.fill(&table, gap, at(9)).await, 2);
    assert_eq!(kit.fill(&table, gap, at(10)).await, 0, "it is filled");
    let found = kit.read_all(&Kit::<F>::showing(&table)).await;
    assert_eq!(positions(&found), all);
    for noop in &found[1..3] {
        assert!(noop.is_noop(), "{noop:?}");
        assert_eq!((&noop.foreign_id, noop.at), (&ForeignId::from("0"), at(9)));
    }
    kit.append(&table, &news(["c"])).await;
    assert_eq!(about(&kit.read_until(&table, 3).await), ["a", "b", "c"], "the next id is a new one");

    let table = plain("numbers").gaps(Gaps::Waited).foreign_ids(ForeignIdType::Int);
    kit.create(&table).await;
    let ids = kit.append(&table, &[new(1)]).await;
    let gap = Gap { after: ids[0], before: position(ids[0].get() + 1) };
    assert_eq!(kit.fill(&table, gap, at(9)).await, 0, "there is nothing between");
}

/// The gap after the start.
pub async fn t5_the_first_ids_are_filled_too<F: Fixture<Store: EventTables>>(kit: Kit<F>) {
    let table = plain("events").gaps(Gaps::Waited);
    kit.create(&table).await;
    let all = kit.append_with_gaps(&table, &["-", "-", "a"]).await;
    let gap = kit.read_after(&table, Position::START, 10).await.gap.expect("a gap");
    assert_eq!(gap, Gap { after: Position::START, before: all[2] });
    assert_eq!(kit.fill(&table, gap, at(9)).await, 2);
    assert_eq!(about(&kit.read_all(&table).await), ["a"]);
}

/// It may yet be committed: nothing is written over it, and nobody waits for it to end.
pub async fn t5_an_id_of_an_open_transaction_is_left_to_it<F: Fixture<Store: EventTables>>(kit: Kit<F>) {
    if !kit.has_many_writers() {
        return skipped("the store has one writer: no transaction is open beside it");
    }
    let table = plain("events").gaps(Gaps::Waited);
    kit.create(&table).await;
    kit.append(&table, &news(["a"])).await;
    let mut tx = kit.begin().await;
    let held = kit.append_in(&mut tx, &table, &news(["held"])).await[0];
    let mut gone = kit.begin().await;
    kit.append_in(&mut gone, &table, &news(["-"])).await;
    kit.end(gone, Keep::Rollback).await;
    let last = kit.append(&table, &news(["last"])).await[0];
    let gap = Gap { after: position(held.get() - 1), before: last };
    soon("a fill beside an open transaction", kit.fill(&table, gap, at(9))).await;
    let page = kit.read_after(&table, Position::START, 10).await;
    assert_eq!(about(&page.events), ["a"], "what is open is still waited for");
    kit.end(tx, Keep::Commit).await;
    soon("a fill", kit.fill(&table, gap, at(9))).await;
    assert_eq!(about(&kit.read_until(&table, 3).await), ["a", "held", "last"]);
    let shown = kit.read_all(&Kit::<F>::showing(&table)).await;
    assert_eq!(shown.iter().filter(|event| event.is_noop()).count(), 1, "{shown:?}");
}

/// A gap that was seen long ago may be none any more.
pub async fn t5_what_was_committed_meanwhile_is_left_as_it_is<F: Fixture<Store: EventTables>>(kit: Kit<F>) {
    let table = plain("events").gaps(Gaps::Waited);
    kit.create(&table).await;
    let all = kit.append_with_gaps(&table, &["a", "-", "b", "-", "c"]).await;
    assert_eq!(kit.fill(&table, Gap { after: Position::START, before: all[4] }, at(9)).await, 2);
    let shown = kit.read_all(&Kit::<F>::showing(&table)).await;
    assert_eq!(about(&shown), ["a", "0", "b", "0", "c"]);
}

/// Ids that were not given out yet are no gap: the next event gets one of them.
pub async fn t5_nothing_is_filled_beyond_the_end<F: Fixture<Store: EventTables>>(kit: Kit<F>) {
    let table = plain("events").gaps(Gaps::Waited);
    kit.create(&table).await;
    let end = kit.append(&table, &news(["a", "b"])).await[1];
    let forged = Gap { after: end, before: position(end.get() + 5) };
    assert_eq!(kit.fill(&table, forged, at(9)).await, 0);
    let huge = Gap { after: Position::START, before: position(i64::MAX) };
    assert_eq!(soon("a fill of a forged gap", kit.fill(&table, huge, at(9))).await, 0);
    kit.append(&table, &news(["c"])).await;
    assert_eq!(about(&kit.read_until(&table, 3).await), ["a", "b", "c"]);
}
