/// Inserts resources whose keys do not exist, and appends what that says.
///
/// - `$1` now; `$2` whether events are returned
/// - rows: `$3` numbers, `$4` templates, `$5` object ids, `$6` hashes, `$7` metadata, `$8` traces, `$9` run-at times,
///   `$10` times of creation outside, `$11` objects, `$12` tags, each as the text of an array
/// - templates, numbered from 1: `$13` namespaces, `$14` kinds, `$15` states, `$16` since, `$17` by whom absent, `$18`
///   priorities, `$19` generations, `$20` synced generations, `$21` attempts, `$22` most attempts, leases: `$23` tokens,
///   `$24` generations, `$25` attempts, `$26` owners, `$27` ends, `$28` cancel; `$29` error counts, `$30` created, `$31`
///   updated, `$32` attempted, `$33` synced, `$34` deleted, `$35` by whom, `$36` paused
/// - drafts: `$37` templates, `$38` numbers, `$39` kinds, `$40` reasons, `$41` generations, `$42` attempts, `$43` whether
///   with the object
///
/// New keys are inserted, and waited for, in their order. Ids are given out in the order of the changes.
///
/// Whether a row was inserted is asked in a form that the planner can only answer by hashing: it takes every array for
/// ten rows, and would run through all of them for each.
pub(crate) const INSERT: &str = "\
WITH template AS MATERIALIZED (
    SELECT * FROM unnest($13::integer[], $14::integer[], $15::text[], $16::timestamptz[], $17::text[], $18::smallint[],
        $19::bigint[], $20::bigint[], $21::bigint[], $22::bigint[], $23::bigint[], $24::bigint[], $25::bigint[],
        $26::bigint[], $27::timestamptz[], $28::boolean[], $29::bigint[], $30::timestamptz[], $31::timestamptz[],
        $32::timestamptz[], $33::timestamptz[], $34::timestamptz[], $35::text[], $36::boolean[])
    WITH ORDINALITY AS t (namespace_id, kind_id, state, state_since, absent_by, priority,
        generation, synced_generation, attempt, max_attempts, lease_token, lease_generation, lease_attempt,
        lease_owner, lease_until, lease_cancel, error_count, created_at, updated_at,
        attempted_at, synced_at, deleted_at, deleted_by, paused, template)
), input AS MATERIALIZED (
    SELECT nextval('{schema}.resource_id_seq') AS id, i.*
    FROM unnest($3::bigint[], $4::bigint[], $5::text[], $6::bytea[], $7::text[], $8::text[], $9::timestamptz[],
        $10::timestamptz[], $11::text[], $12::text[])
        AS i (number, template, object_id, hash, metadata, trace, run_at, external_created_at, object, tags)
), inserted AS (
    INSERT INTO {schema}.resource (id, namespace_id, kind_id, object_id, state, state_since, absent_by, priority,
        generation, synced_generation, attempt, max_attempts, run_at, lease_token, lease_generation, lease_attempt,
        lease_owner, lease_until, lease_cancel, version, hash, metadata, trace, error_count, external_created_at,
        created_at, updated_at, attempted_at, synced_at, deleted_at, deleted_by, paused)
    SELECT i.id, t.namespace_id, t.kind_id, i.object_id, t.state, t.state_since, t.absent_by, t.priority,
        t.generation, t.synced_generation, t.attempt, t.max_attempts, i.run_at, t.lease_token, t.lease_generation,
        t.lease_attempt, t.lease_owner, t.lease_until, t.lease_cancel, 1, i.hash, i.metadata, i.trace, t.error_count,
        i.external_created_at, t.created_at, t.updated_at, t.attempted_at, t.synced_at, t.deleted_at, t.deleted_by,
        t.paused
    FROM input i JOIN template t ON t.template = i.template
    ORDER BY t.namespace_id, t.kind_id, i.object_id COLLATE \"C\"
    ON CONFLICT (namespace_id, kind_id, object_id) DO NOTHING
    RETURNING id
), fresh AS MATERIALIZED (
    SELECT i.* FROM input i WHERE (i.id IN (SELECT id FROM inserted)) IS TRUE
), detail AS (
    INSERT INTO {schema}.resource_detail (id, hash, object, tags)
    SELECT f.id, f.hash, f.object, f.tags::text[] FROM fresh f
), appended AS (
    INSERT INTO {schema}.event ({event_target})
    SELECT d.event_kind, d.reason, f.id, t.namespace_id, t.kind_id, f.object_id, t.state,
        coalesce(d.generation, t.generation), coalesce(d.attempt, t.attempt), $1, f.metadata, f.trace,
        CASE WHEN d.with_object THEN f.object END
    FROM fresh f
    JOIN template t ON t.template = f.template
    JOIN unnest($37::bigint[], $38::bigint[], $39::text[], $40::text[], $41::bigint[], $42::bigint[], $43::boolean[])
        AS d (template, number, event_kind, reason, generation, attempt, with_object) ON d.template = f.template
    ORDER BY f.number, d.number
    RETURNING *
)
SELECT 0, array_agg(f.number), array_agg(f.id), NULL::boolean[], {no_event} FROM fresh f
UNION ALL SELECT 1, NULL, NULL, NULL, {event} FROM appended e WHERE $2";
