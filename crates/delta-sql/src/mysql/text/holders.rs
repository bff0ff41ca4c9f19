/// Fails where this account may not look at the transactions of others.
pub(crate) const MAY_LOOK: &str = "SELECT COUNT(*) FROM information_schema.INNODB_CMP";

/// This connection's number.
pub(crate) const CONNECTION: &str = "SELECT CAST(CONNECTION_ID() AS SIGNED)";

/// Waits. Parameter: so many milliseconds.
pub(crate) const PAUSE: &str = "SELECT SLEEP(? / 1000)";

/// Whom a waiting connection waits for: their numbers, those of their transactions, how much longer than it their
/// transactions are there (in seconds, for the server knows no better), their statements, users, hosts, commands and states.
/// Parameters: the number of the one that waits; the key of the lock that it waits for, as what the server tells may be of one
/// that it waited for before; for the same reason sessions are left out that have ended. A transaction that was prepared for a
/// second phase has no session.
pub(crate) const BLOCKERS: &str = "\
SELECT CAST(t.trx_mysql_thread_id AS SIGNED), CAST(t.trx_id AS SIGNED), CAST(TIMESTAMPDIFF(SECOND, t.trx_started, r.trx_started) AS SIGNED), \
p.INFO, p.USER, p.HOST, p.COMMAND, p.STATE \
FROM information_schema.INNODB_TRX r JOIN information_schema.INNODB_LOCK_WAITS w ON w.requesting_trx_id = r.trx_id \
JOIN information_schema.INNODB_LOCKS l ON l.lock_id = w.requested_lock_id \
JOIN information_schema.INNODB_TRX t ON t.trx_id = w.blocking_trx_id \
LEFT JOIN information_schema.PROCESSLIST p ON p.ID = t.trx_mysql_thread_id \
WHERE r.trx_mysql_thread_id = ? AND CAST(l.lock_data AS SIGNED) = ? \
AND (p.ID IS NOT NULL OR t.trx_mysql_thread_id = 0)";
