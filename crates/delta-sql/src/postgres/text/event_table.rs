use std::sync::Arc;

use delta_core::{EventTable, ForeignIdType, Gaps, Noops, TRIM_PREFIX};

use super::catalog::quoted;
use super::log::{self, Bounds};

/// The statements for one event table.
#[derive(Clone, Debug)]
pub(crate) struct EventTableTexts {
    /// Its quoted name.
    pub(crate) quoted: String,
    /// Makes it.
    pub(crate) create: String,
    /// What its trigger runs.
    pub(crate) hold: String,
    pub(crate) bounds: Bounds,
    pub(crate) append: Arc<str>,
    pub(crate) page: Arc<str>,
    pub(crate) all: Arc<str>,
    pub(crate) end: Arc<str>,
    pub(crate) frontier: Arc<str>,
    pub(crate) writers: Arc<str>,
    pub(crate) running: Arc<str>,
    pub(crate) missing: Arc<str>,
    pub(crate) fill: Arc<str>,
    pub(crate) mark: Arc<str>,
    pub(crate) trim: Arc<str>,
}

/// The longest name that a function may have, in bytes.
const MAX_NAME: usize = 63;

/// An event `t`: id, foreign id, type, time, metadata, trace; and the log's mark.
const COLUMNS: &str = "\
t.{id}::bigint, t.{foreign_id}::{foreign_type}, t.{kind}::bigint, t.{at}::timestamptz, {metadata}, {trace}, {mark}";

/// Events after `$1` up to `$2`, at most `$3`: all types if `$4`, else those of `$5`; `$6` how the foreign id begins, or
/// null.
const PAGE: &str = "\
SELECT {columns} FROM {table} t WHERE t.{id} > $1 AND t.{id} <= $2 AND ($4::boolean OR t.{kind} = ANY ($5::bigint[])) \
AND ($6::text IS NULL OR starts_with(t.{foreign_id}::text COLLATE \"C\", $6)) {seen} ORDER BY t.{id} LIMIT $3";

/// All rows after `$1`, at most `$2`, each with the highest id there is.
const ALL: &str = "\
SELECT {columns}, (SELECT max(m.{id})::bigint FROM {table} m) FROM {table} t WHERE t.{id} > $1 ORDER BY t.{id} LIMIT $2";

/// The mark, and the highest id there is.
const END: &str = "SELECT {mark}, (SELECT max(m.{id})::bigint FROM {table} m)";

/// Behind `$1`: the first id, the last one before one is missing, and the next that is there then.
const FRONTIER: &str = "\
SELECT (SELECT min(f.{id})::bigint FROM {table} f WHERE f.{id} > $1), g.id, g.next \
FROM (SELECT t.{id}::bigint AS id, lead(t.{id}::bigint) OVER (ORDER BY t.{id}) AS next \
FROM {table} t WHERE t.{id} > $1) g WHERE g.next IS DISTINCT FROM g.id + 1 ORDER BY g.id LIMIT 1";

/// Appends events, in their order: `$1` foreign ids, `$2` types, `$3` times, `$4` metadata, `$5` traces.
const APPEND: &str = "\
INSERT INTO {table} ({foreign_id}, {kind}, {at}{more}) SELECT i.foreign_id, i.kind, i.at{more_values} \
FROM unnest($1::{foreign_type}[], $2::bigint[], $3::timestamptz[], $4::bytea[], $5::text[]) \
WITH ORDINALITY AS i (foreign_id, kind, at, metadata, trace, place) ORDER BY i.place RETURNING {id}::bigint";

/// Open transactions that have written to the table, or are about to.
const WRITERS: &str = "\
SELECT DISTINCT l.pid, l.virtualtransaction FROM pg_locks l WHERE l.locktype = 'relation' \
AND l.relation = '{table}'::regclass AND l.mode = 'RowExclusiveLock' AND l.granted \
AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database()) \
AND l.pid IS DISTINCT FROM pg_backend_pid()";

/// Statements of such transactions that are running, or may be.
const RUNNING: &str = "\
SELECT l.pid || ' ' || l.virtualtransaction || coalesce(' ' || a.query_start, '') FROM ({writers}) l \
LEFT JOIN pg_stat_activity a ON a.pid = l.pid \
WHERE l.pid IS NOT NULL AND (a.state IS NULL OR a.state NOT LIKE 'idle%')";

/// Ids after `$1` and before `$2` that are not there, below one that is, of the first `$3`.
const MISSING: &str = "\
SELECT i.id FROM generate_series($1::bigint + 1, \
least($2::bigint, (SELECT max(m.{id})::bigint FROM {table} m), $1 + $3::bigint + 1) - 1) AS i (id) \
WHERE NOT EXISTS (SELECT FROM {table} t WHERE t.{id} = i.id)";

/// Fills ids (`$1`) with noop events of the time `$2`.
const FILL: &str = "\
INSERT INTO {table} ({id}, {foreign_id}, {kind}, {at}) OVERRIDING SYSTEM VALUE \
SELECT i.id, '0'::{foreign_type}, 0, $2::timestamptz FROM unnest($1::bigint[]) AS i (id) ORDER BY i.id \
ON CONFLICT ({id}) DO NOTHING RETURNING {id}::bigint";

const CREATE: &str = "\
CREATE TABLE {table} (
    {id} bigint GENERATED {given} AS IDENTITY (CACHE 1) PRIMARY KEY,
    {foreign_id} {foreign_column} NOT NULL,
    {kind} bigint NOT NULL,
    {at} timestamptz NOT NULL DEFAULT now(){more_columns}
);
";

/// As in Delta's own schema, with a space of locks that comes from the table: an even one, where Delta's own is odd. The
/// rights to the sequence are those of the function's owner: whoever may insert need not have any.
const HOLD: &str = "
DECLARE
    setting CONSTANT text := 'delta.log_' || TG_RELID;
    me CONSTANT text := pg_current_xact_id()::text;
BEGIN
    IF current_setting(setting, true) IS DISTINCT FROM me THEN
        PERFORM pg_advisory_xact_lock_shared((TG_RELID::bigint % 16383 + 1) << 49 | least(281474976710655, coalesce(
            pg_sequence_last_value(pg_get_serial_sequence(TG_RELID::regclass::text, '{id_name}')::regclass), 0
        )));
        PERFORM set_config(setting, me, true);
    END IF;
    RETURN NULL;
END
";

const TRIGGER: &str = "
-- Keeps readers of the log below what a transaction is about to append.
CREATE OR REPLACE FUNCTION {function}() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$";

const TRIGGER_END: &str = "$$;
CREATE TRIGGER hold_log BEFORE INSERT ON {table}
    FOR EACH STATEMENT EXECUTE FUNCTION {function}();
";

/// The space of the table's locks, as its trigger has it.
const SPACE: &str = "('{table}'::regclass::oid::bigint % 16383 + 1) * 2";
const LAST: &str = "pg_sequence_last_value(pg_get_serial_sequence('{table}', '{id_name}')::regclass)";
/// Whether the table has what keeps its readers in order.
const KEPT: &str = "\
pg_get_serial_sequence('{table}', '{id_name}') IS NOT NULL AND EXISTS (SELECT FROM pg_trigger g \
WHERE g.tgrelid = '{table}'::regclass AND g.tgname = 'hold_log' AND g.tgenabled IN ('O', 'A'))";

impl EventTableTexts {
    /// Renders the texts for a table whose names were checked, beside a quoted schema of Delta's.
    pub(crate) fn new(table: &EventTable, schema: &str) -> Self {
        let columns = table.columns();
        let name = |column: &str| format!("\"{column}\"");
        let of = |column: Option<&String>, of_type: &str| {
            column.map_or(format!("NULL::{of_type}"), |column| format!("t.{}::{of_type}", name(column)))
        };
        let optional = [(&columns.metadata, "metadata", "bytea"), (&columns.trace, "trace", "text")];
        let there =
            || optional.iter().filter_map(|(column, field, of_type)| Some((column.as_deref()?, field, of_type)));
        let mark = format!("{TRIM_PREFIX}{}", table.log_name());
        let (foreign_type, foreign_column) = match table.foreign_id_type() {
            ForeignIdType::Text => ("text", "text COLLATE \"C\""),
            ForeignIdType::Int => ("bigint", "bigint"),
        };
        let names: Vec<(&str, String)> = vec![
            // First those that hold others.
            ("{columns}", COLUMNS.to_owned()),
            ("{writers}", WRITERS.to_owned()),
            ("{mark}", log::mark(&mark)),
            (
                "{seen}",
                match table.noop_rule() {
                    Noops::Hidden => "AND NOT (t.{kind} = 0 AND t.{foreign_id}::text = '0')".to_owned(),
                    Noops::Shown => String::new(),
                },
            ),
            ("{metadata}", of(columns.metadata.as_ref(), "bytea")),
            ("{trace}", of(columns.trace.as_ref(), "text")),
            ("{more}", there().map(|(column, ..)| format!(", {}", name(column))).collect::<Vec<_>>().concat()),
            ("{more_values}", there().map(|(_, field, _)| format!(", i.{field}")).collect::<Vec<_>>().concat()),
            (
                "{more_columns}",
                there().map(|(column, _, of)| format!(",\n    {} {of}", name(column))).collect::<Vec<_>>().concat(),
            ),
            ("{given}", if table.gap_rule() == Gaps::Passed { "ALWAYS" } else { "BY DEFAULT" }.to_owned()),
            ("{function}", function(table.name())),
            ("{foreign_type}", foreign_type.to_owned()),
            ("{foreign_column}", foreign_column.to_owned()),
            ("{table}", quoted(table.name())),
            ("{schema}", schema.to_owned()),
            ("{id_name}", columns.id.clone()),
            ("{id}", name(&columns.id)),
            ("{foreign_id}", name(&columns.foreign_id)),
            ("{kind}", name(&columns.kind)),
            ("{at}", name(&columns.at)),
        ];
        let filled = |text: &str| names.iter().fold(text.to_owned(), |text, (name, value)| text.replace(name, value));
        let render = |text: &str| -> Arc<str> { filled(text).into() };
        let hold = filled(HOLD);
        let create = match table.gap_rule() {
            Gaps::Passed => {
                [&filled(CREATE), &filled(TRIGGER), &hold, &filled(TRIGGER_END)].map(String::as_str).concat()
            }
            Gaps::Waited => filled(CREATE),
        };
        Self {
            quoted: quoted(table.name()),
            create,
            hold,
            bounds: Bounds::new([LAST, SPACE, KEPT], ("{table}", "{id}"), "{mark}", render),
            append: render(APPEND),
            page: render(PAGE),
            all: render(ALL),
            end: render(END),
            frontier: render(FRONTIER),
            writers: render(&log::holders(WRITERS)),
            running: render(RUNNING),
            missing: render(MISSING),
            fill: render(FILL),
            mark: render("SELECT {mark}"),
            trim: render(&log::trim("{table}", "{id}", &mark)),
        }
    }
}

/// The name of the function that a table's trigger runs, beside the table.
fn function(table: &str) -> String {
    const END: &str = "_hold_log";
    let (schema, name) = table.rsplit_once('.').map_or((None, table), |(schema, name)| (Some(schema), name));
    let name = if name.len() + END.len() <= MAX_NAME {
        format!("{name}{END}")
    } else {
        // Two tables whose names begin alike have functions of their own.
        let hash = name.bytes().fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
        format!("{}_{hash:08x}{END}", &name[..MAX_NAME - END.len() - 9])
    };
    quoted(&schema.map_or(name.clone(), |schema| format!("{schema}.{name}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_function_is_named_after_its_table_and_no_name_is_too_long() {
        assert_eq!(function("app.events"), "\"app\".\"events_hold_log\"");
        let (one, other) = (function(&format!("{}1", "x".repeat(62))), function(&format!("{}2", "x".repeat(62))));
        assert_eq!((one.len(), other.len()), (MAX_NAME + 2, MAX_NAME + 2));
        assert_ne!(one, other);
    }

    #[test]
    fn nothing_is_left_to_fill_in() {
        let table = EventTable::new("app.events").metadata_column("metadata").trace_column("trace");
        for table in [table.clone(), table.gaps(Gaps::Waited), EventTable::new("Events")] {
            let texts = format!("{:?}", EventTableTexts::new(&table, "\"delta\"")).replace("EventTableTexts {", "");
            let texts = texts.replace("Bounds {", "");
            assert!(!texts.contains('{'), "{texts}");
        }
    }
}
