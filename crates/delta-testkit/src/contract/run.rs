use std::future::Future;
use std::time::Duration;

use super::fixture::Fixture;
use super::kit::Kit;
use crate::record::{self, Proof};

/// How long a case may take before it counts as hanging.
const LIMIT: Duration = Duration::from_mins(5);

/// Runs one case of [`store_contract!`](crate::store_contract) as [`run_as`] does.
///
/// # Panics
///
/// Panics if the case fails, or takes longer than five minutes.
pub fn run<F, Made, Ran>(make: impl FnOnce() -> Made, case: impl FnOnce(Kit<F>) -> Ran)
where
    F: Fixture,
    Made: Future<Output = F>,
    Ran: Future<Output = ()> + Send + 'static,
{
    run_as(Proof::Contract, make, case);
}

/// Runs one case on a fresh fixture, on a runtime of its own, and notes that this proof of
/// the store has passed, if the fixture names it.
///
/// # Panics
///
/// Panics if the case fails, or takes longer than five minutes.
pub fn run_as<F, Made, Ran>(proof: Proof, make: impl FnOnce() -> Made, case: impl FnOnce(Kit<F>) -> Ran)
where
    F: Fixture,
    Made: Future<Output = F>,
    Ran: Future<Output = ()> + Send + 'static,
{
    if F::backend().is_some_and(|backend| !backend.enabled()) {
        return;
    }
    let name = std::thread::current().name().unwrap_or("a case").to_owned();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .thread_name(name)
        .enable_all()
        .build()
        .expect("a runtime of two threads");
    let mut store = None;
    let ended = runtime.block_on(async {
        let fixture = make().await;
        store = fixture.store_name();
        // As a task of its own: even a case that never yields does not keep the limit from being noticed.
        let case = runtime.spawn(case(Kit::new(fixture)));
        tokio::time::timeout(LIMIT, case).await
    });
    match ended {
        Ok(Ok(())) => {
            if let Some(store) = store {
                record::case_ended(store, proof);
            }
        }
        Ok(Err(failed)) => std::panic::resume_unwind(failed.into_panic()),
        Err(_) => {
            runtime.shutdown_background();
            panic!("the case hangs: it still runs after {LIMIT:?}");
        }
    }
}
