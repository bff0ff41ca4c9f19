//! Keeps rows in your database in step with systems that you do not own.
//!
//! Write a [`Controller`] for each kind of [`Object`]: an informer that says what exists outside, and a worker that brings
//! one resource into step. Give it to a [`Client`] on a store (one feature each: `memory`, `sqlite`, `postgres`,
//! `mysql`, `diesel-postgres`, `diesel-mysql`; nothing is on by default), and [`start`](Client::start) it. Tell it of changes with [`inform`](AnyClient::inform), in your own
//! transaction with [`inform_in`](Client::inform_in).
//!
//! Delta keeps each resource's state, schedules it, works it under a lease, retries it with back-off, rescues what a crashed
//! process left behind, expires what is old, purges what is done with, and appends every change to a durable event log in
//! the same commit.
//!
//! # Guarantees
//!
//! - Every acknowledged inform is worked: at least once, and never by two workers at the same time while leases hold.
//! - A change during an attempt leads to exactly one more run.
//! - A late completion, a stale inform or a lost lease changes nothing, and says so.

mod action;
mod client;
mod clock;
mod context;
mod controller;
mod engine;
mod erased;
mod executor;
mod inform;
mod informer;
mod layer;
pub mod log;
mod maintenance;
pub mod metrics;
mod random;
mod resource;
mod settings;
mod subscription;
mod tasks;
#[doc(hidden)]
pub mod testing;

pub use delta_core as core;
pub use delta_core::plan::{IdempotencyKey, InformOutcome};
pub use delta_core::{
    Backoff, CursorTable, Deleted, Error, ErrorKind, ErrorTable, Event, EventFilter, EventKind, EventObjects,
    EventPage, EventQuery, EventTable, EventTables, Existing, Filter, InformOptions, Key, ListQuery, LogStore,
    MaxAttempts, Migrate, Missing, MissingLimit, Name, Names, NamespaceSettings, Object, ObjectSettings, Override,
    Position, Priority, RateLimit, Reason, Rejection, ResourceId, Result, Retention, RetentionSettings, RetryPolicy,
    SecondChance, State, Store, TableEvent, TableFilter, Timestamp, WakeUp,
};
#[cfg(feature = "diesel-mysql")]
pub use delta_store_diesel::MySqlDieselStore;
#[cfg(feature = "diesel-postgres")]
pub use delta_store_diesel::PgDieselStore;
#[cfg(feature = "memory")]
pub use delta_store_memory::MemoryStore;
#[cfg(feature = "mysql")]
pub use delta_store_sqlx::MySqlStore;
#[cfg(feature = "postgres")]
pub use delta_store_sqlx::PgStore;
#[cfg(feature = "sqlite")]
pub use delta_store_sqlx::SqliteStore;

pub use action::{Action, InformError, WorkError};
pub use client::{
    AnyClient, Builder, Client, InformRun, InformSummary, Pausable, Running, ScheduleInform, SettleOutcome, Wake,
};
pub use context::{InformContext, WorkContext};
pub use controller::Controller;
pub use inform::{Inform, Mention};
pub use layer::{Layer, Next};
pub use log::{
    Awaited, Batch, Bootstrap, ConsumeContext, ConsumeError, ConsumeFailure, ConsumeSummary, Consumer, Consumption,
    CursorStore, CursorWrites, DeadLetters, DeferredCursors, Delivery, EventLog, FillGaps, GapListener, GiveUp,
    Inserter, Loader, Log, LogHead, LogWake, MemoryCursors, Polled, Poller, ReadThrough, RecordErrors, RecordOnly,
    RecordWithEvent, Recovered, ShardBy, Slowest, StoreLoader, TableCursors, Trim, TrimEnd, TrimPast, TrimReport,
    Trimming,
};
pub use resource::{Informed, Resource};
pub use settings::ClientSettings;
pub use subscription::{Notice, Subscription};

/// The README's code, compiled and run as a test.
#[cfg(all(doctest, feature = "sqlite"))]
#[doc = include_str!("../../../README.md")]
pub struct Readme;
