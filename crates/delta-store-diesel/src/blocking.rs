//! What blocks, as a future that is ready at once.

use delta_core::{Error, ErrorKind, Result};
use delta_sql::driver::Driver;
use futures::FutureExt;

/// Does something in the transaction that a connection is in, or else in one of its own.
pub(crate) fn in_transaction<D: Driver, T>(
    driver: &D,
    conn: &mut D::Conn,
    begin: &'static str,
    work: impl FnOnce(&mut D::Conn) -> Result<T>,
) -> Result<T> {
    if driver.is_in_transaction(conn) {
        return work(conn);
    }
    ready(driver.begin(conn, begin, "begin"))?;
    let done = work(conn);
    let ended = match &done {
        Ok(_) => ready(driver.commit(conn, "commit")),
        Err(_) => ready(driver.rollback(conn, "rollback")),
    };
    if ended.is_err() {
        driver.abandon(conn);
    }
    // The first error is the one to tell of.
    done.and_then(|done| ended.map(|()| done))
}

/// What a future comes to that waits for nothing.
fn ready<T>(future: impl Future<Output = Result<T>>) -> Result<T> {
    let waits = || Error::new(ErrorKind::Unsupported, "blocking", "expected what waits for nothing, found what does");
    future.now_or_never().unwrap_or_else(|| Err(waits()))
}
