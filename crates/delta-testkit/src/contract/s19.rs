//! S19: a row keeps its last ten errors, and the count of all.

use delta_core::{AttemptError, Depth, Load, LoadBy, Resource, RunAt, State, Store};

use super::fixture::Fixture;
use super::kit::{Kit, applied};
use super::rows::{at, key, rescue, row, settle, update};

fn error(number: i64) -> AttemptError {
    AttemptError {
        at: at(u64::try_from(number).expect("a small number")),
        generation: 1,
        attempt: number,
        message: format!("failure {number}: \"no\" \\ 'way' é 🦀"),
        backtrace: (number % 3 == 0).then(|| format!("frame {number}\n\tat main.rs:1")),
    }
}

#[track_caller]
fn has(row: &Resource, count: i64, last: std::ops::Range<i64>) {
    let errors = &row.detail.as_ref().expect("a row loaded whole").errors;
    assert_eq!((row.error_count, errors), (count, &last.map(error).collect::<Vec<_>>()));
}

/// Attempts that fail one after the other, as workers, rescues and cancels record them.
pub async fn s19_a_row_keeps_its_last_ten_errors_and_counts_all<F: Fixture>(kit: Kit<F>) {
    let id = kit.insert(row("a")).await.id;
    has(&kit.row(id).await, 0, 1..1);
    for number in 1..=13 {
        let now = at(u64::try_from(number).expect("a small number"));
        if number % 4 == 0 {
            let read = kit.row(id).await;
            let mut update = update(&read, now);
            update.error = Some(error(number));
            applied(&kit.apply(now, update).await);
        } else {
            let claimed = kit.claim(now, 1).await.remove(0);
            let mut failed = if number % 2 == 0 { rescue(&claimed, at(1_000)) } else { settle(&claimed) };
            failed.error = Some(error(number));
            failed.unmoved.state = State::Failed;
            failed.unmoved.run_at = RunAt::At(now);
            applied(&kit.apply(now, failed).await);
        }
        let row = kit.row(id).await;
        has(&row, number, (number - 9).max(1)..number + 1);
    }
    let claimed = kit.claim(at(20), 1).await.remove(0);
    has(&claimed, 13, 4..14);
    applied(&kit.apply(at(21), settle(&claimed)).await);
    has(&kit.row(id).await, 13, 4..14);
}

/// An error of an outcome that moved is recorded as well; one of another row is not.
pub async fn s19_an_error_is_recorded_in_its_own_row_whatever_the_outcome<F: Fixture>(kit: Kit<F>) {
    let rows = kit.insert_all(["a", "b"].map(row)).await;
    let claimed = kit.claim(at(1), 9).await;
    applied(&kit.apply(at(2), super::rows::inform(&claimed[0], at(2))).await);
    let mut failed = settle(&claimed[0]);
    failed.error = Some(error(1));
    assert!(applied(&kit.apply(at(3), failed).await).moved);
    has(&kit.row(rows[0].id).await, 1, 1..2);
    has(&kit.row(rows[1].id).await, 0, 1..1);
}

/// The narrow part of a row has the count, and none of the errors.
pub async fn s19_a_head_has_the_count_of_errors<F: Fixture>(kit: Kit<F>) {
    let claimed = kit.claimed(row("a"), at(1)).await;
    let mut failed = settle(&claimed);
    failed.error = Some(error(1));
    applied(&kit.apply(at(2), failed).await);
    let mut conn = kit.reader().await;
    let load = Load { by: LoadBy::Keys(vec![key("a")]), depth: Depth::Head, access: delta_core::Access::Read };
    let heads = kit.store().load(&mut conn, &load).await.expect("a load");
    assert_eq!((heads[0].error_count, &heads[0].detail), (1, &None));
}

/// The longest message and backtrace come back whole.
pub async fn s19_the_longest_message_comes_back_whole<F: Fixture>(kit: Kit<F>) {
    let claimed = kit.claimed(row("a"), at(1)).await;
    let longest = AttemptError {
        message: "ä".repeat(AttemptError::MAX_MESSAGE / 2),
        backtrace: Some("🦀".repeat(AttemptError::MAX_MESSAGE / 4)),
        ..error(1)
    };
    let mut failed = settle(&claimed);
    failed.error = Some(longest.clone());
    applied(&kit.apply(at(2), failed).await);
    assert_eq!(kit.row(claimed.id).await.detail.expect("a detail").errors, [longest]);
}
