//! What the catalog says of a table: `$1` its quoted name.

/// A table's name as it stands in statements.
pub(crate) fn quoted(name: &str) -> String {
    let parts: Vec<String> = name.split('.').map(|part| format!("\"{part}\"")).collect();
    parts.join(".")
}

/// What sort of relation it is, and whether others inherit from it.
pub(crate) const RELATION: &str =
    "SELECT c.relkind::text, c.relhassubclass FROM pg_class c WHERE c.oid = to_regclass($1)";

/// Its columns and their types.
pub(crate) const COLUMNS: &str = "\
SELECT a.attname::text, format_type(a.atttypid, NULL) FROM pg_attribute a \
WHERE a.attrelid = to_regclass($1) AND a.attnum > 0 AND NOT a.attisdropped";

/// The columns of each of its keys, in the order of their names.
pub(crate) const KEYS: &str = "\
SELECT ARRAY(SELECT a.attname::text FROM unnest(i.indkey) WITH ORDINALITY AS k (number, place) \
JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.number \
WHERE k.place <= i.indnkeyatts ORDER BY a.attname::text COLLATE \"C\") \
FROM pg_index i WHERE i.indrelid = to_regclass($1) AND i.indisunique AND i.indisvalid AND i.indimmediate \
AND i.indpred IS NULL AND i.indexprs IS NULL";

/// The sequence that the column `$2` takes its values from: its step, its cache, and whether it begins anew at its end.
pub(crate) const SEQUENCE: &str = "\
SELECT s.seqincrement, s.seqcache, s.seqcycle FROM pg_sequence s \
JOIN pg_attribute a ON a.attrelid = to_regclass($1) AND a.attname = $2 \
WHERE s.seqrelid = pg_get_serial_sequence($1, $2)::regclass AND (a.attidentity <> '' OR EXISTS (\
SELECT FROM pg_attrdef f JOIN pg_depend p ON p.classid = 'pg_attrdef'::regclass AND p.objid = f.oid \
AND p.refclassid = 'pg_class'::regclass AND p.refobjid = s.seqrelid \
WHERE f.adrelid = a.attrelid AND f.adnum = a.attnum))";

/// What its trigger `hold_log` runs before each insert.
pub(crate) const TRIGGER: &str = "\
SELECT p.prosrc FROM pg_trigger g JOIN pg_proc p ON p.oid = g.tgfoid WHERE g.tgrelid = to_regclass($1) \
AND g.tgname = 'hold_log' AND g.tgenabled IN ('O', 'A') AND g.tgtype = 6 AND g.tgqual IS NULL";

/// Whether there is one.
pub(crate) const EXISTS: &str = "SELECT to_regclass($1) IS NOT NULL";

/// Waits for whoever makes such a table, until the transaction ends.
pub(crate) const MAKING: &str = "SELECT 1 FROM pg_advisory_xact_lock(233273601, hashtext($1))";
