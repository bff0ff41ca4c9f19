//! S15: the schema is checked. That a missing, older or newer one is refused takes a database to show, and is a test of the
//! store's own.

use delta_core::Store;

use super::fixture::Fixture;
use super::kit::Kit;

/// The schema that the fixture made is the one that the program needs.
pub async fn s15_a_database_of_this_version_passes_the_check<F: Fixture>(kit: Kit<F>) {
    let mut conn = kit.reader().await;
    kit.store().check(&mut conn).await.expect("a database that is ready");
    let mut conn = kit.writer().await;
    kit.store().check(&mut conn).await.expect("a database that is ready");
}
