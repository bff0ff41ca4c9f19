use std::borrow::Cow;

use delta_core::{Error, ErrorKind};
use delta_sql::mysql::server_error;
use sqlx::mysql::MySqlDatabaseError;

/// A key that was to be inserted exists.
const DUPLICATE: u16 = 1062;
/// A deadlock: the whole transaction was undone.
const DEADLOCK: u16 = 1213;
/// A savepoint does not exist.
const NO_SAVEPOINT: u16 = 1305;

/// The number of an error that the server reported.
fn number(error: &sqlx::Error) -> Option<u16> {
    let database = error.as_database_error()?;
    database.try_downcast_ref::<MySqlDatabaseError>().map(MySqlDatabaseError::number)
}

/// Whether a key exists that was to be inserted.
pub(super) fn is_duplicate(error: &sqlx::Error) -> bool {
    number(error) == Some(DUPLICATE)
}

/// Whether a deadlock has undone the whole transaction.
pub(super) fn is_deadlock(error: &sqlx::Error) -> bool {
    number(error) == Some(DEADLOCK)
}

/// Whether a savepoint does not exist: the whole transaction was undone, as some servers do after waiting for a lock.
pub(super) fn is_without_savepoint(error: &sqlx::Error) -> bool {
    number(error) == Some(NO_SAVEPOINT)
}

/// Turns an error of the driver into one of Delta.
pub(super) fn error(operation: impl Into<Cow<'static, str>>, error: sqlx::Error) -> Error {
    use sqlx::Error as Driver;
    let operation = operation.into();
    let kind = match &error {
        Driver::Database(database) => {
            return server_error(operation, number(&error).unwrap_or(0), database.message());
        }
        Driver::PoolClosed => ErrorKind::Closed,
        Driver::PoolTimedOut => {
            let what = "no connection came free in time: the pool is exhausted, or the server cannot be reached";
            return Error::new(ErrorKind::Unavailable, operation, what);
        }
        // What a savepoint says of a transaction that a deadlock undid before.
        Driver::BeginFailed => ErrorKind::Conflict,
        Driver::Configuration(_)
        | Driver::InvalidArgument(_)
        | Driver::InvalidSavePointStatement
        | Driver::Encode(_) => ErrorKind::Invalid,
        Driver::ColumnDecode { .. }
        | Driver::Decode(_)
        | Driver::ColumnNotFound(_)
        | Driver::ColumnIndexOutOfBounds { .. }
        | Driver::TypeNotFound { .. }
        | Driver::RowNotFound => ErrorKind::Corrupt,
        _ => ErrorKind::Unavailable,
    };
    Error::new(kind, operation, error)
}

/// For `map_err`: names what was being done.
pub(super) fn during(operation: &'static str) -> impl FnOnce(sqlx::Error) -> Error {
    move |source| error(operation, source)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_error_of_the_driver_says_what_to_do() {
        let kind = |source| error("test", source).kind();
        assert_eq!(kind(sqlx::Error::PoolTimedOut), ErrorKind::Unavailable);
        assert_eq!(kind(sqlx::Error::PoolClosed), ErrorKind::Closed);
        assert_eq!(kind(sqlx::Error::Io(std::io::ErrorKind::ConnectionReset.into())), ErrorKind::Unavailable);
        assert_eq!(kind(sqlx::Error::Protocol("?".to_owned())), ErrorKind::Unavailable);
        assert_eq!(kind(sqlx::Error::RowNotFound), ErrorKind::Corrupt);
        assert_eq!(kind(sqlx::Error::BeginFailed), ErrorKind::Conflict);
        assert_eq!(kind(sqlx::Error::Encode("too early".into())), ErrorKind::Invalid);
    }
}
