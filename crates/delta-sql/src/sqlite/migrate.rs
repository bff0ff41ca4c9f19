use crate::migration::Migration;
use crate::sqlite::tables::Tables;

pub(crate) fn all(tables: &Tables) -> Vec<Migration> {
    let migration = |version, name, serves, up, down| {
        let [up, down] = [up, down].map(|text| tables.render(text).trim().to_owned());
        Migration { version, name, serves, up, down }
    };
    vec![migration(1, "resources, log and cursors", 1, UP_1, DOWN_1), migration(2, "dead letters", 1, UP_2, DOWN_2)]
}

/// The table that says which versions the database has. It comes before the first of them.
pub(crate) const CREATE_HISTORY: &str = "\
CREATE TABLE IF NOT EXISTS {migration} (
    version INTEGER PRIMARY KEY CHECK (version > 0),
    name TEXT NOT NULL,
    serves INTEGER NOT NULL CHECK (serves > 0)
) STRICT";

pub(crate) const DROP_HISTORY: &str = "DROP TABLE {migration}";

/// Whether the table of versions exists; its name is `?1`.
pub(crate) const HISTORY_EXISTS: &str = "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = ?1";

pub(crate) const HISTORY: &str = "SELECT version, name, serves FROM {migration} ORDER BY version";

/// `?1` version, `?2` name, `?3` the oldest version that it serves.
pub(crate) const RECORD: &str = "INSERT INTO {migration} (version, name, serves) VALUES (?1, ?2, ?3)";

/// `?1` version.
pub(crate) const FORGET: &str = "DELETE FROM {migration} WHERE version = ?1";

// `resource` is what claims and settlements write, so it stays narrow: the object, tags and errors have tables of their
// own. Its indexes cost a write per change of state each; there are no more than claiming and maintenance need. `event`
// refers to kinds and namespaces without a foreign key: SQLite would scan the whole log for each new one.
const UP_1: &str = "
CREATE TABLE {namespace} (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL UNIQUE CHECK (length(name) BETWEEN 1 AND 64),
    paused INTEGER NOT NULL DEFAULT 0 CHECK (paused IN (0, 1)),
    settings TEXT
) STRICT;

CREATE TABLE {kind} (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL UNIQUE CHECK (length(name) BETWEEN 1 AND 64),
    paused INTEGER NOT NULL DEFAULT 0 CHECK (paused IN (0, 1)),
    settings TEXT
) STRICT;

CREATE TABLE {resource} (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    namespace_id INTEGER NOT NULL REFERENCES {namespace} (id),
    kind_id INTEGER NOT NULL REFERENCES {kind} (id),
    object_id TEXT NOT NULL COLLATE BINARY CHECK (length(object_id) BETWEEN 1 AND 255),
    state TEXT NOT NULL
        CHECK (state IN ('scheduled', 'pending', 'synced', 'expired', 'failed', 'degraded', 'deleted')),
    state_since INTEGER NOT NULL,
    absent_by TEXT CHECK (absent_by IN ('request', 'missing')),
    priority INTEGER NOT NULL CHECK (priority BETWEEN 1 AND 4),
    generation INTEGER NOT NULL CHECK (generation >= 1),
    synced_generation INTEGER NOT NULL CHECK (synced_generation BETWEEN 0 AND generation),
    attempt INTEGER NOT NULL CHECK (attempt >= 0),
    max_attempts INTEGER CHECK (max_attempts >= 0),
    run_at INTEGER,
    lease_token INTEGER,
    lease_generation INTEGER CHECK (lease_generation BETWEEN 1 AND generation),
    lease_attempt INTEGER CHECK (lease_attempt >= 1),
    lease_owner INTEGER,
    lease_until INTEGER,
    cancel_requested INTEGER NOT NULL DEFAULT 0 CHECK (cancel_requested IN (0, 1)),
    version INTEGER NOT NULL CHECK (version >= 1),
    hash BLOB NOT NULL CHECK (length(hash) = 32),
    metadata TEXT,
    trace TEXT,
    error_count INTEGER NOT NULL CHECK (error_count >= 0),
    external_created_at INTEGER,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    attempted_at INTEGER,
    synced_at INTEGER,
    deleted_at INTEGER,
    deleted_by TEXT CHECK (deleted_by IN ('worker', 'request', 'missing')),
    paused INTEGER NOT NULL DEFAULT 0 CHECK (paused IN (0, 1)),
    UNIQUE (namespace_id, kind_id, object_id),
    CHECK (state NOT IN ('scheduled', 'failed', 'expired') OR run_at IS NOT NULL),
    CHECK (state <> 'deleted' OR (deleted_at IS NOT NULL AND deleted_by IS NOT NULL)),
    CHECK (CASE WHEN state = 'pending'
        THEN lease_token IS NOT NULL AND lease_generation IS NOT NULL AND lease_attempt IS NOT NULL
            AND lease_owner IS NOT NULL AND lease_until IS NOT NULL
        ELSE coalesce(lease_token, lease_generation, lease_attempt, lease_owner, lease_until) IS NULL
            AND cancel_requested = 0 END)
) STRICT;

CREATE INDEX {prefix}_resource_claim ON {resource} (namespace_id, kind_id, priority, run_at)
    WHERE state IN ('scheduled', 'failed', 'expired') AND paused = 0;
CREATE INDEX {prefix}_resource_lease ON {resource} (lease_until) WHERE state = 'pending';
CREATE INDEX {prefix}_resource_synced ON {resource} (synced_at, state_since) WHERE state = 'synced';
CREATE INDEX {prefix}_resource_ended ON {resource} (state_since) WHERE state IN ('deleted', 'degraded');

CREATE TABLE {detail} (
    resource_id INTEGER PRIMARY KEY REFERENCES {resource} (id),
    object TEXT NOT NULL,
    tags TEXT
) STRICT;

CREATE TABLE {error} (
    resource_id INTEGER NOT NULL REFERENCES {resource} (id),
    number INTEGER NOT NULL,
    at INTEGER NOT NULL,
    generation INTEGER NOT NULL CHECK (generation >= 1),
    attempt INTEGER NOT NULL CHECK (attempt >= 0),
    message TEXT NOT NULL,
    backtrace TEXT,
    PRIMARY KEY (resource_id, number)
) STRICT, WITHOUT ROWID;

CREATE TABLE {event} (
    position INTEGER PRIMARY KEY AUTOINCREMENT,
    event_kind TEXT NOT NULL,
    reason TEXT,
    resource_id INTEGER,
    namespace_id INTEGER,
    kind_id INTEGER,
    object_id TEXT COLLATE BINARY,
    state TEXT,
    generation INTEGER,
    attempt INTEGER,
    at INTEGER NOT NULL,
    metadata TEXT,
    trace TEXT,
    object TEXT,
    CHECK ((event_kind = 'object_scheduled') = (reason IS NOT NULL)),
    CHECK (CASE WHEN resource_id IS NULL
        THEN (namespace_id IS NULL) <> (kind_id IS NULL)
            AND coalesce(object_id, state, generation, attempt, metadata, trace, object) IS NULL
        ELSE namespace_id IS NOT NULL AND kind_id IS NOT NULL AND object_id IS NOT NULL
            AND state IS NOT NULL AND generation IS NOT NULL AND attempt IS NOT NULL END)
) STRICT;

CREATE TABLE {cursor} (
    name TEXT NOT NULL PRIMARY KEY COLLATE BINARY,
    position TEXT,
    holder INTEGER,
    lease_until INTEGER,
    next_at INTEGER,
    data TEXT,
    version INTEGER NOT NULL CHECK (version >= 1)
) STRICT, WITHOUT ROWID;
";

const DOWN_1: &str = "
DROP TABLE {cursor};
DROP TABLE {event};
DROP TABLE {error};
DROP TABLE {detail};
DROP TABLE {resource};
DROP TABLE {kind};
DROP TABLE {namespace};
";

// The columns are those of `ErrorTable::own`.
const UP_2: &str = "
CREATE TABLE {dead_letter} (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    consumer TEXT NOT NULL COLLATE BINARY,
    event_id INTEGER NOT NULL,
    error_msg TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    error_status INTEGER NOT NULL CHECK (error_status BETWEEN 1 AND 3),
    log TEXT NOT NULL COLLATE BINARY,
    event TEXT,
    attempts INTEGER CHECK (attempts >= 0),
    UNIQUE (consumer, log, event_id)
) STRICT;
";

const DOWN_2: &str = "
DROP TABLE {dead_letter};
";
