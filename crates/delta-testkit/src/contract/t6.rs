//! T6: trimming applications' logs, as L2 has it for Delta's own.

use delta_core::{ErrorKind, EventTable, EventTables, Gap, Gaps, LogStore, Position, TRIM_PREFIX, Trimmed};

use super::fixture::{Fixture, Keep};
use super::kit::Kit;
use super::rows::{at, row};
use super::tables::{news, plain, position, positions, refused};

async fn mark<F: Fixture<Store: EventTables>>(kit: &Kit<F>, table: &EventTable) -> Position {
    let mut conn = kit.reader().await;
    kit.store().table_trimmed(&mut conn, table).await.expect("the mark")
}

async fn log<F: Fixture<Store: EventTables>>(kit: &Kit<F>, table: &EventTable) -> Vec<Position> {
    kit.create(table).await;
    kit.append(table, &news(["a", "b", "c", "d", "e", "f"])).await
}

/// So many at a time.
pub async fn t6_the_oldest_events_go_first_and_the_mark_says_so<F: Fixture<Store: EventTables>>(kit: Kit<F>) {
    for table in [plain("passed"), plain("waited").gaps(Gaps::Waited)] {
        let all = log(&kit, &table).await;
        assert_eq!(mark(&kit, &table).await, Position::START);
        assert_eq!(kit.trim_table(&table, all[3], 3).await, Trimmed { events: 3, up_to: all[2] });
        assert_eq!(kit.trim_table(&table, all[3], 3).await, Trimmed { events: 1, up_to: all[3] });
        assert_eq!(kit.trim_table(&table, all[3], 3).await, Trimmed { events: 0, up_to: all[3] });
        assert_eq!(kit.trim_table(&table, all[0], 3).await, Trimmed { events: 0, up_to: all[3] });
        assert_eq!(mark(&kit, &table).await, all[3]);
        let cursor = kit.cursor(&format!("{TRIM_PREFIX}{}", table.log_name())).await.expect("the mark's cursor");
        assert_eq!(cursor.position, Some(all[3].to_string()));
        assert_eq!(positions(&kit.read_all(&table).await), all[4..]);
    }
}

/// Nor is a position behind a gap that readers wait at.
pub async fn t6_a_position_above_the_head_is_invalid<F: Fixture<Store: EventTables>>(kit: Kit<F>) {
    let table = plain("events");
    let all = log(&kit, &table).await;
    for beyond in [all[5].get() + 1, i64::MAX] {
        refused(kit.try_trim_table(&table, position(beyond), 10).await, ErrorKind::Invalid);
    }
    assert_eq!(positions(&kit.read_all(&table).await), all);

    let table = plain("waited").gaps(Gaps::Waited);
    kit.create(&table).await;
    let all = kit.append_with_gaps(&table, &["a", "-", "b"]).await;
    refused(kit.try_trim_table(&table, all[2], 10).await, ErrorKind::Invalid);
    assert_eq!(kit.trim_table(&table, all[0], 10).await, Trimmed { events: 1, up_to: all[0] });
    refused(kit.try_trim_table(&table, all[2], 10).await, ErrorKind::Invalid);
    assert_eq!(kit.read_after(&table, all[0], 10).await.gap, Some(Gap { after: all[0], before: all[2] }));
}

/// And those at the start begin at the mark.
pub async fn t6_readers_behind_the_mark_are_too_old<F: Fixture<Store: EventTables>>(kit: Kit<F>) {
    let table = plain("events");
    let all = log(&kit, &table).await;
    kit.trim_table(&table, all[3], 10).await;
    refused(kit.try_read(&table, all[2], 10).await, ErrorKind::CursorTooOld);
    refused(kit.try_read(&table, all[0], 0).await, ErrorKind::CursorTooOld);
    assert_eq!(positions(&kit.read_after(&table, all[3], 10).await.events), all[4..]);
    assert_eq!(positions(&kit.read_after(&table, Position::START, 10).await.events), all[4..]);
    kit.trim_table(&table, all[5], 10).await;
    refused(kit.try_read(&table, all[4], 10).await, ErrorKind::CursorTooOld);
    let page = kit.read_after(&table, Position::START, 10).await;
    assert_eq!((page.events.len(), page.head, page.next), (0, all[5], all[5]), "the head stays where it is");
}

/// Who waits for missing ids begins after what was trimmed.
pub async fn t6_ids_that_were_trimmed_are_no_gap<F: Fixture<Store: EventTables>>(kit: Kit<F>) {
    let table = plain("events").gaps(Gaps::Waited);
    let all = log(&kit, &table).await;
    kit.trim_table(&table, all[2], 10).await;
    let page = kit.read_after(&table, Position::START, 10).await;
    assert_eq!((positions(&page.events), page.gap), (all[3..].to_vec(), None));
    assert_eq!(kit.fill(&table, Gap { after: Position::START, before: all[3] }, at(9)).await, 0);
    kit.trim_table(&table, all[5], 10).await;
    let next = kit.append(&table, &news(["g"])).await;
    let page = kit.read_after(&table, Position::START, 10).await;
    assert_eq!((positions(&page.events), page.gap), (next, None));
}

/// Events and mark alike.
pub async fn t6_a_trim_falls_with_its_transaction<F: Fixture<Store: EventTables>>(kit: Kit<F>) {
    let table = plain("events");
    let all = log(&kit, &table).await;
    let mut tx = kit.begin().await;
    let trimmed = kit.store().trim_table(&mut tx, &table, all[1], 10).await.expect("a trim");
    assert_eq!(trimmed, Trimmed { events: 2, up_to: all[1] });
    assert_eq!(positions(&kit.read_after(&table, all[0], 10).await.events), all[1..], "others see all");
    kit.end(tx, Keep::Rollback).await;
    assert_eq!(positions(&kit.read_all(&table).await), all);
    assert_eq!(mark(&kit, &table).await, Position::START);
}

/// And Delta's own log has another.
pub async fn t6_each_table_has_a_mark_of_its_own<F: Fixture<Store: EventTables>>(kit: Kit<F>) {
    let (one, other) = (plain("one"), plain("other"));
    let (all, others) = (log(&kit, &one).await, log(&kit, &other).await);
    kit.insert_all([row("x"), row("y")]).await;
    kit.trim_table(&one, all[3], 10).await;
    assert_eq!(mark(&kit, &other).await, Position::START);
    let mut conn = kit.reader().await;
    assert_eq!(kit.store().trimmed(&mut conn).await.expect("the mark"), Position::START);
    drop(conn);
    assert_eq!(positions(&kit.read_after(&other, others[0], 10).await.events), others[1..]);
    assert_eq!(kit.events().await.len(), 2);
    let own = kit.events().await[0].position;
    let mut conn = kit.writer().await;
    kit.store().trim(&mut conn, own, 10).await.expect("a trim");
    drop(conn);
    assert_eq!((mark(&kit, &one).await, mark(&kit, &other).await), (all[3], Position::START));
}
