use std::ops::{Deref, DerefMut};
use std::sync::Arc;

use delta_core::{Access, Error, ErrorKind, Result};

use crate::lock::TxId;
use crate::shared::Shared;
use crate::view::View;
use crate::workspace::Workspace;

/// A connection to a [`MemoryStore`](crate::MemoryStore), in a transaction or not.
///
/// Dropping it rolls its transaction back.
#[derive(Debug)]
pub struct MemoryConn {
    pub(crate) shared: Arc<Shared>,
    pub(crate) access: Access,
    pub(crate) mode: Mode,
}

#[derive(Debug)]
pub(crate) enum Mode {
    /// Every call is a transaction of its own.
    Auto,
    /// In a caller's transaction.
    Open(Box<Workspace>),
    /// In a caller's transaction that a deadlock has ended.
    Over,
}

impl MemoryConn {
    pub(crate) fn new(shared: Arc<Shared>, access: Access) -> Self {
        Self { shared, access, mode: Mode::Auto }
    }

    /// Whether the connection is in a transaction.
    #[must_use]
    pub fn is_in_transaction(&self) -> bool {
        !matches!(self.mode, Mode::Auto)
    }

    pub(crate) fn begin(&mut self) {
        self.mode = Mode::Open(Box::new(self.shared.begin()));
    }

    /// The caller's transaction, if there is one.
    pub(crate) fn tx(&self) -> Option<TxId> {
        match &self.mode {
            Mode::Open(work) => Some(work.tx),
            Mode::Auto | Mode::Over => None,
        }
    }

    /// Fails if the caller's transaction is over, or if the connection is to write and was acquired for reading.
    pub(crate) fn usable(&self, operation: &'static str, access: Access) -> Result<()> {
        if matches!(self.mode, Mode::Over) {
            return Err(over(operation));
        }
        if access == Access::Write && self.access == Access::Read {
            let what = "expected a connection acquired for writing, found one for reading";
            return Err(Error::new(ErrorKind::Invalid, operation, what));
        }
        Ok(())
    }

    /// Reads what the connection sees.
    pub(crate) fn read<T>(&self, operation: &'static str, read: impl FnOnce(View<'_>) -> T) -> Result<T> {
        self.usable(operation, Access::Read)?;
        let database = self.shared.database();
        let work = match &self.mode {
            Mode::Open(work) => Some(work.as_ref()),
            Mode::Auto | Mode::Over => None,
        };
        Ok(read(View::new(&database, work)))
    }

    pub(crate) fn commit(&mut self) -> Result<()> {
        match std::mem::replace(&mut self.mode, Mode::Auto) {
            Mode::Auto => Ok(()),
            Mode::Open(work) => {
                self.shared.merge(*work);
                Ok(())
            }
            Mode::Over => Err(over("commit the transaction")),
        }
    }

    pub(crate) fn roll_back(&mut self, then: Mode) {
        if let Mode::Open(work) = std::mem::replace(&mut self.mode, then) {
            self.shared.forget(work.tx);
        }
    }
}

fn over(operation: &'static str) -> Error {
    Error::new(ErrorKind::Conflict, operation, "the transaction was rolled back to end a deadlock")
}

impl Drop for MemoryConn {
    fn drop(&mut self) {
        self.roll_back(Mode::Auto);
    }
}

/// An acquired [`MemoryConn`].
#[derive(Debug)]
pub struct MemoryGuard(pub(crate) MemoryConn);

impl Deref for MemoryGuard {
    type Target = MemoryConn;

    fn deref(&self) -> &MemoryConn {
        &self.0
    }
}

impl DerefMut for MemoryGuard {
    fn deref_mut(&mut self) -> &mut MemoryConn {
        &mut self.0
    }
}
