use std::future::Future;

use super::fixture::Fixture;
use super::kit::Kit;

/// Runs one case on a fresh fixture, on a runtime of its own.
///
/// # Panics
///
/// Panics if the case fails.
pub fn run<F, Made, Ran>(make: impl FnOnce() -> Made, case: impl FnOnce(Kit<F>) -> Ran)
where
    F: Fixture,
    Made: Future<Output = F>,
    Ran: Future<Output = ()>,
{
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime of two threads");
    runtime.block_on(async { case(Kit::new(make().await)).await });
}
