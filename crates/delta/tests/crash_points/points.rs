//! Which points there are, and which of them are tried.

use std::env;

use delta_testkit::fault::{CrashPoint, Operation, Side};
use rand::RngExt as _;
use rand::rngs::StdRng;
use rand::seq::SliceRandom as _;

/// Names the points to be tried, separated by commas: one for each start of the process. It tells a process its own, too.
pub(crate) const POINT: &str = "DELTA_CRASH_POINT";

/// The points at which one process after the other is killed; the one after the last comes to rest.
pub(crate) type Points = Vec<CrashPoint>;

/// Those that were asked for.
pub(crate) fn given() -> Option<Points> {
    let text = env::var(POINT).ok()?;
    Some(text.split(',').map(|point| point.parse().unwrap_or_else(|error| panic!("{POINT}: {error}"))).collect())
}

pub(crate) fn named(points: &Points) -> String {
    points.iter().map(CrashPoint::to_string).collect::<Vec<_>>().join(",")
}

/// Whether a call of it writes, or ends or begins what was written. Between two that do not, the database is as it was.
fn writes(operation: Operation) -> bool {
    matches!(
        operation,
        Operation::Migrate
            | Operation::Commit
            | Operation::Claim
            | Operation::BeginTx
            | Operation::CommitTx
            | Operation::RollbackTx
            | Operation::Trim
            | Operation::PutDeadLetter
            | Operation::MarkDeadLetters
    )
}

/// All points of a run with so many calls: on both sides of each call, and in the middle of those that write.
pub(crate) fn all(calls: &[(Operation, u64)]) -> Vec<CrashPoint> {
    let mut points = Vec::new();
    for (operation, calls) in calls.iter().copied() {
        for nth in 1..=calls {
            let mut add = |side| points.push(CrashPoint { operation, nth, side });
            add(Side::Before);
            if writes(operation) {
                // What is sent at once, and what is sent once the first answers have come.
                for polls in [1, 2, 4, 8] {
                    add(Side::Middle { polls });
                }
            }
            add(Side::After);
        }
    }
    points
}

/// A sample, one of four with a second crash of the process that is started next.
pub(crate) fn sample(points: Vec<CrashPoint>, size: usize, rng: &mut StdRng) -> Vec<Points> {
    let (mut writes, mut reads): (Vec<_>, Vec<_>) = points.into_iter().partition(|point| writes(point.operation));
    writes.shuffle(rng);
    reads.shuffle(rng);
    // Reads change nothing: few of them stand for all.
    let few = reads.into_iter().take(size / 6);
    let first: Vec<CrashPoint> = few.chain(writes.iter().copied()).take(size).collect();
    let second = |rng: &mut StdRng| (rng.random_range(0..4) == 0).then(|| writes[rng.random_range(0..writes.len())]);
    first.into_iter().map(|point| [point].into_iter().chain(second(rng)).collect()).collect()
}
