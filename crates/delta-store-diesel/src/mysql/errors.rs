use deadpool::managed::{PoolError, TimeoutType};
use delta_core::{Error, ErrorKind};
use delta_sql::mysql::server_error;
use diesel::ConnectionError;
use diesel::result::{DatabaseErrorKind, Error as DieselError};
use diesel_async::pooled_connection::PoolError as ConnectError;

use crate::refused::Refused;

const OPERATION: &str = "connect";

/// The number that an error of the server is known by, as far as diesel tells it.
pub(super) fn number_of(error: &DieselError) -> Option<u16> {
    match error {
        DieselError::DatabaseError(kind, _) => match kind {
            DatabaseErrorKind::UniqueViolation => Some(1062),
            DatabaseErrorKind::ForeignKeyViolation => Some(1452),
            DatabaseErrorKind::ReadOnlyTransaction => Some(1792),
            DatabaseErrorKind::NotNullViolation => Some(1048),
            DatabaseErrorKind::CheckViolation => Some(3819),
            _ => None,
        },
        _ => None,
    }
}

/// Turns an error of diesel, with the server's number where that has told one, into one of Delta.
pub(super) fn numbered(operation: &'static str, number: Option<u16>, error: DieselError) -> Error {
    let kind = match &error {
        DieselError::DatabaseError(_, information) => {
            return match number {
                Some(number) => server_error(operation, number, information.message()),
                // It is none of the server's: the driver lost it, or could not reach it.
                None => Error::new(ErrorKind::Unavailable, operation, information.message()),
            };
        }
        DieselError::DeserializationError(_) | DieselError::NotFound => ErrorKind::Corrupt,
        // A future was dropped half-way.
        DieselError::BrokenTransactionManager => ErrorKind::Unavailable,
        _ => ErrorKind::Invalid,
    };
    Error::new(kind, operation, error)
}

/// Turns an error of connecting into one of Delta.
pub(super) fn connect_error(error: &mysql_async::Error) -> Error {
    match error {
        mysql_async::Error::Server(reported) => server_error(OPERATION, reported.code, &reported.message),
        mysql_async::Error::Url(_) => Error::new(ErrorKind::Invalid, OPERATION, "the address is not valid"),
        other => Error::new(ErrorKind::Unavailable, OPERATION, other.to_string()),
    }
}

/// Turns an error of setting a session up into one of Delta.
pub(super) fn setup_error(error: ConnectionError) -> Error {
    match error {
        ConnectionError::CouldntSetupConfiguration(error) => numbered(OPERATION, number_of(&error), error),
        other => Error::new(ErrorKind::Unavailable, OPERATION, other),
    }
}

/// Turns an error of a pool into one of Delta.
pub(super) fn pool_error(operation: &'static str, error: PoolError<ConnectError>) -> Error {
    let what = match error {
        PoolError::Closed => return Error::new(ErrorKind::Closed, operation, "the pool is closed"),
        PoolError::Timeout(TimeoutType::Wait) => "no connection came free in time: the pool is exhausted".to_owned(),
        PoolError::Timeout(TimeoutType::Create) => "expected an answer of the server in time, found none".to_owned(),
        PoolError::Timeout(TimeoutType::Recycle) => "an idle connection did not answer in time".to_owned(),
        PoolError::Backend(error) => match (Refused::kind_of(&error), error) {
            (Some((kind, what)), _) => return Error::new(kind, operation, what),
            (None, ConnectError::QueryError(error)) => return numbered(operation, number_of(&error), error),
            (None, ConnectError::ConnectionError(ConnectionError::InvalidConnectionUrl(_))) => {
                return Error::new(ErrorKind::Invalid, operation, "the address of the pool's database is not valid");
            }
            (None, ConnectError::ConnectionError(error)) => error.to_string(),
        },
        other => other.to_string(),
    };
    Error::new(ErrorKind::Unavailable, operation, what)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn database(kind: DatabaseErrorKind) -> DieselError {
        DieselError::DatabaseError(kind, Box::new("?".to_owned()))
    }

    #[test]
    fn the_servers_number_decides() {
        use ErrorKind::{Conflict, Invalid, Unavailable, Unsupported};
        for (number, kind) in
            [(1213, Conflict), (1205, Conflict), (1040, Unavailable), (1146, Unsupported), (1366, Invalid)]
        {
            assert_eq!(numbered("test", Some(number), database(DatabaseErrorKind::Unknown)).kind(), kind, "{number}");
        }
    }

    #[test]
    fn what_diesel_tells_is_a_number_too() {
        use ErrorKind::{Conflict, Invalid};
        for (kind, expected) in [
            (DatabaseErrorKind::UniqueViolation, Invalid),
            (DatabaseErrorKind::ForeignKeyViolation, Invalid),
            (DatabaseErrorKind::NotNullViolation, Invalid),
            (DatabaseErrorKind::CheckViolation, Invalid),
            (DatabaseErrorKind::ReadOnlyTransaction, Conflict),
        ] {
            let error = database(kind);
            let number = number_of(&error);
            assert!(number.is_some());
            assert_eq!(numbered("test", number, error).kind(), expected, "{number:?}");
        }
        assert_eq!(number_of(&database(DatabaseErrorKind::Unknown)), None);
    }

    #[test]
    fn what_is_not_the_servers_passes_or_is_wrong() {
        let kind = |error| numbered("test", None, error).kind();
        assert_eq!(kind(database(DatabaseErrorKind::Unknown)), ErrorKind::Unavailable);
        assert_eq!(kind(DieselError::BrokenTransactionManager), ErrorKind::Unavailable);
        assert_eq!(kind(DieselError::NotFound), ErrorKind::Corrupt);
        assert_eq!(kind(DieselError::NotInTransaction), ErrorKind::Invalid);
        assert_eq!(pool_error("test", PoolError::Closed).kind(), ErrorKind::Closed);
        assert_eq!(pool_error("test", PoolError::Timeout(TimeoutType::Wait)).kind(), ErrorKind::Unavailable);
    }

    #[test]
    fn connecting_tells_what_to_do() {
        let server = |code| {
            let error = mysql_async::ServerError { code, message: "?".to_owned(), state: "HY000".to_owned() };
            connect_error(&mysql_async::Error::Server(error)).kind()
        };
        assert_eq!(server(1045), ErrorKind::Invalid);
        assert_eq!(server(1049), ErrorKind::Invalid);
        assert_eq!(server(1040), ErrorKind::Unavailable);
        let refused = std::io::Error::from(std::io::ErrorKind::ConnectionRefused);
        assert_eq!(connect_error(&mysql_async::Error::Io(refused.into())).kind(), ErrorKind::Unavailable);
    }
}
