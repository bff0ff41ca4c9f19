#![doc = include_str!("../docs/log.md")]

mod await_event;
mod bell;
mod bootstrap;
mod consume;
mod consumer;
mod cursor_store;
mod dead_letters;
mod event_log;
mod fill_gaps;
mod gaps;
mod head;
mod held;
mod hub;
mod listening;
mod loader;
#[expect(clippy::module_inception, reason = "one main type per file, named after it")]
mod log;
mod outside;
mod poll;
mod reader;
mod source;
mod table_source;
mod tail;
mod trim;
mod wake;
mod window;

pub use self::await_event::Awaited;
pub use self::bootstrap::Bootstrap;
pub use self::consume::{
    Batch, ConsumeContext, ConsumeError, ConsumeFailure, ConsumeSummary, Consumption, CursorWrites, Delivery, GiveUp,
    Recovered, ShardBy,
};
pub use self::consumer::Consumer;
pub use self::cursor_store::{CursorStore, DeferredCursors, MemoryCursors, ReadThrough, TableCursors};
pub use self::dead_letters::{DeadLetters, RecordErrors, RecordOnly, RecordWithEvent};
pub use self::event_log::EventLog;
pub use self::fill_gaps::FillGaps;
pub use self::gaps::GapListener;
pub(crate) use self::held::Held;
pub(crate) use self::hub::Hub;
pub use self::loader::{Inserter, Loader, StoreLoader};
pub use self::log::{Log, LogHead};
pub(crate) use self::outside::appends;
pub use self::poll::{Polled, Poller};
pub(crate) use self::trim::LogTrimming;
pub use self::trim::{Slowest, Trim, TrimEnd, TrimPast, TrimReport, Trimming};
pub use self::wake::LogWake;
