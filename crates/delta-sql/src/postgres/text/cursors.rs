/// By name: `$1`.
pub(crate) const NAMED: &str = "SELECT {cursor} WHERE c.name = ANY ($1::text[]) ORDER BY c.name";

/// By how the name begins: `$1`.
pub(crate) const PREFIXED: &str = "SELECT {cursor} WHERE starts_with(c.name, $1) ORDER BY c.name";

/// What is due: `$1` how the name begins, `$2` now, `$3` at most so many.
pub(crate) const DUE: &str =
    "SELECT {cursor} WHERE starts_with(c.name, $1) AND c.next_at <= $2 ORDER BY c.next_at, c.name LIMIT $3";

/// Locks cursors in the order of their names (`$1`), and says their versions.
pub(crate) const LOCK: &str =
    "SELECT c.name, c.version FROM {schema}.cursor c WHERE c.name = ANY ($1::text[]) ORDER BY c.name FOR UPDATE";

const INPUT: &str = "\
unnest($1::text[], $2::text[], $3::bigint[], $4::timestamptz[], $5::timestamptz[], $6::text[]) \
AS i (name, position, holder, lease_until, next_at, data)";

/// Stores cursors that do not exist, in the order of their names: `$1` names, `$2` positions, `$3` holders, `$4` leases'
/// ends, `$5` next times, `$6` data. Says which it stored.
pub(crate) const NEW: &str = "\
INSERT INTO {schema}.cursor (name, position, holder, lease_until, next_at, data, version) \
SELECT i.name, i.position, i.holder, i.lease_until, i.next_at, i.data, 1 FROM {input} \
ORDER BY i.name COLLATE \"C\" ON CONFLICT (name) DO NOTHING RETURNING name";

/// Stores cursors over the versions that were read: as [`NEW`], and `$7` versions.
pub(crate) const PUT: &str = "\
UPDATE {schema}.cursor c SET position = i.position, holder = i.holder, lease_until = i.lease_until, \
next_at = i.next_at, data = i.data, version = c.version + 1 \
FROM unnest($1::text[], $2::text[], $3::bigint[], $4::timestamptz[], $5::timestamptz[], $6::text[], $7::bigint[]) \
AS i (name, position, holder, lease_until, next_at, data, version) \
WHERE c.name = i.name COLLATE \"C\" AND c.version = i.version RETURNING c.name";

/// Removes cursors of the versions that were read: `$1` names, `$2` versions. Says which it removed.
pub(crate) const REMOVE: &str = "\
DELETE FROM {schema}.cursor c USING unnest($1::text[], $2::bigint[]) AS i (name, version) \
WHERE c.name = i.name COLLATE \"C\" AND c.version = i.version RETURNING c.name";

pub(crate) fn cursor(text: &str) -> String {
    text.replace(
        "{cursor}",
        "c.name, c.position, c.holder, c.lease_until, c.next_at, c.data, c.version FROM {schema}.cursor c",
    )
    .replace("{input}", INPUT)
}
