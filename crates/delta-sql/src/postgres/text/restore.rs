/// The last id and the last position given out.
pub(crate) const GIVEN_OUT: &str = "\
SELECT coalesce(pg_sequence_last_value('{schema}.resource_id_seq'::regclass), 0), \
coalesce(pg_sequence_last_value('{schema}.event_position'::regclass), 0)";

/// Counts ids up to `$1` and positions up to `$2` as given out; a sequence is never set back.
pub(crate) const RAISE: &str = "\
SELECT CASE WHEN $1 > coalesce(pg_sequence_last_value('{schema}.resource_id_seq'::regclass), 0) \
THEN setval('{schema}.resource_id_seq'::regclass, $1) END, \
CASE WHEN $2 > coalesce(pg_sequence_last_value('{schema}.event_position'::regclass), 0) \
THEN setval('{schema}.event_position'::regclass, $2) END";

/// What there is that keeps an import from beginning, or null; but for the cursor `$1`, which is its own.
pub(crate) const FOREIGN: &str = "\
SELECT CASE WHEN EXISTS (SELECT FROM {schema}.resource) THEN 'resource' \
WHEN EXISTS (SELECT FROM {schema}.event) THEN 'event' \
WHEN EXISTS (SELECT FROM {schema}.cursor WHERE name <> $1) THEN 'cursor' \
WHEN EXISTS (SELECT FROM {schema}.kind) OR EXISTS (SELECT FROM {schema}.namespace) THEN 'scope' END";

/// Stores kinds or namespaces over what is there: `$1` names, `$2` whether paused, `$3` settings.
pub(crate) fn scopes(table: &str) -> String {
    format!(
        "INSERT INTO {{schema}}.{table} (name, paused, settings) \
         SELECT i.name, i.paused, i.settings FROM unnest($1::text[], $2::boolean[], $3::text[]) \
         AS i (name, paused, settings) ORDER BY i.name COLLATE \"C\" \
         ON CONFLICT (name) DO UPDATE SET paused = excluded.paused, settings = excluded.settings"
    )
}

/// Writes resources, whose kinds and namespaces are there: one array for each column, in their order here.
pub(crate) const RESOURCES: &str = "\
INSERT INTO {schema}.resource (id, namespace_id, kind_id, object_id, state, state_since, absent_by, priority, generation,
    synced_generation, attempt, max_attempts, run_at, lease_token, lease_generation, lease_attempt, lease_owner,
    lease_until, lease_cancel, version, hash, metadata, trace, error_count, external_created_at, created_at, updated_at,
    attempted_at, synced_at, deleted_at, deleted_by, paused)
SELECT i.id, n.id, k.id, i.object_id, i.state, i.state_since, i.absent_by, i.priority, i.generation,
    i.synced_generation, i.attempt, i.max_attempts, i.run_at, i.lease_token, i.lease_generation, i.lease_attempt,
    i.lease_owner, i.lease_until, i.lease_cancel, i.version, i.hash, i.metadata, i.trace, i.error_count,
    i.external_created_at, i.created_at, i.updated_at, i.attempted_at, i.synced_at, i.deleted_at, i.deleted_by, i.paused
FROM unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::text[], $6::timestamptz[], $7::text[], $8::smallint[],
    $9::bigint[], $10::bigint[], $11::bigint[], $12::bigint[], $13::timestamptz[], $14::bigint[], $15::bigint[],
    $16::bigint[], $17::bigint[], $18::timestamptz[], $19::boolean[], $20::bigint[], $21::bytea[], $22::text[],
    $23::text[], $24::bigint[], $25::timestamptz[], $26::timestamptz[], $27::timestamptz[], $28::timestamptz[],
    $29::timestamptz[], $30::timestamptz[], $31::text[], $32::boolean[])
    AS i (id, namespace, kind, object_id, state, state_since, absent_by, priority, generation, synced_generation,
        attempt, max_attempts, run_at, lease_token, lease_generation, lease_attempt, lease_owner, lease_until,
        lease_cancel, version, hash, metadata, trace, error_count, external_created_at, created_at, updated_at,
        attempted_at, synced_at, deleted_at, deleted_by, paused)
LEFT JOIN {schema}.namespace n ON n.name = i.namespace COLLATE \"C\"
LEFT JOIN {schema}.kind k ON k.name = i.kind COLLATE \"C\"";

/// Writes details: `$1` ids, `$2` hashes, `$3` objects, `$4` tags, each as the text of an array.
pub(crate) const DETAILS: &str = "\
INSERT INTO {schema}.resource_detail (id, hash, object, tags) \
SELECT i.id, i.hash, i.object, i.tags::text[] \
FROM unnest($1::bigint[], $2::bytea[], $3::text[], $4::text[]) AS i (id, hash, object, tags)";

/// Writes errors: `$1` resources, `$2` numbers, `$3` times, `$4` generations, `$5` attempts, `$6` messages, `$7` backtraces.
pub(crate) const ERRORS: &str = "\
INSERT INTO {schema}.attempt_error (resource_id, number, at, generation, attempt, message, backtrace) \
SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::timestamptz[], $4::bigint[], $5::bigint[], $6::text[], $7::text[])";

/// Writes events, whose kinds and namespaces are there: one array for each column, in their order here.
pub(crate) const EVENTS: &str = "\
INSERT INTO {schema}.event (position, event_kind, reason, resource_id, namespace_id, kind_id, object_id, state, generation,
    attempt, at, metadata, trace, object)
SELECT i.position, i.event_kind, i.reason, i.resource_id, n.id, k.id, i.object_id, i.state, i.generation, i.attempt, i.at,
    i.metadata, i.trace, i.object
FROM unnest($1::bigint[], $2::text[], $3::text[], $4::bigint[], $5::text[], $6::text[], $7::text[], $8::text[],
    $9::bigint[], $10::bigint[], $11::timestamptz[], $12::text[], $13::text[], $14::text[])
    AS i (position, event_kind, reason, resource_id, namespace, kind, object_id, state, generation, attempt, at, metadata,
        trace, object)
LEFT JOIN {schema}.namespace n ON n.name = i.namespace COLLATE \"C\"
LEFT JOIN {schema}.kind k ON k.name = i.kind COLLATE \"C\"";

/// Writes cursors: `$1` names, `$2` positions, `$3` holders, `$4` leases' ends, `$5` next times, `$6` data, `$7` versions.
pub(crate) const CURSORS: &str = "\
INSERT INTO {schema}.cursor (name, position, holder, lease_until, next_at, data, version) \
SELECT * FROM unnest($1::text[], $2::text[], $3::bigint[], $4::timestamptz[], $5::timestamptz[], $6::text[], $7::bigint[])";

/// Has the server look at the tables again.
pub(crate) const ANALYZE: &str =
    "ANALYZE {schema}.resource, {schema}.resource_detail, {schema}.attempt_error, {schema}.event, {schema}.cursor";
