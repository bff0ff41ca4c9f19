use std::fmt::Write;
use std::sync::Arc;

use delta_core::{EventColumns, EventTable, ForeignIdType, Gaps, Noops};

use super::statements::render;
use super::trim;
use crate::TablePrefix;
use crate::mysql::multi::Multi;

/// How many marks a table of events has.
pub(crate) const MARKS: i64 = 64;

/// A time of a parameter, in microseconds since 1970, as `DATETIME`.
pub(crate) const TIME: &str = "TIMESTAMPADD(MICROSECOND, ?, TIMESTAMP'1970-01-01 00:00:00')";

/// A column of times in microseconds since 1970.
pub(crate) fn micros(column: &str) -> String {
    format!("TIMESTAMPDIFF(MICROSECOND, '1970-01-01', {column})")
}

/// The parts of a name that may have its database before it.
pub(crate) fn parts(name: &str) -> (Option<&str>, &str) {
    match name.split_once('.') {
        Some((database, table)) => (Some(database), table),
        None => (None, name),
    }
}

/// A quoted name, with something behind it.
pub(crate) fn quoted(name: &str, suffix: &str) -> String {
    match parts(name) {
        (Some(database), table) => format!("`{database}`.`{table}{suffix}`"),
        (None, table) => format!("`{table}{suffix}`"),
    }
}

/// What belongs to a table of events has its name and this behind it.
pub(crate) const MARK: &str = "_mark";

/// The statements about one table of events.
#[derive(Debug)]
pub(crate) struct EventTableSql {
    /// Whether the server only reads, the last position that is committed, the lowest position of a mark, how many marks
    /// there are, how old the oldest of them is in microseconds, and the last position that was trimmed. Parameter: the
    /// name of the trim's cursor.
    pub(crate) state: Arc<str>,
    /// The marks that nobody has a share of, locked.
    pub(crate) free: Arc<str>,
    /// All marks, with their positions and ages.
    pub(crate) marks: Arc<str>,
    /// Raises marks that are locked. Parameters: the position, their list.
    pub(crate) raise: Arc<str>,
    /// Waits until nobody has a share of a mark. Parameter: the mark.
    pub(crate) wait: Arc<str>,
    /// Appends events.
    pub(crate) append: Multi,
    /// Events, each with the last position that was trimmed. Parameters: the name of the trim's cursor; after which
    /// position, up to which; kinds as a list or NULL, twice; the beginning of the foreign id or NULL, three times; at most
    /// so many.
    pub(crate) page: Arc<str>,
    /// Ids. Parameters: after which, at most so many.
    pub(crate) ids: Arc<str>,
    /// Ids. Parameters: after which, before which, at most so many.
    pub(crate) ids_between: Arc<str>,
    /// An id, unless somebody has it locked. Parameter: the id.
    pub(crate) locked: Arc<str>,
    /// Fills a gap. Parameters: the id, the time.
    pub(crate) fill: Arc<str>,
    pub(crate) trim_look: Arc<str>,
    pub(crate) trim_delete: Arc<str>,
}

impl EventTableSql {
    pub(crate) fn new(prefix: &TablePrefix, table: &EventTable) -> Self {
        let (events, marks) = (quoted(table.name(), ""), quoted(table.name(), MARK));
        let columns = Quoted::new(table.columns());
        let Quoted { id, foreign_id, kind, at, .. } = &columns;
        let trimmed = render(prefix, "(SELECT t.position FROM {cursor} t WHERE t.name = ?)");
        let state = match table.gap_rule() {
            Gaps::Passed => format!(
                "SELECT @@GLOBAL.read_only, (SELECT MAX(e.{id}) FROM {events} e), MIN(m.position), COUNT(*), \
                 TIMESTAMPDIFF(MICROSECOND, MIN(m.at), UTC_TIMESTAMP(6)), {trimmed} FROM {marks} m"
            ),
            Gaps::Waited => format!(
                "SELECT @@GLOBAL.read_only, (SELECT MAX(e.{id}) FROM {events} e), NULL, NULL, NULL, {trimmed} FROM DUAL"
            ),
        };
        let noops = match table.noop_rule() {
            Noops::Shown => String::new(),
            Noops::Hidden => format!(" AND NOT (e.{kind} = 0 AND CAST(e.{foreign_id} AS BINARY) = '0')"),
        };
        let [metadata, trace] = [&columns.metadata, &columns.trace].map(|column| match column {
            Some(column) => format!("e.{column}"),
            None => "NULL".to_owned(),
        });
        let micros = micros(&format!("e.{at}"));
        let page = format!(
            "SELECT e.{id}, e.{foreign_id}, e.{kind}, {micros}, {metadata}, {trace}, {trimmed} FROM {events} e \
             WHERE e.{id} > ? AND e.{id} <= ? AND (? IS NULL OR FIND_IN_SET(e.{kind}, ?) > 0) \
             AND (? IS NULL OR LEFT(CAST(e.{foreign_id} AS BINARY), LENGTH(?)) = ?){noops} ORDER BY e.{id} LIMIT ?"
        );
        let noop = match table.foreign_id_type() {
            ForeignIdType::Int => "0",
            ForeignIdType::Text => "'0'",
        };
        Self {
            state: state.into(),
            free: format!("SELECT m.slot FROM {marks} m ORDER BY m.slot FOR UPDATE SKIP LOCKED").into(),
            marks: format!(
                "SELECT m.slot, m.position, TIMESTAMPDIFF(MICROSECOND, m.at, UTC_TIMESTAMP(6)), \
                 m.slot = MOD(UNIX_TIMESTAMP(), {MARKS}) FROM {marks} m ORDER BY m.slot"
            )
            .into(),
            raise: format!(
                "UPDATE {marks} SET position = GREATEST(position, ?), at = UTC_TIMESTAMP(6) WHERE FIND_IN_SET(slot, ?) > 0"
            )
            .into(),
            wait: format!("SELECT m.slot FROM {marks} m WHERE m.slot = ? FOR UPDATE").into(),
            append: columns.append(&events),
            page: page.into(),
            ids: format!("SELECT e.{id} FROM {events} e WHERE e.{id} > ? ORDER BY e.{id} LIMIT ?").into(),
            ids_between: format!(
                "SELECT e.{id} FROM {events} e WHERE e.{id} > ? AND e.{id} < ? ORDER BY e.{id} LIMIT ?"
            )
            .into(),
            locked: format!("SELECT e.{id} FROM {events} e WHERE e.{id} = ? FOR UPDATE NOWAIT").into(),
            fill: format!(
                "INSERT INTO {events} ({id}, {foreign_id}, {kind}, {at}) VALUES (?, {noop}, 0, {TIME})"
            )
            .into(),
            trim_look: trim::look(&events, id).into(),
            trim_delete: trim::delete(&events, id).into(),
        }
    }
}

/// Names of columns, quoted.
struct Quoted {
    id: String,
    foreign_id: String,
    kind: String,
    at: String,
    metadata: Option<String>,
    trace: Option<String>,
}

impl Quoted {
    fn new(columns: &EventColumns) -> Self {
        let quoted = |name: &str| format!("`{name}`");
        Self {
            id: quoted(&columns.id),
            foreign_id: quoted(&columns.foreign_id),
            kind: quoted(&columns.kind),
            at: quoted(&columns.at),
            metadata: columns.metadata.as_deref().map(quoted),
            trace: columns.trace.as_deref().map(quoted),
        }
    }

    fn append(&self, table: &str) -> Multi {
        let mut names = vec![&self.foreign_id, &self.kind, &self.at];
        let mut values = vec!["?", "?", TIME];
        for column in self.metadata.iter().chain(&self.trace) {
            names.push(column);
            values.push("?");
        }
        let names = names.into_iter().map(String::as_str).collect::<Vec<_>>().join(", ");
        Multi::of(&format!("INSERT INTO {table} ({names})"), values.len(), &values.join(", "), "")
    }
}

/// What takes a share of a mark before an id is given out: each row does so, whoever inserts it.
///
/// The mark is chosen by the clock, and found by its key: so nothing but its row is locked, in any isolation. Where there is
/// no such mark, the row is refused for having no type.
pub(crate) fn trigger_body(table: &EventTable) -> String {
    let (marks, kind) = (quoted(table.name(), MARK), &table.columns().kind);
    format!(
        "SET NEW.`{kind}` = IF((SELECT m.slot FROM {marks} m WHERE m.slot = MOD(UNIX_TIMESTAMP(), {MARKS}) \
         LOCK IN SHARE MODE) IS NULL, NULL, NEW.`{kind}`)"
    )
}

/// The statements that make a table, in their order.
pub(crate) fn create(table: &EventTable) -> Vec<String> {
    let (events, marks) = (quoted(table.name(), ""), quoted(table.name(), MARK));
    let EventColumns { id, foreign_id, kind, at, metadata, trace } = table.columns();
    let foreign = match table.foreign_id_type() {
        ForeignIdType::Int => "BIGINT NOT NULL",
        ForeignIdType::Text => "VARBINARY(255) NOT NULL",
    };
    let mut columns = format!(
        "    `{id}` BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,\n    `{foreign_id}` {foreign},\n    `{kind}` BIGINT NOT NULL,\n    \
         `{at}` DATETIME(6) NOT NULL"
    );
    if let Some(metadata) = metadata {
        let _ = write!(columns, ",\n    `{metadata}` LONGBLOB");
    }
    if let Some(trace) = trace {
        let _ = write!(columns, ",\n    `{trace}` VARCHAR(255) CHARACTER SET ascii COLLATE ascii_bin");
    }
    let options = "ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin";
    let create = format!("CREATE TABLE IF NOT EXISTS {events} (\n{columns}\n) {options}");
    if table.gap_rule() == Gaps::Waited {
        return vec![create];
    }
    let rows: Vec<String> = (0..MARKS).map(|slot| format!("({slot}, 0, UTC_TIMESTAMP(6))")).collect();
    vec![
        format!(
            "CREATE TABLE IF NOT EXISTS {marks} (\n    slot INT NOT NULL PRIMARY KEY,\n    position BIGINT NOT NULL,\n    \
             at DATETIME(6) NOT NULL\n) {options}"
        ),
        format!("INSERT IGNORE INTO {marks} (slot, position, at) VALUES {}", rows.join(", ")),
        create,
        format!("CREATE TRIGGER {marks} BEFORE INSERT ON {events} FOR EACH ROW {}", trigger_body(table)),
    ]
}
