/// Writes resources over the versions that were read, and appends what that says.
///
/// - `$1` now; `$2` whether events are returned
/// - rows: `$3` numbers, `$4` ids, `$5` versions, `$6` templates, `$7` run-at times, `$8` metadata, `$9` traces, `$10` times
///   of creation outside, `$11` created, `$12` attempted, `$13` synced, `$14` hashes (empty: the object stays), `$15`
///   objects, `$16` tags, each as the text of an array (empty: they stay)
/// - templates, numbered from 1: `$17` states, `$18` since, `$19` by whom absent, `$20` priorities, `$21` generations,
///   `$22` synced generations, `$23` attempts, `$24` most attempts, `$25` updated, `$26` deleted, `$27` by whom, `$28`
///   paused, `$29` whether to ask for the attempt's end
/// - drafts: `$30` templates, `$31` numbers, `$32` kinds, `$33` reasons, `$34` generations, `$35` attempts, `$36` whether
///   with the object
/// - errors, one for each row, empty where it has none: `$37` times, `$38` generations, `$39` attempts, `$40` messages,
///   `$41` backtraces
///
/// The detail is read in the snapshot of the statement: under the version's fence it is the one of the row, for every
/// write of it counts the version up.
pub(crate) const UPDATE: &str = "\
WITH target AS MATERIALIZED (
    SELECT i.*
    FROM unnest($3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::timestamptz[], $8::text[], $9::text[],
        $10::timestamptz[], $11::timestamptz[], $12::timestamptz[], $13::timestamptz[], $14::bytea[], $15::text[],
        $16::text[], $37::timestamptz[], $38::bigint[], $39::bigint[], $40::text[], $41::text[])
        AS i (number, id, version, template, run_at, metadata, trace, external_created_at, created_at, attempted_at,
            synced_at, hash, object, tags, error_at, error_generation, error_attempt, error_message, error_backtrace)
    JOIN {schema}.resource r ON r.id = i.id
    WHERE r.version = i.version
    ORDER BY r.id
    FOR UPDATE OF r {skip}
), written AS (
    UPDATE {schema}.resource r SET
        state = m.state, state_since = m.state_since, absent_by = m.absent_by, priority = m.priority,
        generation = m.generation, synced_generation = m.synced_generation, attempt = m.attempt,
        max_attempts = m.max_attempts, run_at = t.run_at, version = r.version + 1, hash = coalesce(t.hash, r.hash),
        metadata = t.metadata, trace = t.trace,
        error_count = r.error_count + (t.error_message IS NOT NULL)::integer,
        external_created_at = t.external_created_at, created_at = t.created_at, updated_at = m.updated_at,
        attempted_at = t.attempted_at, synced_at = t.synced_at, deleted_at = m.deleted_at, deleted_by = m.deleted_by,
        paused = m.paused, lease_cancel = r.lease_cancel OR (m.cancel AND r.lease_token IS NOT NULL)
    FROM target t
    JOIN unnest($17::text[], $18::timestamptz[], $19::text[], $20::smallint[], $21::bigint[], $22::bigint[],
        $23::bigint[], $24::bigint[], $25::timestamptz[], $26::timestamptz[], $27::text[], $28::boolean[],
        $29::boolean[])
        WITH ORDINALITY AS m (state, state_since, absent_by, priority, generation, synced_generation, attempt,
            max_attempts, updated_at, deleted_at, deleted_by, paused, cancel, template)
        ON m.template = t.template
    WHERE r.id = t.id
    RETURNING r.*, t.number, t.template, t.hash AS new_hash, t.object, t.tags,
        t.error_at, t.error_generation, t.error_attempt, t.error_message, t.error_backtrace
), detail AS (
    UPDATE {schema}.resource_detail d SET
        hash = coalesce(w.new_hash, d.hash), object = coalesce(w.object, d.object),
        tags = coalesce(w.tags::text[], d.tags)
    FROM written w
    WHERE d.id = w.id AND (w.object IS NOT NULL OR w.tags IS NOT NULL)
), recorded AS (
    INSERT INTO {schema}.attempt_error (resource_id, number, at, generation, attempt, message, backtrace)
    SELECT w.id, w.error_count, w.error_at, w.error_generation, w.error_attempt, w.error_message, w.error_backtrace
    FROM written w WHERE w.error_message IS NOT NULL
), trimmed AS (
    DELETE FROM {schema}.attempt_error e USING written w
    WHERE w.error_message IS NOT NULL AND e.resource_id = w.id AND e.number <= w.error_count - 10
), appended AS (
    INSERT INTO {schema}.event ({event_target})
    SELECT d.event_kind, d.reason, w.id, w.namespace_id, w.kind_id, w.object_id, w.state,
        coalesce(d.generation, w.generation), coalesce(d.attempt, w.attempt), $1, w.metadata, w.trace,
        CASE WHEN d.with_object
            THEN coalesce(w.object, (SELECT x.object FROM {schema}.resource_detail x WHERE x.id = w.id))
        END
    FROM written w
    JOIN unnest($30::bigint[], $31::bigint[], $32::text[], $33::text[], $34::bigint[], $35::bigint[], $36::boolean[])
        AS d (template, number, event_kind, reason, generation, attempt, with_object) ON d.template = w.template
    ORDER BY w.number, d.number
    RETURNING *
)
SELECT 0, array_agg(w.number), NULL::bigint[], NULL::boolean[], {no_event} FROM written w
UNION ALL SELECT 1, NULL, NULL, NULL, {event} FROM appended e WHERE $2";
