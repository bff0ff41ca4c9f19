use crate::cursor::CursorChange;
use crate::event::{Event, EventDraft, Scope};
use crate::key::Key;
use crate::lease::LeaseToken;
use crate::resource::{AttemptError, DeletedBy, Resource, ResourceId};
use crate::state::State;
use crate::timestamp::Timestamp;

/// The data of one atomic write: what a plan decided, and a store applies whole or not at all.
///
/// A change whose own fence no longer holds is left out with its events, and the [`Receipt`] says so; that is an
/// outcome and no error. A cursor whose fence no longer holds leaves out everything. No row may be named twice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Changeset {
    /// When it was decided: the `at` of its events and the `updated_at` of its rows.
    pub now: Timestamp,
    /// Writes of resources.
    pub changes: Vec<Change>,
    /// Writes of cursors.
    pub cursors: Vec<CursorChange>,
    /// Writes of kinds and namespaces.
    pub scopes: Vec<ScopeChange>,
    /// What to do about a row that another transaction has locked.
    pub locked: Locked,
    /// Whether the wake-up of what becomes claimable travels in the transaction itself.
    pub wake: WakeUp,
    /// Whether the receipt returns the appended events.
    pub returning: Returning,
}

impl Changeset {
    /// An empty changeset: waits for locked rows, sends no wake-up, returns no events.
    #[must_use]
    pub fn new(now: Timestamp) -> Self {
        Self {
            now,
            changes: Vec::new(),
            cursors: Vec::new(),
            scopes: Vec::new(),
            locked: Locked::Wait,
            wake: WakeUp::AfterCommit,
            returning: Returning::Outcomes,
        }
    }

    /// Whether there is nothing to write.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty() && self.cursors.is_empty() && self.scopes.is_empty()
    }
}

/// What a changeset does about a row that another transaction has locked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Locked {
    /// Waits for it.
    Wait,
    /// Leaves the change out as [`Outcome::Busy`]. An insert still waits: there is no row to skip yet.
    Skip,
}

/// When the wake-up of newly claimable resources leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WakeUp {
    /// After the commit: the caller sends it with [`Store::wake`](crate::Store::wake), coalesced.
    AfterCommit,
    /// With the commit, by the store, at the price of serialising commits where the database does.
    InTransaction,
}

/// What a [`Receipt`] holds besides outcomes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Returning {
    /// Nothing.
    Outcomes,
    /// The appended events, as the log holds them.
    Events,
}

/// One write of one resource, fenced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// Inserts a row; stale if its key exists.
    Insert(Box<Insert>),
    /// Writes a row over the version that was read; stale if it has moved on or is gone.
    Update(Box<Update>),
    /// Removes a row of the version that was read; stale if it has moved on or is gone.
    Remove(Remove),
    /// Ends an attempt; lost if the row is no longer pending under its lease.
    Settle(Box<Settle>),
    /// Renews a lease; lost if the row is no longer pending under it.
    Renew(Renew),
}

/// A row to insert.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Insert {
    /// The row; its id is the store's to give, its version is 1, and it has a detail.
    pub row: Resource,
    /// Appended with it.
    pub events: Vec<EventDraft>,
}

/// A row to write over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Update {
    /// The version that was read, and must still be there.
    pub version: i64,
    /// The row as it is to be, with its version already counted up. Everything but id, key, lease, error count and detail
    /// is written from here.
    pub row: Resource,
    /// What becomes of the lease.
    pub lease: LeaseWrite,
    /// Whether object and hash are written from `row` (which then has a detail).
    pub write_object: bool,
    /// Whether tags are written from `row` (which then has a detail).
    pub write_tags: bool,
    /// An error to record.
    pub error: Option<AttemptError>,
    /// Appended with it.
    pub events: Vec<EventDraft>,
}

/// What an update does with the lease of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LeaseWrite {
    /// Leaves it as it is in the row: a heartbeat may have moved it since the row was read.
    Keep,
    /// Asks its holder to end the attempt.
    RequestCancel,
}

/// A row to remove.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remove {
    /// Which row.
    pub id: ResourceId,
    /// The version that was read, and must still be there.
    pub version: i64,
    /// Appended with it, about the row as it was.
    pub events: Vec<EventDraft>,
}

/// The end of an attempt: by the worker's report, or by a rescue.
///
/// It carries both outcomes, and the store takes the one that fits the row: `moved` if its generation is no longer the
/// lease's. The lease ends in both.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settle {
    /// Which row.
    pub id: ResourceId,
    /// The lease that the row must be pending under.
    pub token: LeaseToken,
    /// For a rescue: the lease must be over at this moment, checked again under the lock.
    pub over_at: Option<Timestamp>,
    /// An error to record, in either outcome.
    pub error: Option<AttemptError>,
    /// What to write if the generation has not moved.
    pub unmoved: Settlement,
    /// What to write if it has.
    pub moved: Settlement,
}

/// What the end of an attempt makes of a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settlement {
    /// The new state; `state_since` is the changeset's `now`.
    pub state: State,
    /// The attempts that count from now on; `None` leaves what the row has.
    pub attempt: Option<i64>,
    /// When it may be claimed.
    pub run_at: RunAt,
    /// The generation that was finished, with `synced_at` = `now`; `None` leaves both as they are.
    pub synced_generation: Option<i64>,
    /// Who deleted it, with `deleted_at` = `now`; `None` leaves both as they are.
    pub deleted_by: Option<DeletedBy>,
    /// Appended with it.
    pub events: Vec<EventDraft>,
}

/// When a settled row may be claimed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunAt {
    /// Never.
    Never,
    /// From this moment on.
    At(Timestamp),
    /// From the moment that was asked for while the attempt ran, else from this one on.
    AskedOr(Timestamp),
}

/// A heartbeat of one lease. It does not count up the version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Renew {
    /// Which row.
    pub id: ResourceId,
    /// The lease that the row must be pending under.
    pub token: LeaseToken,
    /// The lease's new end.
    pub until: Timestamp,
}

/// A write of what is stored about a kind or a namespace; it is created if it does not exist yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScopeChange {
    /// Which kind or namespace.
    pub scope: Scope,
    /// What to write.
    pub write: ScopeWrite,
}

/// What is written about a kind or a namespace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ScopeWrite {
    /// Nobody claims its resources. Appends `object_paused`, unless it is paused already.
    Pause,
    /// Its resources are claimed again. Appends `object_resumed`, unless it is not paused.
    Resume,
    /// Its settings, as JSON text. No event.
    Settings(String),
}

/// What became of a changeset.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Receipt {
    /// One for each change, in their order. Empty if a cursor was lost.
    pub outcomes: Vec<Outcome>,
    /// The name of a cursor whose fence no longer held: nothing was written.
    pub lost_cursor: Option<String>,
    /// The appended events in the order of the log, where the changeset asked for them.
    pub events: Vec<Event>,
}

/// What became of one change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It was written.
    Applied(Applied),
    /// The key exists, or the version has moved on: load and plan again.
    Stale,
    /// The row is no longer pending under that lease, or a rescue found the lease renewed.
    Lost,
    /// Another transaction has the row locked: try again later, alone.
    Busy,
}

impl Outcome {
    /// What was written, if it was.
    #[must_use]
    pub const fn applied(&self) -> Option<&Applied> {
        match self {
            Self::Applied(applied) => Some(applied),
            _ => None,
        }
    }
}

/// An applied change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Applied {
    /// The row, also of an insert.
    pub id: ResourceId,
    /// Settle: whether the generation had moved, so that `moved` was written.
    pub moved: bool,
    /// Renew: whether somebody asked for the attempt to be ended.
    pub cancel_requested: bool,
}

impl Change {
    /// The row that the change is about; an insert has a key instead.
    #[must_use]
    pub fn id(&self) -> Option<ResourceId> {
        match self {
            Self::Insert(_) => None,
            Self::Update(update) => Some(update.row.id),
            Self::Remove(remove) => Some(remove.id),
            Self::Settle(settle) => Some(settle.id),
            Self::Renew(renew) => Some(renew.id),
        }
    }

    /// The key that an insert is about.
    #[must_use]
    pub fn inserted_key(&self) -> Option<&Key> {
        match self {
            Self::Insert(insert) => Some(&insert.row.key),
            _ => None,
        }
    }
}
