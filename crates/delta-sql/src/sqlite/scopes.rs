/// All kinds, then all namespaces: whether a kind, name, paused, settings.
pub(crate) const ALL: &str = "\
SELECT 1, name, paused, settings FROM {kind} UNION ALL SELECT 0, name, paused, settings FROM {namespace} \
ORDER BY 1 DESC, 2";

/// Stores kinds. `?1` scopes: name, paused, settings.
pub(crate) const PUT_KINDS: &str = "\
INSERT INTO {kind} (name, paused, settings) SELECT q.value ->> 0, q.value ->> 1, q.value ->> 2 \
FROM jsonb_each(?1) AS q WHERE true \
ON CONFLICT (name) DO UPDATE SET paused = excluded.paused, settings = excluded.settings";

/// Stores namespaces. `?1` scopes: name, paused, settings.
pub(crate) const PUT_NAMESPACES: &str = "\
INSERT INTO {namespace} (name, paused, settings) SELECT q.value ->> 0, q.value ->> 1, q.value ->> 2 \
FROM jsonb_each(?1) AS q WHERE true \
ON CONFLICT (name) DO UPDATE SET paused = excluded.paused, settings = excluded.settings";

/// Appends events about kinds and namespaces. `?1` events: kind of event, namespace or null, kind or null; `?2` now.
pub(crate) const APPEND: &str = "\
INSERT INTO {event} (event_kind, namespace_id, kind_id, at) \
SELECT q.value ->> 0, (SELECT id FROM {namespace} WHERE name = q.value ->> 1), \
(SELECT id FROM {kind} WHERE name = q.value ->> 2), ?2 FROM jsonb_each(?1) AS q ORDER BY q.key";
