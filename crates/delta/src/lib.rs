//! Keeps rows in your database in step with systems that you do not own.

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
mod maintenance;
mod random;
mod resource;
mod settings;
mod subscription;
mod tasks;

pub use delta_core as core;
pub use delta_core::plan::{IdempotencyKey, InformOutcome};
pub use delta_core::{
    Backoff, Deleted, Error, ErrorKind, Event, EventFilter, EventKind, EventObjects, EventPage, EventQuery, Existing,
    Filter, InformOptions, Key, ListQuery, MaxAttempts, Migrate, Missing, MissingLimit, Name, Names, NamespaceSettings,
    Object, ObjectSettings, Override, Position, Priority, RateLimit, Reason, Rejection, ResourceId, Result, Retention,
    RetentionSettings, RetryPolicy, SecondChance, State, Store, Timestamp, WakeUp,
};
#[cfg(feature = "memory")]
pub use delta_store_memory::MemoryStore;
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
pub use resource::{Informed, Resource};
pub use settings::ClientSettings;
pub use subscription::{Notice, Subscription};
