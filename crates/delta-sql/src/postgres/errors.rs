use std::borrow::Cow;

use delta_core::{Error, ErrorKind, Result};

/// The oldest server that is supported, as servers number themselves.
const OLDEST: u32 = 140_000;

/// Turns an error that the server reported into one of Delta.
#[must_use]
pub fn server_error(operation: impl Into<Cow<'static, str>>, code: &str, message: &str) -> Error {
    let (kind, hint) = kind_of(code);
    Error::new(kind, operation.into(), format!("{message} (SQLSTATE {code}){hint}"))
}

/// Refuses a server that is too old, by what it says for `SHOW server_version_num`.
///
/// # Errors
///
/// `Unsupported`, with both versions.
pub fn check_server_version(version: u32) -> Result<()> {
    if version >= OLDEST {
        return Ok(());
    }
    let what = format!("expected PostgreSQL 14 or newer, found {}.{}", version / 10_000, version % 10_000);
    Err(Error::new(ErrorKind::Unsupported, "connect", what))
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
    fn a_server_is_refused_that_is_too_old() {
        assert!(check_server_version(140_000).is_ok());
        let error = check_server_version(130_014).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported);
        assert!(error.to_string().contains("found 13.14"), "{error}");
    }
}
