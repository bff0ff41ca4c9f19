use std::borrow::Cow;

use delta_core::{Error, ErrorKind};

/// Turns an error of the driver into one of Delta.
pub(super) fn error(operation: impl Into<Cow<'static, str>>, error: sqlx::Error) -> Error {
    let kind = match &error {
        sqlx::Error::Database(database) => {
            let code = database.code().and_then(|code| code.parse().ok()).unwrap_or(1);
            return from_database(operation.into(), code, database.message());
        }
        sqlx::Error::PoolClosed => ErrorKind::Closed,
        sqlx::Error::Configuration(_)
        | sqlx::Error::InvalidArgument(_)
        | sqlx::Error::InvalidSavePointStatement
        | sqlx::Error::BeginFailed => ErrorKind::Invalid,
        sqlx::Error::ColumnDecode { .. }
        | sqlx::Error::Decode(_)
        | sqlx::Error::ColumnNotFound(_)
        | sqlx::Error::ColumnIndexOutOfBounds { .. }
        | sqlx::Error::TypeNotFound { .. }
        | sqlx::Error::RowNotFound => ErrorKind::Corrupt,
        _ => ErrorKind::Unavailable,
    };
    Error::new(kind, operation, error)
}

/// Whether another connection is writing, and the same statement may do once it is done.
pub(super) fn is_busy(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(sqlx::error::DatabaseError::code);
    code.and_then(|code| code.parse::<i32>().ok()).is_some_and(|code| code != BUSY_SNAPSHOT && code & 0xff == BUSY)
}

// Result codes: https://www.sqlite.org/rescode.html. The low byte is the primary code.
const BUSY: i32 = 5;
const BUSY_SNAPSHOT: i32 = 517;
const IO_ERROR: i32 = 10;
const FULL: i32 = 13;

fn from_database(operation: Cow<'static, str>, code: i32, message: &str) -> Error {
    let kind = kind_of(code, message);
    let hint = match (kind, code & 0xff) {
        (ErrorKind::Unsupported, _) => "; run `delta migrate up`",
        (ErrorKind::Conflict, _) => "; another connection wrote after this transaction had begun to read",
        (_, FULL) => "; nothing was written: free some space on its disk",
        // Some files cannot say that there was no space: the memory that connections share (4874), for one.
        (_, IO_ERROR) => "; its disk may be full",
        _ => "",
    };
    Error::new(kind, operation, format!("{message} (sqlite code {code}){hint}"))
}

fn kind_of(code: i32, message: &str) -> ErrorKind {
    match (code, code & 0xff) {
        (BUSY_SNAPSHOT, _) => ErrorKind::Conflict,
        // SQLITE_ERROR says by its message only that a table is not there.
        (_, 1) if message.starts_with("no such table") || message.contains("no such column") => ErrorKind::Unsupported,
        // SQLITE_CORRUPT, SQLITE_NOTADB
        (_, 11 | 26) => ErrorKind::Corrupt,
        // SQLITE_ERROR, SQLITE_TOOBIG, SQLITE_CONSTRAINT, SQLITE_MISMATCH, SQLITE_MISUSE, SQLITE_RANGE
        (_, 1 | 18 | 19 | 20 | 21 | 25) => ErrorKind::Invalid,
        // SQLITE_NOLFS, SQLITE_AUTH
        (_, 22 | 23) => ErrorKind::Unsupported,
        // Busy, locked, out of memory or disk, read-only, interrupted, an I/O error, a file that does not open.
        _ => ErrorKind::Unavailable,
    }
}

/// Something stored that cannot be what it is.
pub(super) fn corrupt(operation: &'static str, what: impl Into<String>) -> Error {
    Error::new(ErrorKind::Corrupt, operation, what.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_result_code_says_what_to_do() {
        use ErrorKind::{Conflict, Corrupt, Invalid, Unavailable, Unsupported};
        let table = [
            (5, "database is locked", Unavailable),
            (261, "database is locked", Unavailable),
            (517, "database is locked", Conflict),
            (6, "database table is locked", Unavailable),
            (7, "out of memory", Unavailable),
            (8, "attempt to write a readonly database", Unavailable),
            (9, "interrupted", Unavailable),
            (10, "disk I/O error", Unavailable),
            (778, "disk I/O error", Unavailable),
            (4874, "disk I/O error", Unavailable),
            (13, "database or disk is full", Unavailable),
            (14, "unable to open database file", Unavailable),
            (11, "database disk image is malformed", Corrupt),
            (267, "database disk image is malformed", Corrupt),
            (26, "file is not a database", Corrupt),
            (1, "no such table: delta_resource", Unsupported),
            (1, "cannot start a transaction within a transaction", Invalid),
            (18, "string or blob too big", Invalid),
            (275, "CHECK constraint failed", Invalid),
            (2067, "UNIQUE constraint failed", Invalid),
            (20, "datatype mismatch", Invalid),
        ];
        for (code, message, kind) in table {
            assert_eq!(kind_of(code, message), kind, "{code} {message}");
        }
    }

    #[test]
    fn errors_of_the_driver_itself_say_what_to_do() {
        assert_eq!(error("x", sqlx::Error::PoolClosed).kind(), ErrorKind::Closed);
        assert_eq!(error("x", sqlx::Error::PoolTimedOut).kind(), ErrorKind::Unavailable);
        assert_eq!(error("x", sqlx::Error::WorkerCrashed).kind(), ErrorKind::Unavailable);
        assert_eq!(error("x", sqlx::Error::RowNotFound).kind(), ErrorKind::Corrupt);
    }

    #[test]
    fn a_full_disk_is_told_from_what_else_passes() {
        let full = |code, message| from_database("commit".into(), code, message).to_string();
        assert!(full(13, "database or disk is full").contains("disk is full (sqlite code 13); nothing was written"));
        assert!(full(4874, "disk I/O error").contains("its disk may be full"));
        assert!(!full(5, "database is locked").contains("disk"));
    }

    #[test]
    fn a_missing_table_says_how_to_mend_it() {
        let error = from_database("load".into(), 1, "no such table: delta_resource");
        assert!(error.to_string().contains("delta migrate up"), "{error}");
    }
}
