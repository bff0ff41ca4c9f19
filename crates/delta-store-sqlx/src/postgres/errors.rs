use std::borrow::Cow;

use delta_core::{Error, ErrorKind};
use delta_sql::postgres::server_error;

/// Turns an error of the driver into one of Delta.
pub(super) fn error(operation: impl Into<Cow<'static, str>>, error: sqlx::Error) -> Error {
    use sqlx::Error as Driver;
    let operation = operation.into();
    let kind = match &error {
        Driver::Database(database) => {
            let code = database.code().unwrap_or_default();
            return server_error(operation, &code, database.message());
        }
        Driver::PoolClosed => ErrorKind::Closed,
        Driver::PoolTimedOut => {
            let what = "no connection came free in time: the pool is exhausted, or the server cannot be reached";
            return Error::new(ErrorKind::Unavailable, operation, what);
        }
        // What a begin says of a transaction that failed before.
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
