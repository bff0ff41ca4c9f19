use std::borrow::Cow;

use delta_core::{Error, ErrorKind};

/// Turns an error that the server reported, by its number, into one of Delta.
#[must_use]
pub fn server_error(operation: impl Into<Cow<'static, str>>, number: u16, message: &str) -> Error {
    let (kind, hint) = kind_of(number);
    Error::new(kind, operation.into(), format!("{message} (error {number}){hint}"))
}

/// What an error number says to do: <https://dev.mysql.com/doc/mysql-errors/8.0/en/server-error-reference.html> and
/// <https://mariadb.com/kb/en/mariadb-error-code-reference/>.
fn kind_of(number: u16) -> (ErrorKind, &'static str) {
    use ErrorKind::{Conflict, Corrupt, Invalid, Unavailable, Unsupported};
    const NO_TABLES: &str =
        "; the tables are missing or of another version: run `delta migrate up`, or name their prefix";
    const NO_RIGHT: &str = "; grant the user SELECT, INSERT, UPDATE and DELETE on the tables";
    const BINLOG: &str = "; set binlog_format to ROW or MIXED";
    match number {
        // Deadlock, lock wait, a savepoint that a deadlock took with it, a certification or a transaction that failed;
        // and MariaDB's for a row that changed since the snapshot.
        1213 | 1205 | 1305 | 1614 | 3101 | 1020 => (Conflict, "; roll the transaction back and repeat it"),
        // What a transaction says that was opened to refuse all writes after a deadlock.
        1792 => (Conflict, "; the transaction only reads, or a deadlock has undone it: roll it back and repeat it"),
        1290 | 1836 | 3989 => (Unavailable, "; the server only reads: a replica, or set so"),
        // Locked for NOWAIT, interrupted, timed out, killed; too many connections, of this user too; out of memory, files,
        // disk, threads; shutting down, or lost; a transaction beyond what a node takes, or a node that is none at present.
        3572
        | 1317
        | 1969
        | 3024
        | 1927
        | 1080
        | 1040
        | 1203
        | 1226
        | 1037
        | 1038
        | 1041
        | 1021
        | 1023
        | 1026
        | 1114
        | 1135
        | 1053
        | 1077
        | 1079
        | 1042
        | 1043
        | 1047
        | 1152
        | 1154..=1161
        | 1184
        | 1180
        | 1181
        | 1189
        | 1190
        | 2002..=2006
        | 2013
        | 2055
        | 1197
        | 1206
        | 3100
        | 3797
        | 4031 => (Unavailable, ""),
        1146 | 1054 | 1051 | 1109 => (Unsupported, NO_TABLES),
        1142 | 1143 | 1370 | 1227 | 1044 => (Unsupported, NO_RIGHT),
        1665 => (Unsupported, BINLOG),
        1419 => (Unsupported, "; set log_bin_trust_function_creators"),
        // What this server does not have: syntax, functions, variables, engines, features.
        1064 | 1193 | 1235 | 1286 | 1295 | 1231 => (Unsupported, ""),
        // The server's own faults: files and indexes that are broken, or not its own.
        1033 | 1034 | 1035 | 1194 | 1195 | 1030 | 1105 | 1712 | 1877 => (Corrupt, ""),
        _ => (Invalid, ""),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_number_says_what_to_do() {
        use ErrorKind::{Conflict, Corrupt, Invalid, Unavailable, Unsupported};
        let table = [
            (1213, Conflict),
            (1205, Conflict),
            (1305, Conflict),
            (1020, Conflict),
            (1792, Conflict),
            (3572, Unavailable),
            (1290, Unavailable),
            (1836, Unavailable),
            (1040, Unavailable),
            (1203, Unavailable),
            (1053, Unavailable),
            (1114, Unavailable),
            (1317, Unavailable),
            (1927, Unavailable),
            (2006, Unavailable),
            (2013, Unavailable),
            (1146, Unsupported),
            (1054, Unsupported),
            (1142, Unsupported),
            (1044, Unsupported),
            (1665, Unsupported),
            (1064, Unsupported),
            (1034, Corrupt),
            (1062, Invalid),
            (1045, Invalid),
            (1049, Invalid),
            (1153, Invalid),
            (1366, Invalid),
            (1406, Invalid),
            (1264, Invalid),
            (1048, Invalid),
            (3819, Invalid),
            (4025, Invalid),
            (0, Invalid),
        ];
        for (number, kind) in table {
            assert_eq!(kind_of(number).0, kind, "{number}");
        }
    }
}
