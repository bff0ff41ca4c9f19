use std::borrow::Cow;

use delta_core::{Error, ErrorKind};

/// Turns an error of the driver into one of Delta.
pub(super) fn error(operation: impl Into<Cow<'static, str>>, error: sqlx::Error) -> Error {
    use sqlx::Error as Driver;
    let operation = operation.into();
    let kind = match &error {
        Driver::Database(database) => {
            let code = database.code().unwrap_or_default();
            return from_database(operation, &code, database.message());
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

fn from_database(operation: Cow<'static, str>, code: &str, message: &str) -> Error {
    let (kind, hint) = kind_of(code);
    Error::new(kind, operation, format!("{message} (SQLSTATE {code}){hint}"))
}

/// What a SQLSTATE says to do: <https://www.postgresql.org/docs/current/errcodes-appendix.html>.
fn kind_of(code: &str) -> (ErrorKind, &'static str) {
    use ErrorKind::{Conflict, Corrupt, Invalid, Unavailable, Unsupported};
    const NO_SCHEMA: &str = "; the schema is missing or of another version: run `delta migrate up`, or name the schema";
    const NO_RIGHT: &str = "; grant the role USAGE on the schema, SELECT, INSERT, UPDATE and DELETE on its tables, and \
                            USAGE and SELECT on its sequences";
    const POOLER: &str = "; behind a connection pooler, turn the statement cache off";
    match code {
        "25P02" => (Conflict, "; roll the transaction back and repeat it"),
        "25006" => (Unavailable, "; the server is read-only: a standby, or set so"),
        // Lock not available, query cancelled, idle in a transaction for too long.
        "55P03" | "57014" | "25P03" => (Unavailable, ""),
        "42501" => (Unsupported, NO_RIGHT),
        "3F000" | "42P01" | "42703" | "42883" => (Unsupported, NO_SCHEMA),
        "26000" | "42P05" => (Unsupported, POOLER),
        "0A000" => (Unsupported, ""),
        _ => match code.get(..2).unwrap_or_default() {
            "40" => (Conflict, ""),
            // Connection, resources, limits, operator intervention, the system; and the server's own faults.
            "08" | "53" | "54" | "57" | "58" => (Unavailable, ""),
            "XX" | "F0" => (Corrupt, ""),
            _ => (Invalid, ""),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_sqlstate_says_what_to_do() {
        use ErrorKind::{Conflict, Corrupt, Invalid, Unavailable, Unsupported};
        let table = [
            ("08000", Unavailable),
            ("08006", Unavailable),
            ("08P01", Unavailable),
            ("57P01", Unavailable),
            ("57P02", Unavailable),
            ("57P03", Unavailable),
            ("57014", Unavailable),
            ("53100", Unavailable),
            ("53200", Unavailable),
            ("53300", Unavailable),
            ("58030", Unavailable),
            ("25006", Unavailable),
            ("25P03", Unavailable),
            ("55P03", Unavailable),
            ("40001", Conflict),
            ("40P01", Conflict),
            ("25P02", Conflict),
            ("42501", Unsupported),
            ("3F000", Unsupported),
            ("42P01", Unsupported),
            ("42703", Unsupported),
            ("42883", Unsupported),
            ("26000", Unsupported),
            ("42P05", Unsupported),
            ("0A000", Unsupported),
            ("22021", Invalid),
            ("22P05", Invalid),
            ("22003", Invalid),
            ("23505", Invalid),
            ("23514", Invalid),
            ("28P01", Invalid),
            ("3D000", Invalid),
            ("XX000", Corrupt),
            ("XX001", Corrupt),
            ("", Invalid),
        ];
        for (code, kind) in table {
            assert_eq!(kind_of(code).0, kind, "{code}");
        }
    }

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
