-- Statements commit one by one here. Each may therefore be repeated: a migration that was ended half-way is run again.

CREATE TABLE IF NOT EXISTS {namespace} (
    id INT NOT NULL AUTO_INCREMENT PRIMARY KEY,
    name VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    paused BOOLEAN NOT NULL DEFAULT 0,
    settings LONGTEXT,
    UNIQUE KEY namespace_name (name),
    KEY namespace_paused (paused),
    CONSTRAINT {prefix}_namespace_name CHECK (name REGEXP '^[a-z0-9_-]+$')
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE IF NOT EXISTS {kind} (
    id INT NOT NULL AUTO_INCREMENT PRIMARY KEY,
    name VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    paused BOOLEAN NOT NULL DEFAULT 0,
    settings LONGTEXT,
    UNIQUE KEY kind_name (name),
    KEY kind_paused (paused),
    CONSTRAINT {prefix}_kind_name CHECK (name REGEXP '^[a-z0-9_-]+$')
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- The narrow row that every claim and settlement writes. Times are microseconds since 1970: exact, of no time zone, and of
-- every year. Kinds and namespaces are never removed, so that their references need no foreign key, which would lock them
-- with each new row. The last three columns stand for partial indexes, which there are none of: they are NULL where a row
-- is not of the index.
CREATE TABLE IF NOT EXISTS {resource} (
    id BIGINT NOT NULL PRIMARY KEY,
    namespace_id INT NOT NULL,
    kind_id INT NOT NULL,
    object_id VARBINARY(1020) NOT NULL,
    state VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    state_since BIGINT NOT NULL,
    absent_by VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin,
    priority TINYINT NOT NULL,
    generation BIGINT NOT NULL,
    synced_generation BIGINT NOT NULL,
    attempt BIGINT NOT NULL,
    max_attempts BIGINT,
    run_at BIGINT,
    lease_token BIGINT,
    lease_generation BIGINT,
    lease_attempt BIGINT,
    lease_owner BIGINT,
    lease_until BIGINT,
    lease_cancel BOOLEAN NOT NULL,
    version BIGINT NOT NULL,
    hash BINARY(32) NOT NULL,
    metadata LONGTEXT,
    trace VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin,
    error_count BIGINT NOT NULL,
    external_created_at BIGINT,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    attempted_at BIGINT,
    synced_at BIGINT,
    deleted_at BIGINT,
    deleted_by VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin,
    paused BOOLEAN NOT NULL,
    claim_namespace INT GENERATED ALWAYS AS
        (CASE WHEN paused = 0 AND state IN ('scheduled', 'failed', 'expired') THEN namespace_id END) STORED,
    expiry_at BIGINT GENERATED ALWAYS AS (CASE WHEN state = 'synced' THEN synced_at END) STORED,
    ended_since BIGINT GENERATED ALWAYS AS
        (CASE WHEN state IN ('deleted', 'degraded') THEN state_since END) STORED,
    UNIQUE KEY resource_key (namespace_id, kind_id, object_id),
    KEY resource_claim (claim_namespace, kind_id, priority, run_at, id),
    KEY resource_lease (lease_until),
    KEY resource_expiry (expiry_at),
    KEY resource_ended (ended_since),
    CONSTRAINT {prefix}_resource_state CHECK (state IN ('scheduled', 'pending', 'synced', 'expired', 'failed', 'degraded', 'deleted')),
    CONSTRAINT {prefix}_resource_lease CHECK (
        (state = 'pending' AND lease_token IS NOT NULL AND lease_generation IS NOT NULL AND lease_attempt IS NOT NULL
            AND lease_owner IS NOT NULL AND lease_until IS NOT NULL)
        OR (state <> 'pending' AND lease_token IS NULL AND lease_generation IS NULL AND lease_attempt IS NULL
            AND lease_owner IS NULL AND lease_until IS NULL AND lease_cancel = 0)),
    CONSTRAINT {prefix}_resource_run_at CHECK (run_at IS NOT NULL OR state NOT IN ('scheduled', 'failed', 'expired')),
    CONSTRAINT {prefix}_resource_deleted CHECK (state <> 'deleted' OR (deleted_at IS NOT NULL AND deleted_by IS NOT NULL)),
    CONSTRAINT {prefix}_resource_counts CHECK (priority BETWEEN 1 AND 4 AND generation >= 1 AND synced_generation BETWEEN 0 AND generation
        AND attempt >= 0 AND version >= 1 AND error_count >= 0),
    CONSTRAINT {prefix}_resource_attempts CHECK (max_attempts >= 0),
    CONSTRAINT {prefix}_resource_absent_by CHECK (absent_by IN ('request', 'missing')),
    CONSTRAINT {prefix}_resource_deleted_by CHECK (deleted_by IN ('worker', 'request', 'missing')),
    CONSTRAINT {prefix}_resource_object_id CHECK (LENGTH(object_id) >= 1),
    CONSTRAINT {prefix}_resource_flags CHECK (lease_cancel IN (0, 1) AND paused IN (0, 1))
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- What changes seldom. Ids of resources are given out here, where rows have no other key: so they follow the order of the
-- changes, and new keys are locked in their own. Objects are text and not of the type JSON, which does not give back what
-- it was given.
CREATE TABLE IF NOT EXISTS {detail} (
    resource_id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
    object LONGTEXT NOT NULL,
    tags TEXT
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- The last ten errors of a resource, numbered by its count of all.
CREATE TABLE IF NOT EXISTS {attempt_error} (
    resource_id BIGINT NOT NULL,
    number BIGINT NOT NULL,
    at BIGINT NOT NULL,
    generation BIGINT NOT NULL,
    attempt BIGINT NOT NULL,
    message TEXT NOT NULL,
    backtrace TEXT,
    PRIMARY KEY (resource_id, number)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE IF NOT EXISTS {event} (
    position BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
    event_kind VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    reason VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin,
    resource_id BIGINT,
    namespace_id INT,
    kind_id INT,
    object_id VARBINARY(1020),
    state VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin,
    generation BIGINT,
    attempt BIGINT,
    at BIGINT NOT NULL,
    metadata LONGTEXT,
    trace VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin,
    object LONGTEXT,
    CONSTRAINT {prefix}_event_reason CHECK ((event_kind = 'object_scheduled') = (reason IS NOT NULL)),
    CONSTRAINT {prefix}_event_subject CHECK (
        (resource_id IS NULL AND (namespace_id IS NULL) <> (kind_id IS NULL) AND object_id IS NULL AND state IS NULL
            AND generation IS NULL AND attempt IS NULL)
        OR (resource_id IS NOT NULL AND namespace_id IS NOT NULL AND kind_id IS NOT NULL AND object_id IS NOT NULL
            AND state IS NOT NULL AND generation IS NOT NULL AND attempt IS NOT NULL))
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- Positions below which nothing can appear any more once nobody has a share of a lower one: see the docs of the log.
CREATE TABLE IF NOT EXISTS {log_mark} (
    position BIGINT NOT NULL PRIMARY KEY,
    at BIGINT NOT NULL,
    CONSTRAINT {prefix}_log_mark_position CHECK (position >= 0)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

INSERT INTO {log_mark} (position, at)
SELECT 0, 0 FROM DUAL WHERE NOT EXISTS (SELECT 1 FROM {log_mark} m);

CREATE TABLE IF NOT EXISTS {cursor} (
    name VARBINARY(255) NOT NULL PRIMARY KEY,
    position LONGTEXT,
    holder BIGINT,
    lease_until BIGINT,
    next_at BIGINT,
    data LONGTEXT,
    version BIGINT NOT NULL,
    CONSTRAINT {prefix}_cursor_version CHECK (version >= 1)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
