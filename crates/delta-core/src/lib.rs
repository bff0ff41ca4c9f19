//! The pure core of Delta: resources, their state machine, plans and the store contract.
//!
//! Nothing here does I/O, reads a clock or draws a random number. A decision is a plain function of rows, an input and
//! `now` that returns a [`Changeset`]; a [`Store`] applies it. Users of Delta meet this crate through `delta`; authors of
//! stores depend on it alone.

mod browse;
mod canonical;
mod changeset;
mod check;
mod cursor;
#[cfg(test)]
mod documents;
mod error;
mod event;
mod inform_options;
mod invalid;
mod key;
mod labels;
mod lease;
mod log;
mod matching;
mod migrate;
mod name;
mod object;
pub mod plan;
mod query;
mod resource;
mod restore;
mod retry;
#[cfg(test)]
mod samples;
mod session;
mod settings;
mod state;
mod store;
mod timestamp;
pub mod transition;
mod wakeup;
mod written;

pub use browse::{Browse, Filter, ListQuery, LogHolder, StateCount};
pub use canonical::{CanonicalObject, ObjectHash};
pub use changeset::{
    Applied, Change, Changeset, Insert, LeaseWrite, Locked, Outcome, Receipt, Remove, Renew, Returning, RunAt,
    ScopeChange, ScopeWrite, Settle, Settlement, Update, WakeUp,
};
pub use cursor::{CONSUMER_PREFIX, Cursor, CursorChange, CursorQuery, TRIM_PREFIX};
pub use error::{Error, ErrorKind, Result};
pub use event::{Event, EventDraft, EventKind, Position, Reason, Scope, Subject};
pub use inform_options::{Deleted, Existing, InformOptions, MaxAttempts, ResolvedOptions};
pub use invalid::Invalid;
pub use key::{Key, Lane, ObjectId};
pub use labels::{Metadata, Tags, Trace};
pub use lease::{Lease, LeaseToken, Owner};
pub use log::{
    CursorColumns, CursorMove, CursorTable, CursorType, DeadLetter, DeadLetterQuery, DeadLetterStatus, ErrorColumns,
    ErrorTable, EventColumns, EventPage, EventTable, EventTables, ForeignId, ForeignIdType, Gap, Gaps, HeadCache,
    LogEvent, LogName, LogPage, LogStore, NewEvent, Noops, Notifier, TableEvent, TableFilter, TableQuery, Trimmed,
};
pub use migrate::{Migrate, MigrationStatus, Target};
pub use name::Name;
pub use object::Object;
pub use query::{
    Access, ClaimRequest, Claimed, Depth, Due, DueQuery, EventFilter, EventQuery, LaneQuery, Load, LoadBy, Names,
    ScopeRecord,
};
pub use resource::{AbsentBy, AttemptError, DeletedBy, Desired, Detail, Priority, Resource, ResourceId};
pub use restore::{Foreign, GivenOut, IMPORT_CURSOR, Restore, RestoreBatch, RestoreFence, Restored};
pub use retry::{Backoff, RetryPolicy};
pub use session::{DynStore, Session, borrow_session};
pub use settings::{
    EventObjects, Missing, MissingLimit, NamespaceSettings, ObjectSettings, Override, RateLimit, Retention,
    RetentionSettings, SecondChance,
};
pub use state::State;
pub use store::{Capabilities, Processes, Store, WakeupReach, Writers};
pub use timestamp::Timestamp;
pub use transition::Rejection;
pub use wakeup::{WakeUpSignal, Wakeups};
pub use written::Written;
