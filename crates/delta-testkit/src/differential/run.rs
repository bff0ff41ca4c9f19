use std::cell::Cell;
use std::future::Future;
use std::panic::AssertUnwindSafe;

use proptest::strategy::Strategy;
use proptest::test_runner::{Config, FileFailurePersistence, TestCaseError, TestRunner};

use super::compare;
use super::step::Step;
use super::world::World;
use crate::contract::{Fixture, MemoryFixture};
use crate::record::{self, Proof};

/// How many histories are tried, unless `PROPTEST_CASES` says otherwise.
const CASES: u32 = 32;

/// Goes through a history on two stores with empty databases, and compares every answer and all that is left.
///
/// # Panics
///
/// Panics at the first difference.
pub async fn check<R: Fixture, O: Fixture>(reference: R, other: O, steps: &[Step]) {
    let mut world = World::new(reference, other);
    for step in steps {
        world.step(step).await;
    }
    compare::everything(&world, 0, 7).await;
}

/// Tries histories on the memory store and on the store under test, each time on a fresh fixture. Histories that once
/// failed are kept in a file beside the test and tried first: `<test>.regressions`. If the fixture names its store, it is
/// noted that the test has passed.
///
/// # Panics
///
/// Panics with the shortest history found that tells the stores apart.
pub fn run<F, Made>(source: &'static str, histories: impl Strategy<Value = Vec<Step>>, make: impl Fn() -> Made)
where
    F: Fixture,
    Made: Future<Output = F>,
{
    if F::backend().is_some_and(|backend| !backend.enabled()) {
        return;
    }
    let cases = if std::env::var_os("PROPTEST_CASES").is_some() { Config::default().cases } else { CASES };
    let config = Config {
        cases,
        max_shrink_iters: 300,
        source_file: Some(source),
        failure_persistence: Some(Box::new(FileFailurePersistence::WithSource("regressions"))),
        ..Config::default()
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime of two threads");
    let store = Cell::new(None);
    let result = TestRunner::new(config).run(&histories, |steps| {
        let history = async {
            let other = make().await;
            store.set(other.store_name());
            check(MemoryFixture::new(), other, &steps).await;
        };
        std::panic::catch_unwind(AssertUnwindSafe(|| runtime.block_on(history)))
            .map_err(|panic| TestCaseError::fail(message(panic.as_ref())))
    });
    if let Err(error) = result {
        panic!("{error}");
    }
    if let Some(store) = store.get() {
        record::case_ended(store, Proof::Differential);
    }
}

fn message(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("a panic").to_owned()
}
