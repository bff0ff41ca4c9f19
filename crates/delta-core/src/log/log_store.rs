use std::future::Future;

use crate::browse::Browse;
use crate::error::Result;
use crate::event::Position;
use crate::log::{DeadLetter, DeadLetterQuery, DeadLetterStatus, ErrorTable};
use crate::timestamp::Timestamp;

/// What a trim has removed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Trimmed {
    /// How many events.
    pub events: u64,
    /// The last position that is gone: of this trim or of one before.
    pub up_to: Position,
}

#[doc = include_str!("../docs/log_store.md")]
pub trait LogStore: Browse {
    /// Opens a transaction: L1.
    fn begin_tx(&self, conn: &mut Self::Conn) -> impl Future<Output = Result<()>> + Send;

    /// Ends the transaction that [`begin_tx`](Self::begin_tx) opened, and keeps what was written in it: L1.
    fn commit_tx(&self, conn: &mut Self::Conn) -> impl Future<Output = Result<()>> + Send;

    /// Ends the transaction that [`begin_tx`](Self::begin_tx) opened, and undoes what was written in it: L1.
    fn rollback_tx(&self, conn: &mut Self::Conn) -> impl Future<Output = Result<()>> + Send;

    /// The last position of Delta's own log that was trimmed; [`Position::START`] if none was: L2.
    fn trimmed(&self, conn: &mut Self::Conn) -> impl Future<Output = Result<Position>> + Send;

    /// Removes events of Delta's own log up to a position, at most so many, the oldest first: L2.
    fn trim(&self, conn: &mut Self::Conn, up_to: Position, limit: u32) -> impl Future<Output = Result<Trimmed>> + Send;

    /// The table of dead letters that comes with Delta's schema: L3.
    fn dead_letter_table(&self) -> ErrorTable;

    /// Puts a dead letter, or overwrites message, attempts, status and time of change of the one of the same consumer, log
    /// and position: L3. Returns its id.
    fn put_dead_letter(
        &self,
        conn: &mut Self::Conn,
        table: &ErrorTable,
        letter: &DeadLetter,
    ) -> impl Future<Output = Result<i64>> + Send;

    /// Lists dead letters by id: L3.
    fn dead_letters(
        &self,
        conn: &mut Self::Conn,
        table: &ErrorTable,
        query: &DeadLetterQuery,
    ) -> impl Future<Output = Result<Vec<DeadLetter>>> + Send;

    /// Gives the dead letters of these ids that are in one of the statuses `from` the status `to`: L3. Returns how many.
    fn mark_dead_letters(
        &self,
        conn: &mut Self::Conn,
        table: &ErrorTable,
        ids: &[i64],
        from: &[DeadLetterStatus],
        to: DeadLetterStatus,
        now: Timestamp,
    ) -> impl Future<Output = Result<u64>> + Send;
}
