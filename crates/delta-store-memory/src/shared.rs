use std::collections::BTreeSet;
use std::fmt;
use std::pin::pin;
use std::sync::{Mutex, MutexGuard, PoisonError};

use delta_core::{Error, ErrorKind, Lane, Result, Timestamp, WakeUpSignal};
use tokio::sync::{Notify, broadcast};

use crate::apply::Step;
use crate::clock::Clock;
use crate::database::Database;
use crate::lock::TxId;
use crate::workspace::Workspace;

/// How many wake-ups a listener may be behind before it is told to look everywhere.
const WAKEUPS_KEPT: usize = 1_024;

/// What the clones of a store share.
pub(crate) struct Shared {
    database: Mutex<Database>,
    /// Told whenever a transaction ends.
    ended: Notify,
    pub(crate) wakeups: broadcast::Sender<WakeUpSignal>,
    clock: Clock,
}

impl Shared {
    pub(crate) fn new(clock: Clock) -> Self {
        Self { database: Mutex::default(), ended: Notify::new(), wakeups: broadcast::Sender::new(WAKEUPS_KEPT), clock }
    }

    pub(crate) fn now(&self) -> Timestamp {
        (self.clock)()
    }

    /// Enters the critical section. Never held over an await.
    pub(crate) fn database(&self) -> MutexGuard<'_, Database> {
        self.database.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn begin(&self) -> Workspace {
        let since = self.now();
        self.database().begin(since)
    }

    /// Ends a transaction and keeps its work.
    pub(crate) fn merge(&self, work: Workspace) {
        let lanes = self.database().merge(work);
        self.ended.notify_waiters();
        self.wake(&lanes);
    }

    /// Ends a transaction and forgets its work.
    pub(crate) fn forget(&self, tx: TxId) {
        self.database().forget(tx);
        self.ended.notify_waiters();
    }

    pub(crate) fn wake(&self, lanes: &BTreeSet<Lane>) {
        self.send(lanes.iter().cloned().map(WakeUpSignal::Lane));
    }

    pub(crate) fn send(&self, signals: impl IntoIterator<Item = WakeUpSignal>) {
        for signal in signals {
            // Nobody listening is no error.
            let _ = self.wakeups.send(signal);
        }
    }

    /// Takes a step, again each time that a transaction ends, until nothing blocks it.
    ///
    /// # Errors
    ///
    /// `Conflict` if `me`, a caller's transaction, and what blocks it wait for each other.
    ///
    /// # Cancel safety
    ///
    /// A step is taken whole or not at all.
    pub(crate) async fn until_free<T>(
        &self,
        me: Option<TxId>,
        mut step: impl FnMut(&mut Database) -> Result<Step<T>>,
    ) -> Result<T> {
        loop {
            let mut ended = pin!(self.ended.notified());
            // Before the look, lest an end between the look and the wait be missed.
            ended.as_mut().enable();
            let waiting = {
                let mut database = self.database();
                match step(&mut database)? {
                    Step::Done(done) => return Ok(done),
                    Step::Blocked(holders) => match me {
                        None => None,
                        Some(tx) => {
                            database.locks.wait(tx, holders).map_err(|_| deadlock())?;
                            Some(Waiting { shared: self, tx })
                        }
                    },
                }
            };
            ended.await;
            drop(waiting);
        }
    }
}

fn deadlock() -> Error {
    Error::new(ErrorKind::Conflict, "wait for a lock", "the transactions that hold it wait for this one: rolled back")
}

/// Takes the note that a transaction waits back, also when the waiting future is dropped.
struct Waiting<'a> {
    shared: &'a Shared,
    tx: TxId,
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.shared.database().locks.stop_waiting(self.tx);
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").finish_non_exhaustive()
    }
}
