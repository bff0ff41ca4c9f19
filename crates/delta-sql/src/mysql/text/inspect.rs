/// The engine of a table, if it is there. Parameters: the database or NULL, the table.
pub(crate) const TABLE: &str = "\
SELECT t.ENGINE FROM information_schema.TABLES t WHERE t.TABLE_SCHEMA = COALESCE(?, DATABASE()) AND t.TABLE_NAME = ?";

/// The columns of a table: name, type, type with its length, what else is said of it. Parameters: the database or NULL, the
/// table.
pub(crate) const COLUMNS: &str = "\
SELECT LOWER(c.COLUMN_NAME), LOWER(c.DATA_TYPE), LOWER(c.COLUMN_TYPE), LOWER(c.EXTRA) FROM information_schema.COLUMNS c WHERE c.TABLE_SCHEMA = COALESCE(?, DATABASE()) AND c.TABLE_NAME = ?";

/// The columns of each unique key, by commas. Parameters: the database or NULL, the table.
pub(crate) const KEYS: &str = "\
SELECT GROUP_CONCAT(LOWER(s.COLUMN_NAME) ORDER BY LOWER(s.COLUMN_NAME) SEPARATOR ',') FROM information_schema.STATISTICS s \
WHERE s.NON_UNIQUE = 0 AND s.TABLE_SCHEMA = COALESCE(?, DATABASE()) AND s.TABLE_NAME = ? GROUP BY s.INDEX_NAME";

/// What is done before a row is inserted. Parameters: the database or NULL, the table.
pub(crate) const TRIGGERS: &str = "\
SELECT t.ACTION_STATEMENT FROM information_schema.TRIGGERS t WHERE t.EVENT_OBJECT_SCHEMA = COALESCE(?, DATABASE()) \
AND t.EVENT_OBJECT_TABLE = ? AND t.ACTION_TIMING = 'BEFORE' AND t.EVENT_MANIPULATION = 'INSERT'";

/// Waits for whoever makes tables of this name. Parameter: the name.
pub(crate) const LOCK: &str = "SELECT GET_LOCK(CONCAT('delta ', SHA1(CONCAT(COALESCE(DATABASE(), ''), '.', ?))), 60)";
