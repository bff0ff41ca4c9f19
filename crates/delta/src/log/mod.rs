//! Reading logs: Delta's own, and those of applications.

mod cursor_store;
mod dead_letters;
mod gaps;
mod head;
mod held;
mod hub;
mod listening;
#[expect(clippy::module_inception, reason = "one main type per file, named after it")]
mod log;
mod outside;
mod poll;
mod reader;
mod source;
mod tail;
mod trim;
mod window;

pub use self::cursor_store::{CursorStore, DeferredCursors, MemoryCursors, ReadThrough, TableCursors};
#[expect(unused_imports, reason = "for consumers")]
pub(crate) use self::dead_letters::letter;
pub use self::dead_letters::{RecordErrors, RecordOnly, RecordWithEvent};
pub use self::gaps::GapListener;
pub(crate) use self::held::Held;
pub(crate) use self::hub::Hub;
pub use self::log::{Log, LogHead};
pub(crate) use self::outside::appends;
pub use self::poll::{Polled, Poller};
pub use self::trim::{Slowest, Trim, TrimEnd, TrimPast, TrimReport, Trimming};
