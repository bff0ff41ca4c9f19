use std::sync::OnceLock;

use super::super::blocking::blocking;
use super::super::{DatabaseError, postgres_blocking};
use super::pooler::PgBouncer;

/// Gets the pooler that all tests of this process share, in front of the [shared server](crate::database::postgres); the
/// first call starts it.
///
/// # Errors
///
/// A failed start is remembered: every later call returns the same error.
///
/// # Cancel safety
///
/// A dropped call gets the pooler ready all the same, for the next.
pub async fn pgbouncer() -> Result<&'static PgBouncer, DatabaseError> {
    static SHARED: OnceLock<Result<PgBouncer, DatabaseError>> = OnceLock::new();
    let start = || PgBouncer::start(postgres_blocking()?.url(), &[]);
    blocking(move || SHARED.get_or_init(start).as_ref().map_err(Clone::clone)).await
}
