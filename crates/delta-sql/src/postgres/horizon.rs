use delta_core::{Error, ErrorKind, LogName, Position, Result};

use super::driver::PostgresDriver;
use super::query::Query;
use super::rows::Fields;
use super::tables::{Tables, first};
use super::text::log::Bounds;
use super::trim::mark;

/// How far a log may be read: Delta's own, or that of an application's table.
///
/// # Why nothing is skipped
///
/// Positions are given out before their events are committed, so that a later position may be there before an earlier
/// one. Before its first position, every transaction that appends takes a shared lock whose key is the last position
/// given out so far (the trigger `hold_log`, which both sorts of tables have), and keeps it until it ends. A reader does
/// three things, each in a statement of its own, one after the other:
///
/// 1. it reads H, the last position given out;
/// 2. it reads M, the lowest key of such a lock that is held;
/// 3. it reads the events up to the lower of H and M.
///
/// Take an event of position e up to there that is ever committed. As e is at most H, it had been given out before step 1,
/// so its transaction had taken its lock before step 1 as well, under a key below e. Had that still been held in step 2, M
/// would be below e. So the transaction had ended by then, and as a commit can be seen before its locks are let go of, the
/// snapshot of step 3, taken later, shows the event. Hence no event up to there can still appear, which is S7.
///
/// What a reader is told is not that bound, but the last position up to it that is committed, as step 2 sees it: what it reads
/// up to, and has passed. The value of a sequence is on disk only once a transaction that has used it is committed, so that a
/// server that was killed gives positions out again which nobody had committed. A reader that had passed those would miss
/// what they become.
///
/// - The sequence has no cache, so that positions are given out in the order in which H grows, by any session.
/// - The trigger runs before the statement that it belongs to takes its first position from the sequence. Who takes one
///   by hand and inserts it later goes around it: a column that is `GENERATED ALWAYS` refuses that.
/// - A savepoint that is rolled back lets go of a lock taken in it, and of the note that it was taken; the positions given
///   out under it are never committed.
/// - One snapshot for all three statements would show in step 3 less than what was committed in step 2: in a transaction
///   that keeps its snapshot the log is not read.
/// - The locks of a standby are not those of its primary, so a server in recovery does not answer.
/// - The lower of H and M never falls: a lock that is taken later has a key that is no lower than any H read before. Nor does
///   the last position committed up to there, for what was trimmed counts. Where `synchronous_commit` is off, a server that
///   is killed forgets events that were seen, as it forgets all else.
#[derive(Clone, Copy, Debug)]
pub(super) struct Horizon {
    /// The last committed position.
    pub(super) end: Position,
    /// The last one of those that may be read.
    pub(super) head: Position,
}

impl Horizon {
    /// How many positions beyond the head there are.
    pub(super) fn held_back(self) -> u64 {
        u64::try_from(self.end.get() - self.head.get()).unwrap_or(0)
    }
}

impl<D: PostgresDriver> Tables<D> {
    /// Reads how far a log may be read; `None` if it lacks what that rests on.
    pub(super) async fn horizon(
        &self,
        conn: &mut D::Conn,
        bounds: &Bounds,
        log: &LogName,
        operation: &'static str,
    ) -> Result<Option<Horizon>> {
        let rows = self.read(conn, Query::new(&bounds.end), operation).await?;
        let mut fields = Fields::new(first(&rows, operation)?, operation);
        let (end, isolation, kept): (Option<i64>, &str, bool) = (fields.take()?, fields.take()?, fields.take()?);
        if !kept {
            return Ok(None);
        }
        let Some(end) = end else {
            let what = "expected a server that takes writes, found a standby, which does not know who is appending";
            return Err(Error::new(ErrorKind::Unavailable, operation, what));
        };
        if isolation != "read committed" && self.driver().is_in_transaction(conn) {
            let what = format!("expected a transaction that is read committed, found one that is {isolation}");
            return Err(Error::new(ErrorKind::Invalid, operation, what));
        }
        let rows = self.read(conn, Query::new(&bounds.floor).bind(end), operation).await?;
        let mut fields = Fields::new(first(&rows, operation)?, operation);
        let (head, end, stored): (i64, i64, Option<&str>) = (fields.take()?, fields.take()?, fields.take()?);
        let mark = mark(stored, log, operation)?;
        Ok(Some(Horizon { end: Position::new(end).max(mark), head: Position::new(head).max(mark) }))
    }
}
