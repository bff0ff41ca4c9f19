//! Reading logs: Delta's own, and those of applications.

mod cursor_store;
mod dead_letters;
mod head;
mod hub;
#[expect(clippy::module_inception, reason = "one main type per file, named after it")]
mod log;
mod poll;
mod reader;
mod source;

pub use self::cursor_store::{CursorStore, DeferredCursors, MemoryCursors, ReadThrough, TableCursors};
#[expect(unused_imports, reason = "for consumers")]
pub(crate) use self::dead_letters::letter;
pub use self::dead_letters::{RecordErrors, RecordOnly, RecordWithEvent};
pub(crate) use self::hub::Hub;
pub use self::log::Log;
pub use self::poll::{Polled, Poller};
