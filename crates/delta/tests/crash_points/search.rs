//! Tries points, many at once.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};

use delta_testkit::fault::Operation;
use futures::{StreamExt as _, stream};

use crate::chance::Seed;
use crate::points::{self, Points};
use crate::stores::Crashed;
use crate::trial::{self, how_to_repeat};

/// Says that all points are tried.
const NIGHTLY: &str = "DELTA_NIGHTLY";

/// How many runs are counted.
const COUNTED: usize = 3;

/// Kills processes of a store at the point that is given, at a sample of so many, or, at night, at all of them.
pub(crate) async fn search<S: Crashed>(size: usize) {
    if let Some(points) = points::given() {
        match trial::run::<S>(&points).await {
            Ok(trial) => println!("{}\n{} of {} points reached", trial.history, trial.reached, points.len()),
            Err(error) => panic!("{}\n{error}", how_to_repeat::<S>(&points)),
        }
        return;
    }
    let all = points::all(&count::<S>().await);
    let known = all.len();
    let chosen = if std::env::var_os(NIGHTLY).is_some_and(|value| value == "1") {
        all.into_iter().map(|point| vec![point]).collect()
    } else {
        points::sample(all, size, &mut Seed::take(S::WORD).of("points", 0))
    };
    let (tried, reached) = try_all::<S>(&chosen).await;
    println!("{}: {known} points, {tried} tried, {reached} reached", S::WORD);
    // A run may be over before a call that another one made: but most must have been reached, or this shows nothing.
    assert!(reached * 2 >= tried, "{}: {reached} of {tried} points were reached", S::WORD);
}

/// How often each operation is called by a process that is not killed: the least of several, as how often is looked for
/// work depends on how long all of it takes.
async fn count<S: Crashed>() -> Vec<(Operation, u64)> {
    let whole = async || {
        let trial = trial::run::<S>(&Vec::new()).await;
        trial.unwrap_or_else(|error| panic!("{}: without a crash: {error}", S::WORD)).calls
    };
    let mut least: BTreeMap<Operation, u64> = BTreeMap::new();
    for calls in futures::future::join_all((0..COUNTED).map(|_| whole())).await {
        for (operation, calls) in calls {
            least.entry(operation).and_modify(|least| *least = calls.min(*least)).or_insert(calls);
        }
    }
    least.into_iter().collect()
}

async fn try_all<S: Crashed>(chosen: &[Points]) -> (usize, usize) {
    let reached = AtomicUsize::new(0);
    let failed: Vec<String> = stream::iter(chosen)
        .map(async |points| match trial::run::<S>(points).await {
            Ok(trial) => {
                reached.fetch_add(usize::from(trial.reached > 0), Ordering::Relaxed);
                None
            }
            Err(error) => Some(format!("{}\n{error}", how_to_repeat::<S>(points))),
        })
        .buffer_unordered(S::AT_ONCE)
        .filter_map(std::future::ready)
        .collect()
        .await;
    assert!(failed.is_empty(), "{} of {} points failed; the first:\n{}", failed.len(), chosen.len(), failed[0]);
    (chosen.len(), reached.load(Ordering::Relaxed))
}
