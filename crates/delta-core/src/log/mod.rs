//! Logs: what is read in order with cursors. Delta's own, and those of applications.

mod cursor_table;
mod error_table;
mod event_table;
mod identifier;
mod log_event;
mod log_name;
mod log_store;
mod page;
mod table_event;
mod tables;

pub use cursor_table::{CursorColumns, CursorMove, CursorTable, CursorType};
pub use error_table::{DeadLetter, DeadLetterQuery, DeadLetterStatus, ErrorColumns, ErrorTable};
pub use event_table::{EventColumns, EventTable, ForeignIdType, Gap, Gaps, HeadCache, Noops, Notifier};
pub use log_event::LogEvent;
pub use log_name::LogName;
pub use log_store::{LogStore, Trimmed};
pub use page::{EventPage, LogPage};
pub use table_event::{ForeignId, NewEvent, TableEvent, TableFilter, TableQuery};
pub use tables::EventTables;
