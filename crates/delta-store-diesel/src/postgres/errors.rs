use std::borrow::Cow;

use deadpool::managed::{PoolError, TimeoutType};
use delta_core::{Error, ErrorKind};
use delta_sql::postgres::server_error;
use diesel::result::{DatabaseErrorKind, Error as DieselError};
use diesel_async::AsyncPgConnection;
use diesel_async::pooled_connection::PoolError as ConnectError;

use super::tap::LastCode;
use crate::refused::Refused;

/// Turns an error that diesel had on a connection into one of Delta.
pub(super) fn error(
    operation: impl Into<Cow<'static, str>>,
    conn: &mut AsyncPgConnection,
    error: DieselError,
) -> Error {
    // Taken in any case, lest it be held for the code of a later error.
    let code = LastCode::of(conn);
    coded(operation, code, error)
}

/// Turns an error of diesel, with the server's SQLSTATE where it is known, into one of Delta.
pub(super) fn coded(operation: impl Into<Cow<'static, str>>, code: Option<String>, error: DieselError) -> Error {
    let operation = operation.into();
    let kind = match &error {
        DieselError::DatabaseError(kind, information) => {
            let message = information.message();
            let code = code.map(Cow::Owned).or_else(|| code_of(*kind).or_else(|| code_in(message)).map(Cow::Borrowed));
            return match code {
                Some(code) => server_error(operation, &code, message),
                None if matches!(kind, DatabaseErrorKind::Unknown) => {
                    Error::new(ErrorKind::Invalid, operation, message)
                }
                // It could not be sent, or there is nobody any more to send it to.
                None => Error::new(ErrorKind::Unavailable, operation, message),
            };
        }
        DieselError::RollbackErrorOnCommit { commit_error, .. } => {
            return coded(operation, code, copy(commit_error));
        }
        DieselError::DeserializationError(_) | DieselError::NotFound => ErrorKind::Corrupt,
        // A transaction was dropped half-way.
        DieselError::BrokenTransactionManager => ErrorKind::Unavailable,
        _ => ErrorKind::Invalid,
    };
    Error::new(kind, operation, error)
}

/// The part of an error that says what it is: diesel's are not to be cloned.
fn copy(error: &DieselError) -> DieselError {
    match error {
        DieselError::DatabaseError(kind, information) => {
            let kind = match kind {
                DatabaseErrorKind::SerializationFailure => DatabaseErrorKind::SerializationFailure,
                DatabaseErrorKind::UnableToSendCommand => DatabaseErrorKind::UnableToSendCommand,
                DatabaseErrorKind::ClosedConnection => DatabaseErrorKind::ClosedConnection,
                _ => DatabaseErrorKind::Unknown,
            };
            DieselError::DatabaseError(kind, Box::new(information.message().to_owned()))
        }
        _ => DieselError::BrokenTransactionManager,
    }
}

/// What diesel tells of a SQLSTATE.
fn code_of(kind: DatabaseErrorKind) -> Option<&'static str> {
    Some(match kind {
        DatabaseErrorKind::UniqueViolation => "23505",
        DatabaseErrorKind::ForeignKeyViolation => "23503",
        DatabaseErrorKind::NotNullViolation => "23502",
        DatabaseErrorKind::CheckViolation => "23514",
        DatabaseErrorKind::SerializationFailure => "40001",
        DatabaseErrorKind::ReadOnlyTransaction => "25006",
        _ => return None,
    })
}

/// How a server that speaks English words an error whose SQLSTATE is hidden: for connections that were made without
/// [`LastCode`], and whose server nobody can ask for more.
const WORDS: [(&str, &str, &str); 18] = [
    ("deadlock detected", "", "40P01"),
    ("current transaction is aborted", "", "25P02"),
    ("could not serialize access", "", "40001"),
    ("could not obtain lock", "", "55P03"),
    ("canceling statement due to lock timeout", "", "55P03"),
    ("canceling statement", "", "57014"),
    ("terminating connection due to idle-in-transaction timeout", "", "25P03"),
    ("terminating connection", "", "57P01"),
    ("the database system is", "", "57P03"),
    ("sorry, too many clients already", "", "53300"),
    ("remaining connection slots are reserved", "", "53300"),
    ("permission denied for", "", "42501"),
    ("schema ", " does not exist", "3F000"),
    ("relation ", " does not exist", "42P01"),
    ("column ", " does not exist", "42703"),
    ("function ", " does not exist", "42883"),
    ("prepared statement ", " does not exist", "26000"),
    ("prepared statement ", " already exists", "42P05"),
];

fn code_in(message: &str) -> Option<&'static str> {
    let fits = |&&(start, end, _): &&(&str, &str, &str)| message.starts_with(start) && message.ends_with(end);
    WORDS.iter().find(fits).map(|(_, _, code)| *code)
}

/// Turns an error of connecting into one of Delta.
pub(super) fn connect_error(operation: impl Into<Cow<'static, str>>, error: &tokio_postgres::Error) -> Error {
    if let Some(reported) = error.as_db_error() {
        return server_error(operation, reported.code().code(), reported.message());
    }
    let what = error.to_string();
    // How the driver words what is missing in, or contradicts itself in, its configuration.
    let kind = if what.starts_with("invalid configuration") { ErrorKind::Invalid } else { ErrorKind::Unavailable };
    Error::new(kind, operation, what)
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
            (None, ConnectError::QueryError(error)) => return coded(operation, None, error),
            (None, ConnectError::ConnectionError(diesel::ConnectionError::CouldntSetupConfiguration(error))) => {
                return coded(operation, None, error);
            }
            (None, ConnectError::ConnectionError(diesel::ConnectionError::InvalidConnectionUrl(_))) => {
                return Error::new(ErrorKind::Invalid, operation, "the address of the pool's database is not valid");
            }
            (None, error @ ConnectError::ConnectionError(_)) => error.to_string(),
        },
        other => other.to_string(),
    };
    Error::new(ErrorKind::Unavailable, operation, what)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn database(kind: DatabaseErrorKind, message: &str) -> DieselError {
        DieselError::DatabaseError(kind, Box::new(message.to_owned()))
    }

    #[test]
    fn a_known_code_decides_whatever_language_the_server_speaks() {
        use ErrorKind::{Conflict, Invalid, Unavailable, Unsupported};
        for (code, kind) in [
            ("40P01", Conflict),
            ("25P02", Conflict),
            ("57014", Unavailable),
            ("53300", Unavailable),
            ("42501", Unsupported),
            ("23505", Invalid),
        ] {
            let unknown = database(DatabaseErrorKind::Unknown, "Verklemmung entdeckt");
            let error = coded("test", Some(code.to_owned()), unknown);
            assert_eq!(error.kind(), kind, "{code}");
            assert!(error.to_string().contains(code), "{error}");
        }
    }

    #[test]
    fn without_a_code_diesels_kind_decides_or_the_servers_words() {
        use DatabaseErrorKind as Kind;
        use ErrorKind::{Conflict, Corrupt, Invalid, Unavailable, Unsupported};
        for (kind, message, expected) in [
            (Kind::SerializationFailure, "?", Conflict),
            (Kind::ReadOnlyTransaction, "?", Unavailable),
            (Kind::UniqueViolation, "?", Invalid),
            (Kind::CheckViolation, "?", Invalid),
            (Kind::NotNullViolation, "?", Invalid),
            (Kind::ForeignKeyViolation, "?", Invalid),
            (Kind::UnableToSendCommand, "connection closed", Unavailable),
            (Kind::ClosedConnection, "gone", Unavailable),
            (Kind::Unknown, "deadlock detected", Conflict),
            (Kind::Unknown, "current transaction is aborted, commands ignored until end of block", Conflict),
            (Kind::Unknown, "could not obtain lock on row in relation \"resource\"", Unavailable),
            (Kind::Unknown, "canceling statement due to lock timeout", Unavailable),
            (Kind::Unknown, "canceling statement due to user request", Unavailable),
            (Kind::Unknown, "terminating connection due to administrator command", Unavailable),
            (Kind::Unknown, "the database system is starting up", Unavailable),
            (Kind::Unknown, "sorry, too many clients already", Unavailable),
            (Kind::Unknown, "permission denied for table resource", Unsupported),
            (Kind::Unknown, "schema \"delta\" does not exist", Unsupported),
            (Kind::Unknown, "relation \"delta.resource\" does not exist", Unsupported),
            (Kind::Unknown, "prepared statement \"s1\" does not exist", Unsupported),
            (Kind::Unknown, "prepared statement \"s1\" already exists", Unsupported),
            (Kind::Unknown, "database \"x\" does not exist", Invalid),
            (Kind::Unknown, "syntax error at or near \"x\"", Invalid),
        ] {
            assert_eq!(coded("test", None, database(kind, message)).kind(), expected, "{message}");
        }
        for (error, expected) in [
            (DieselError::BrokenTransactionManager, Unavailable),
            (DieselError::NotFound, Corrupt),
            (DieselError::DeserializationError("?".into()), Corrupt),
            (DieselError::SerializationError("?".into()), Invalid),
            (DieselError::NotInTransaction, Invalid),
        ] {
            assert_eq!(coded("test", None, error).kind(), expected);
        }
    }

    #[test]
    fn a_pool_says_what_to_do() {
        let kind = |error| pool_error("test", error).kind();
        assert_eq!(kind(PoolError::Closed), ErrorKind::Closed);
        for timeout in [TimeoutType::Wait, TimeoutType::Create, TimeoutType::Recycle] {
            assert_eq!(kind(PoolError::Timeout(timeout)), ErrorKind::Unavailable);
        }
        let bad = diesel::ConnectionError::BadConnection("refused".to_owned());
        assert_eq!(kind(PoolError::Backend(ConnectError::ConnectionError(bad))), ErrorKind::Unavailable);
        let url = diesel::ConnectionError::InvalidConnectionUrl("postgres://u:secret@".to_owned());
        let error = pool_error("test", PoolError::Backend(ConnectError::ConnectionError(url)));
        assert_eq!(error.kind(), ErrorKind::Invalid);
        assert!(!error.to_string().contains("secret"), "{error}");
    }
}
