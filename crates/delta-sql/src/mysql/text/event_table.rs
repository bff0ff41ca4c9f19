use std::fmt::Write;
use std::sync::Arc;

use delta_core::{EventColumns, EventTable, ForeignIdType, Gaps, Noops};

use super::statements::render;
use super::{rows, trim};
use crate::TablePrefix;
use crate::mysql::multi::Multi;

/// How many marks a table of events has: they are numbered from 0.
pub(crate) const MARKS: i64 = 64;

/// How many rows say which mark is to be taken, one for each second of so many: they are numbered down from -1.
pub(crate) const POINTERS: i64 = 16;

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

/// A quoted name.
pub(crate) fn quoted(name: &str) -> String {
    match parts(name) {
        (Some(database), table) => format!("`{database}`.`{table}`"),
        (None, table) => format!("`{table}`"),
    }
}

/// The longest name of a table.
const LONGEST: usize = 64;

/// How much is kept of a name that is too long for another behind it.
const KEPT: usize = 48;

/// The name of the marks of a table of events, and of the trigger that takes them: with its database, if it was given one.
///
/// A name that would become too long is cut, and told from others that begin so by a number.
pub(crate) fn marks_name(name: &str) -> String {
    const SUFFIX: &str = "_mark";
    let (_, table) = parts(name);
    if table.len() + SUFFIX.len() <= LONGEST {
        return format!("{name}{SUFFIX}");
    }
    // FNV-1a: the same in every version.
    let number = table.bytes().fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
    let kept = &name[..name.len() - table.len() + KEPT];
    format!("{kept}_{number:08x}{SUFFIX}")
}

/// The statements about one table of events.
#[derive(Debug)]
pub(crate) struct EventTableSql {
    /// Whether the server only reads, the last position that is committed, the lowest position of a mark, how many marks
    /// and rows that say which to take there are, which is to be taken now, its position, its age in microseconds, and the
    /// last position that was trimmed. Parameter: the name of the trim's cursor.
    pub(crate) state: Arc<str>,
    /// The marks that nobody has a share of, locked.
    pub(crate) free: Arc<str>,
    /// All marks, with their positions and ages.
    pub(crate) marks: Arc<str>,
    /// The mark that is to be taken now, locked, if nobody else has a share of it.
    pub(crate) current: Arc<str>,
    /// One that nobody has a share of, locked.
    pub(crate) spare: Arc<str>,
    /// What says that another mark is to be taken than this, locked as far as nobody else has it. Parameter: this.
    pub(crate) pointers: Arc<str>,
    /// Raises a mark that is locked. Parameters: the position, the mark.
    pub(crate) raise: Arc<str>,
    /// Has a mark be taken. Parameters: what is to say so, the mark.
    pub(crate) point: Arc<str>,
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
        let (events, marks) = (quoted(table.name()), quoted(&marks_name(table.name())));
        let columns = Quoted::new(table.columns());
        let Quoted { id, foreign_id, kind, at, .. } = &columns;
        let trimmed = render(prefix, "(SELECT t.position FROM {cursor} t WHERE t.name = ?)");
        let state = match table.gap_rule() {
            Gaps::Passed => format!(
                "SELECT @@GLOBAL.read_only, (SELECT MAX(e.{id}) FROM {events} e), MIN(CASE WHEN m.slot >= 0 THEN m.position END), \
                 COUNT(*), MAX(c.slot), MAX(c.position), MAX(TIMESTAMPDIFF(MICROSECOND, c.at, UTC_TIMESTAMP(6))), {trimmed} \
                 FROM {marks} m LEFT JOIN {marks} c ON c.slot = (SELECT p.position FROM {marks} p WHERE p.slot = {NOW})"
            ),
            Gaps::Waited => format!(
                "SELECT @@GLOBAL.read_only, (SELECT MAX(e.{id}) FROM {events} e), NULL, NULL, NULL, NULL, NULL, {trimmed}"
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
            free: format!("SELECT m.slot FROM {marks} m WHERE m.slot >= 0 ORDER BY m.slot FOR UPDATE SKIP LOCKED")
                .into(),
            marks: format!(
                "SELECT m.slot, m.position, TIMESTAMPDIFF(MICROSECOND, m.at, UTC_TIMESTAMP(6)) FROM {marks} m \
                 ORDER BY m.slot"
            )
            .into(),
            current: format!(
                "SELECT m.slot FROM {marks} m WHERE m.slot = (SELECT p.position FROM {marks} p WHERE p.slot = {NOW}) \
                 FOR UPDATE SKIP LOCKED"
            )
            .into(),
            spare: format!(
                "SELECT m.slot FROM {marks} m WHERE m.slot >= 0 ORDER BY m.slot LIMIT 1 FOR UPDATE SKIP LOCKED"
            )
            .into(),
            pointers: format!(
                "SELECT m.slot FROM {marks} m WHERE m.slot < 0 AND m.position <> ? FOR UPDATE SKIP LOCKED"
            )
            .into(),
            raise: format!("UPDATE {marks} SET position = GREATEST(position, ?), at = UTC_TIMESTAMP(6) WHERE slot = ?")
                .into(),
            point: format!("UPDATE {} STRAIGHT_JOIN {marks} m ON m.slot = j.id SET m.position = ?", rows::ids()).into(),
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
                "{IMPATIENT} INSERT INTO {events} ({id}, {foreign_id}, {kind}, {at}) VALUES (?, {noop}, 0, {TIME})"
            )
            .into(),
            trim_look: trim::look(&events, id).into(),
            trim_delete: trim::delete(&events, id).into(),
        }
    }
}

/// Has one statement wait for a lock for a second at most, where the server can be told so of one statement. Told of a session,
/// it would stay where the call is dropped.
const IMPATIENT: &str = "/*M! SET STATEMENT innodb_lock_wait_timeout = 1 FOR */";

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

/// What says which mark is to be taken now.
const NOW: &str = "-1 - MOD(UNIX_TIMESTAMP(), 16)";

/// What takes a share of a mark before an id is given out: each row does so, whoever inserts it.
///
/// All rows are found by their keys, so that nothing but them is locked, in any isolation. It is a statement that selects:
/// in any other one, what says which mark to take would be locked as well.
pub(crate) fn trigger_body(table: &EventTable) -> String {
    let marks = quoted(&marks_name(table.name()));
    format!(
        "BEGIN DECLARE mark INT; SELECT m.slot INTO mark FROM {marks} m WHERE m.slot = (SELECT p.position FROM {marks} p \
         WHERE p.slot = {NOW}) LOCK IN SHARE MODE; IF mark IS NULL THEN SIGNAL SQLSTATE '45000' \
         SET MESSAGE_TEXT = 'expected a mark to take before an event, found none'; END IF; END"
    )
}

/// The statements that make a table, in their order.
pub(crate) fn create(table: &EventTable) -> Vec<String> {
    let (events, marks) = (quoted(table.name()), quoted(&marks_name(table.name())));
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
    let values: Vec<String> = (-POINTERS..MARKS).map(|slot| format!("({slot}, 0, UTC_TIMESTAMP(6))")).collect();
    vec![
        format!(
            "CREATE TABLE IF NOT EXISTS {marks} (\n    slot INT NOT NULL PRIMARY KEY,\n    position BIGINT NOT NULL,\n    \
             at DATETIME(6) NOT NULL\n) {options}"
        ),
        format!("INSERT IGNORE INTO {marks} (slot, position, at) VALUES {}", values.join(", ")),
        create,
        format!("CREATE TRIGGER {marks} BEFORE INSERT ON {events} FOR EACH ROW {}", trigger_body(table)),
    ]
}
