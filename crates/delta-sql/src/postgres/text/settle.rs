use super::claim;

/// Which of the statements that settle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settling {
    /// Whether rows that others have locked are left out, rather than waited for.
    pub skips_locked: bool,
    /// Whether there are errors to record.
    pub records_errors: bool,
    /// Whether it claims as well.
    pub claims: bool,
}

impl Settling {
    /// How many there are.
    pub(crate) const COUNT: usize = 8;

    pub(crate) fn all() -> [Self; Self::COUNT] {
        std::array::from_fn(|bits| Self {
            skips_locked: bits & 1 != 0,
            records_errors: bits & 2 != 0,
            claims: bits & 4 != 0,
        })
    }

    pub(crate) fn index(self) -> usize {
        usize::from(self.skips_locked) | usize::from(self.records_errors) << 1 | usize::from(self.claims) << 2
    }
}

/// Ends attempts, and appends what they say.
///
/// - `$1` now; `$2` whether events are returned
/// - settlements: `$3` numbers, `$4` ids, `$5` tokens, `$6` when the lease must be over, times to run at where the
///   generation has not moved (`$7`) and where it has (`$8`), the generations (`$9`) and attempts (`$10`) that what
///   follows counts from, `$11` templates
/// - outcomes: `$12` templates, `$13` whether for a moved generation, `$14` states, `$15` attempts, `$16` when to run
///   (`at`, `asked`, or empty for never), `$17` synced generations, `$18` by whom deleted
/// - drafts: `$19` templates, `$20` whether for a moved generation, `$21` numbers, `$22` kinds, `$23` reasons, `$24`
///   generations, `$25` attempts, `$26` whether with the object
///
/// The rows are locked in the order of their ids before any is written, and `moved` is what the row says under its lock:
/// where a row was waited for, `FOR UPDATE` computes the whole list anew on its new version. A token fits only while the
/// row is pending under it, so the state need not be asked for; asking would tempt the planner to the index of leases.
const SETTLE: &str = "\
WITH target AS MATERIALIZED (
    SELECT r.id, i.number, i.template, r.generation <> r.lease_generation AS moved,
        CASE WHEN r.generation <> r.lease_generation THEN i.moved_run_at ELSE i.run_at END AS run_at,
        i.generation AS base_generation, i.attempt AS base_attempt{target_error}
    FROM unnest($3::bigint[], $4::bigint[], $5::bigint[], $6::timestamptz[], $7::timestamptz[], $8::timestamptz[],
        $9::bigint[], $10::bigint[], $11::bigint[]{error_arrays})
        AS i (number, id, token, over_at, run_at, moved_run_at, generation, attempt, template{error_names})
    JOIN {schema}.resource r ON r.id = i.id
    WHERE r.lease_token = i.token AND (i.over_at IS NULL OR r.lease_until <= i.over_at)
    ORDER BY r.id
    FOR UPDATE OF r {skip}
), settled AS (
    UPDATE {schema}.resource r SET
        state = o.state, state_since = $1, updated_at = $1, version = r.version + 1,
        attempt = coalesce(t.base_attempt + o.attempt, r.attempt),
        run_at = CASE o.run WHEN 'at' THEN t.run_at WHEN 'asked' THEN coalesce(r.run_at, t.run_at) END,
        synced_generation = coalesce(t.base_generation + o.synced_generation, r.synced_generation),
        synced_at = CASE WHEN o.synced_generation IS NULL THEN r.synced_at ELSE $1 END,
        deleted_by = coalesce(o.deleted_by, r.deleted_by),
        deleted_at = CASE WHEN o.deleted_by IS NULL THEN r.deleted_at ELSE $1 END,
        error_count = r.error_count{error_count},
        lease_token = NULL, lease_generation = NULL, lease_attempt = NULL, lease_owner = NULL, lease_until = NULL,
        lease_cancel = false
    FROM target t
    JOIN unnest($12::bigint[], $13::boolean[], $14::text[], $15::bigint[], $16::text[], $17::bigint[], $18::text[])
        AS o (template, moved, state, attempt, run, synced_generation, deleted_by)
        ON o.template = t.template AND o.moved = t.moved
    WHERE r.id = t.id
    RETURNING r.*, t.number, t.template, t.moved, t.base_generation, t.base_attempt{settled_error}
), appended AS (
    INSERT INTO {schema}.event ({event_target})
    SELECT d.event_kind, d.reason, s.id, s.namespace_id, s.kind_id, s.object_id, s.state,
        coalesce(s.base_generation + d.generation, s.generation), coalesce(s.base_attempt + d.attempt, s.attempt), $1, s.metadata, s.trace,
        CASE WHEN d.with_object THEN {schema}.fresh_object(s.id) END
    FROM settled s
    JOIN unnest($19::bigint[], $20::boolean[], $21::bigint[], $22::text[], $23::text[], $24::bigint[], $25::bigint[],
        $26::boolean[])
        AS d (template, moved, number, event_kind, reason, generation, attempt, with_object)
        ON d.template = s.template AND d.moved = s.moved
    ORDER BY s.number, d.number
    RETURNING *
)";

/// Records the errors of what was settled: `$27` times, `$28` generations, `$29` attempts, `$30` messages and `$31`
/// backtraces, one of each for each settlement, empty where it has no error.
const RECORD: &str = "\
, recorded AS (
    INSERT INTO {schema}.attempt_error (resource_id, number, at, generation, attempt, message, backtrace)
    SELECT s.id, s.error_count, s.error_at, s.error_generation, s.error_attempt, s.error_message, s.error_backtrace
    FROM settled s WHERE s.error_message IS NOT NULL
), trimmed AS (
    DELETE FROM {schema}.attempt_error e USING settled s
    WHERE s.error_message IS NOT NULL AND e.resource_id = s.id AND e.number <= s.error_count - 10
)";

/// What of [`SETTLE`] is there only for errors.
const ERRORS: [(&str, &str); 5] = [
    ("{error_arrays}", ", $27::timestamptz[], $28::bigint[], $29::bigint[], $30::text[], $31::text[]"),
    ("{error_names}", ", error_at, error_generation, error_attempt, error_message, error_backtrace"),
    ("{target_error}", ", i.error_at, i.error_generation, i.error_attempt, i.error_message, i.error_backtrace"),
    ("{error_count}", " + (t.error_message IS NOT NULL)::integer"),
    ("{settled_error}", ", t.error_at, t.error_generation, t.error_attempt, t.error_message, t.error_backtrace"),
];

const PLAIN_PARAMETERS: usize = 26;
const ERROR_PARAMETERS: usize = 5;

const ANSWER: &str = "
SELECT 0, array_agg(s.number), NULL::bigint[], array_agg(s.moved), {no_event} FROM settled s
UNION ALL SELECT 1, NULL, NULL, NULL, {event} FROM appended e WHERE $2";

pub(crate) fn settle(which: Settling) -> String {
    let mut text = SETTLE.replace("{skip}", if which.skips_locked { "SKIP LOCKED" } else { "" });
    let mut parameters = PLAIN_PARAMETERS;
    for (name, value) in ERRORS {
        text = text.replace(name, if which.records_errors { value } else { "" });
    }
    if which.records_errors {
        text += RECORD;
        parameters += ERROR_PARAMETERS;
    }
    if which.claims {
        // Settled first, so that rows are never waited for while claimed ones are held.
        let lanes = claim::with(parameters).replace("{after}", "WHERE (SELECT count(*) FROM settled) >= 0");
        return format!("{text}, {lanes}{}{}", claim::ANSWER, claim::SETTLED_ANSWER);
    }
    text + ANSWER
}
