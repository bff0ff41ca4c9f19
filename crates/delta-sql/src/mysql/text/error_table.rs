use std::fmt::Write;
use std::sync::Arc;

use delta_core::{ErrorColumns, ErrorTable};

use super::event_table::{TIME, micros, quoted};
use super::rows;

/// The statements about one table of dead letters.
#[derive(Debug)]
pub(crate) struct ErrorTableSql {
    /// Puts one. Parameters: consumer, position, message, status, time of creation, time of change, and the log, the event
    /// and the attempts as far as there are columns for them.
    pub(crate) put: Arc<str>,
    /// Those that are chosen. Parameters: after which id; the consumer or NULL, twice; status or NULL, twice; position or
    /// NULL, twice; the log or NULL, twice, if there is a column for it; at most so many.
    pub(crate) list: Arc<str>,
    /// Locks some in some statuses. Parameters: ids, statuses as a list.
    pub(crate) lock: Arc<str>,
    /// Gives some another status. Parameters: ids, the status, the time.
    pub(crate) mark: Arc<str>,
}

impl ErrorTableSql {
    pub(crate) fn new(table: &ErrorTable) -> Self {
        let name = quoted(table.name());
        let ErrorColumns { id, consumer, position, message, created_at, updated_at, status, log, event, attempts } =
            table.columns();
        let mut columns =
            format!("`{consumer}`, `{position}`, `{message}`, `{status}`, `{created_at}`, `{updated_at}`");
        let mut values = format!("?, ?, ?, ?, {TIME}, {TIME}");
        for column in [log, event, attempts].into_iter().flatten() {
            let _ = write!(columns, ", `{column}`");
            values.push_str(", ?");
        }
        let mut update = format!("`{id}` = LAST_INSERT_ID(`{id}`)");
        for column in [message, status, updated_at].into_iter().chain(attempts) {
            let _ = write!(update, ", `{column}` = VALUES(`{column}`)");
        }
        let optional =
            |column: &Option<String>| column.as_ref().map_or("NULL".to_owned(), |name| format!("e.`{name}`"));
        let (of_log, event, attempts) = (optional(log), optional(event), optional(attempts));
        let (created, updated) = (micros(&format!("e.`{created_at}`")), micros(&format!("e.`{updated_at}`")));
        let chosen = if log.is_some() { format!(" AND (? IS NULL OR {of_log} = ?)") } else { String::new() };
        let ids = rows::ids();
        Self {
            put: format!("INSERT INTO {name} ({columns}) VALUES ({values}) ON DUPLICATE KEY UPDATE {update}").into(),
            list: format!(
                "SELECT e.`{id}`, e.`{consumer}`, e.`{position}`, e.`{message}`, e.`{status}`, {created}, {updated}, {of_log}, \
                 {event}, {attempts} FROM {name} e WHERE e.`{id}` > ? AND (? IS NULL OR e.`{consumer}` = ?) \
                 AND (? IS NULL OR e.`{status}` = ?) AND (? IS NULL OR e.`{position}` = ?){chosen} ORDER BY e.`{id}` LIMIT ?"
            )
            .into(),
            lock: format!(
                "SELECT e.`{id}` FROM {ids} STRAIGHT_JOIN {name} e ON e.`{id}` = j.id WHERE FIND_IN_SET(e.`{status}`, ?) > 0 \
                 FOR UPDATE"
            )
            .into(),
            mark: format!(
                "UPDATE {ids} STRAIGHT_JOIN {name} e ON e.`{id}` = j.id SET e.`{status}` = ?, e.`{updated_at}` = {TIME}"
            )
            .into(),
        }
    }
}

/// The statement that makes a table.
pub(crate) fn create(table: &ErrorTable) -> String {
    let ErrorColumns { id, consumer, position, message, created_at, updated_at, status, log, event, attempts } =
        table.columns();
    let mut text = format!(
        "CREATE TABLE IF NOT EXISTS {} (\n    `{id}` BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,\n    \
         `{consumer}` VARBINARY(255) NOT NULL,\n",
        quoted(table.name())
    );
    if let Some(log) = log {
        let _ = writeln!(text, "    `{log}` VARBINARY(255) NOT NULL,");
    }
    let _ = write!(
        text,
        "    `{position}` BIGINT NOT NULL,\n    `{message}` LONGTEXT NOT NULL,\n    `{status}` INT NOT NULL,\n"
    );
    if let Some(attempts) = attempts {
        let _ = writeln!(text, "    `{attempts}` BIGINT,");
    }
    if let Some(event) = event {
        let _ = writeln!(text, "    `{event}` LONGTEXT,");
    }
    let log = log.as_ref().map_or(String::new(), |log| format!("`{log}`, "));
    let _ = write!(
        text,
        "    `{created_at}` DATETIME(6) NOT NULL,\n    `{updated_at}` DATETIME(6) NOT NULL,\n    \
         UNIQUE KEY (`{consumer}`, {log}`{position}`)\n\
         ) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin"
    );
    text
}
