use std::collections::{BTreeMap, BTreeSet};

use delta_core::{Key, ResourceId, Scope};

/// Names a transaction; never used again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct TxId(pub(crate) u64);

/// Something that one transaction at a time may write.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Lock {
    Row(ResourceId),
    /// A key that a transaction has inserted and not yet committed.
    Key(Key),
    Cursor(String),
    Scope(Scope),
    /// What a row of an application's table is about.
    Entry {
        table: String,
        about: String,
    },
}

/// A transaction waits for others that wait for it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Deadlock;

/// Which open transaction holds what, and which waits for which.
#[derive(Debug, Default)]
pub(crate) struct Locks {
    held: BTreeMap<Lock, TxId>,
    waits: BTreeMap<TxId, BTreeSet<TxId>>,
}

impl Locks {
    /// Who holds the lock, unless it is free or the asker's own.
    pub(crate) fn held_by_other(&self, lock: &Lock, me: TxId) -> Option<TxId> {
        self.held.get(lock).copied().filter(|&holder| holder != me)
    }

    /// Takes a free lock.
    pub(crate) fn take(&mut self, lock: Lock, me: TxId) {
        let before = self.held.insert(lock, me);
        debug_assert!(before.is_none_or(|holder| holder == me), "a held lock was taken");
    }

    /// Frees all that a transaction holds.
    pub(crate) fn release(&mut self, me: TxId) {
        self.held.retain(|_, holder| *holder != me);
        self.waits.remove(&me);
    }

    /// Notes that a transaction waits for others, unless one of them waits for it already.
    pub(crate) fn wait(&mut self, me: TxId, holders: BTreeSet<TxId>) -> Result<(), Deadlock> {
        let mut reached = BTreeSet::new();
        let mut next: Vec<TxId> = holders.iter().copied().collect();
        while let Some(tx) = next.pop() {
            if tx == me {
                return Err(Deadlock);
            }
            if reached.insert(tx) {
                next.extend(self.waits.get(&tx).into_iter().flatten());
            }
        }
        self.waits.insert(me, holders);
        Ok(())
    }

    /// Takes the note back.
    pub(crate) fn stop_waiting(&mut self, me: TxId) {
        self.waits.remove(&me);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_circle_of_three_waiting_transactions_is_found() {
        let mut locks = Locks::default();
        let [one, two, three] = [1, 2, 3].map(TxId);
        locks.wait(one, BTreeSet::from([two])).unwrap();
        locks.wait(two, BTreeSet::from([three])).unwrap();
        assert_eq!(locks.wait(three, BTreeSet::from([one])), Err(Deadlock));
        locks.stop_waiting(one);
        assert_eq!(locks.wait(three, BTreeSet::from([one])), Ok(()));
    }
}
