//! Where consumers keep their places, if not in Delta's own cursors.

mod deferred;
mod memory;
mod read_through;
mod table;

use std::fmt::Debug;
use std::sync::Arc;

use delta_core::{Invalid, Position, Result};
use futures::future::BoxFuture;

pub use self::deferred::DeferredCursors;
pub use self::memory::MemoryCursors;
pub use self::read_through::ReadThrough;
pub use self::table::TableCursors;

/// Keeps the places of consumers. Those that come with Delta may be replaced by one of your own.
///
/// # Obligations of an implementor
///
/// - A place only moves forwards: saving a lower position is `Invalid` and writes nothing; saving the one that is stored
///   does nothing, and is no error.
/// - What [`load`](Self::load) gives is what was saved last, even if it is not durable yet.
/// - After [`flush`](Self::flush) has returned without an error, all that was saved is durable. What could not be made
///   durable is kept for the next flush.
/// - A dropped future leaves the place as it was or as it was to be.
pub trait CursorStore: Debug + Send + Sync + 'static {
    /// The place of a consumer; `None` if it has none yet.
    fn load<'a>(&'a self, consumer: &'a str) -> BoxFuture<'a, Result<Option<Position>>>;

    /// Moves a consumer forwards.
    fn save<'a>(&'a self, consumer: &'a str, position: Position) -> BoxFuture<'a, Result<()>>;

    /// Makes durable what was saved.
    fn flush(&self) -> BoxFuture<'_, Result<()>>;
}

impl<C: CursorStore + ?Sized> CursorStore for Arc<C> {
    fn load<'a>(&'a self, consumer: &'a str) -> BoxFuture<'a, Result<Option<Position>>> {
        (**self).load(consumer)
    }

    fn save<'a>(&'a self, consumer: &'a str, position: Position) -> BoxFuture<'a, Result<()>> {
        (**self).save(consumer, position)
    }

    fn flush(&self) -> BoxFuture<'_, Result<()>> {
        (**self).flush()
    }
}

fn behind(stored: Position, given: Position) -> delta_core::Error {
    Invalid::new("cursor", format!("position {stored} or a later one"), format!("{given}")).into()
}

#[cfg(test)]
mod fake;
