use std::fmt;
use std::time::Duration;

use delta_core::{Cursor, Event, Key, ObjectHash, Position, Resource, ResourceId, ScopeRecord, Subject};
use serde::{Deserialize, Serialize};

use super::attempt::{Answer, Attempt};

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum What {
    /// A process started, with this configuration in words.
    Started(String),
    /// A process was killed: nothing of it runs from here on.
    Crashed,
    /// A process stopped as it should.
    Stopped,
    /// A process stands still in the middle of what it does, while time goes on.
    Frozen,
    /// It goes on.
    Thawed,
    /// A store was called and answered.
    Called {
        /// The method.
        operation: String,
        /// What was asked, in words.
        asked: String,
        /// What was answered, in words.
        answered: String,
    },
    /// A fault hit a call, a process or a clock; its kind as one word, and what it did.
    Fault {
        /// Its kind, one word: what coverage counts.
        kind: String,
        /// What it did, in words.
        what: String,
    },
    /// A row was inserted (no `before`), written or removed (no `after`).
    Row {
        /// As it was.
        before: Option<Box<Resource>>,
        /// As it is.
        after: Option<Box<Resource>>,
    },
    /// An event was appended to the log.
    Appended(Box<Event>),
    /// A cursor was inserted, written or removed.
    Cursor {
        /// As it was.
        before: Option<Box<Cursor>>,
        /// As it is.
        after: Option<Box<Cursor>>,
    },
    /// What is stored about a kind or a namespace was written.
    Scope {
        /// As it was.
        before: Option<Box<ScopeRecord>>,
        /// As it is.
        after: Box<ScopeRecord>,
    },
    /// Somebody asks for something: it may be done from here on, and is not acknowledged for what was so before.
    Asked {
        /// Which resource.
        key: Key,
        /// [`Ask::name`] of it.
        ask: String,
    },
    /// Who asked was told that it failed, or was told nothing: whether it is done is not known.
    Refused {
        /// Which resource.
        key: Key,
        /// [`Ask::name`] of it.
        ask: String,
    },
    /// Somebody was told that what he asked for is done: it must be, from here on.
    Acknowledged {
        /// Which resource.
        key: Key,
        /// What was asked for.
        ask: Ask,
    },
    /// The controller was called.
    Began(Attempt),
    /// What the controller was given as the object of an attempt that is about to begin: the hash of its text.
    Given(Attempt, ObjectHash),
    /// The call ended, or was dropped. Of a process that was killed, no such entry need be there.
    Ended(Attempt, Answer),
    /// The worker is about to end the attempt so in a transaction of its own (`settle_in`), which may fail.
    Settles(Attempt, Answer),
    /// Something was done outside, whether or not the one who asked for it was told.
    Effect {
        /// About which resource.
        key: Key,
        /// Under which idempotency key.
        idempotency_key: String,
        /// What was done, in words.
        what: String,
    },
    /// A consumer's run began after this position.
    ConsumeFrom {
        /// The consumer's name; with the slice, where it is sharded.
        consumer: String,
        /// The position that it goes on from.
        after: Position,
    },
    /// A consumer's handler has handled an event.
    Consumed {
        /// The consumer's name.
        consumer: String,
        /// The event.
        position: Position,
    },
    /// A consumer gave an event up, or was told to leave it out: it counts as handled.
    PassedOver {
        /// The consumer's name.
        consumer: String,
        /// The event.
        position: Position,
    },
    /// Somebody has moved a consumer's cursor by hand: it goes on from there, whatever it has handled.
    Reset {
        /// The consumer's name.
        consumer: String,
        /// The position that it goes on from.
        after: Position,
    },
    /// From here on some process may let resources expire and may purge them, none before the shortest of these periods
    /// that any of its kinds and namespaces has; `None` is never.
    Periods {
        /// After which what is synced expires.
        expiry: Option<Duration>,
        /// After which what is deleted is purged.
        deleted: Option<Duration>,
        /// After which what is degraded is purged.
        degraded: Option<Duration>,
        /// After which what is synced is purged.
        synced: Option<Duration>,
    },
    /// The database's clock was set forwards, or, below zero, backwards by so many microseconds.
    ClockSet(i64),
    /// No fault happens from here on, so everything must come to rest.
    Calm,
    /// Something else worth a line of the timeline.
    Note(String),
}

/// What somebody asked for, and was told to be done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Ask {
    /// An inform.
    Inform {
        /// The row, as the answer named it.
        id: ResourceId,
        /// The generation that the answer named.
        generation: i64,
        /// The hash of the object that was informed.
        hash: ObjectHash,
        /// [`InformOutcome::as_str`](delta_core::plan::InformOutcome::as_str) of the answer.
        outcome: String,
    },
    /// A deletion.
    Delete,
    /// Another run.
    Invalidate,
    /// A retry of what gave up.
    Retry,
    /// The end of the attempt that runs.
    Cancel,
    /// A pause.
    Pause,
    /// The end of a pause.
    Resume,
}

impl Ask {
    /// One word for it, which tells what was asked from what was answered.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Inform { .. } => "inform",
            Self::Delete => "delete",
            Self::Invalidate => "invalidate",
            Self::Retry => "retry",
            Self::Cancel => "cancel",
            Self::Pause => "pause",
            Self::Resume => "resume",
        }
    }
}

impl fmt::Display for Ask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Inform { generation, outcome, .. } => write!(f, "inform: {outcome}, generation {generation}"),
            other => f.write_str(other.name()),
        }
    }
}

impl fmt::Display for What {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Started(how) => write!(f, "started ({how})"),
            Self::Crashed => f.write_str("crashed"),
            Self::Stopped => f.write_str("stopped"),
            Self::Frozen => f.write_str("stands still"),
            Self::Thawed => f.write_str("goes on"),
            Self::Called { operation, asked, answered } => write!(f, "{operation}({asked}) -> {answered}"),
            Self::Fault { kind, what } => write!(f, "fault {kind}: {what}"),
            Self::Row { before, after } => {
                let row = before.as_ref().or(after.as_ref()).map(|row| row.key.to_string()).unwrap_or_default();
                write!(f, "row {row}: {} => {}", Brief(before.as_deref()), Brief(after.as_deref()))
            }
            Self::Appended(event) => match &event.subject {
                Subject::Resource { key, state, generation, attempt, .. } => {
                    let position = event.position;
                    write!(f, "event {position} {} {key} ({state}, g{generation} a{attempt})", event.kind)
                }
                Subject::Scope(scope) => write!(f, "event {} {} {scope}", event.position, event.kind),
            },
            Self::Cursor { before, after } => {
                let name = before.as_ref().or(after.as_ref()).map(|cursor| cursor.name.clone()).unwrap_or_default();
                let (before, after) = (Place(before.as_deref()), Place(after.as_deref()));
                write!(f, "cursor {name}: {before} => {after}")
            }
            Self::Scope { after, .. } => {
                let (paused, settings) = (after.paused, after.settings.as_deref().unwrap_or("none"));
                write!(f, "{}: paused {paused}, settings {settings}", after.scope)
            }
            Self::Asked { key, ask } => write!(f, "asks of {key}: {ask}"),
            Self::Refused { key, ask } => write!(f, "was not told that {key} is done: {ask}"),
            Self::Acknowledged { key, ask } => write!(f, "told that {key} is done: {ask}"),
            Self::Began(attempt) => write!(f, "begins to {attempt}"),
            Self::Given(attempt, hash) => write!(f, "is given {hash} to {attempt}"),
            Self::Ended(attempt, answer) => write!(f, "ends to {attempt}: {answer}"),
            Self::Settles(attempt, answer) => write!(f, "is about to settle {attempt}: {answer}"),
            Self::Effect { key, idempotency_key, what } => write!(f, "outside, {key}: {what} ({idempotency_key})"),
            Self::ConsumeFrom { consumer, after } => write!(f, "consumer {consumer} goes on after {after}"),
            Self::Consumed { consumer, position } => write!(f, "consumer {consumer} has handled {position}"),
            Self::PassedOver { consumer, position } => write!(f, "consumer {consumer} passes over {position}"),
            Self::Reset { consumer, after } => write!(f, "consumer {consumer} is set to go on after {after}"),
            Self::Periods { expiry, deleted, degraded, synced } => {
                let purged = format!("deleted {deleted:?}, degraded {degraded:?}, synced {synced:?}");
                write!(f, "may let expire after {expiry:?}, and purge after: {purged}")
            }
            Self::ClockSet(micros) => write!(f, "the database's clock is set by {micros} µs"),
            Self::Calm => f.write_str("no more faults"),
            Self::Note(text) => f.write_str(text),
        }
    }
}

/// A row in a few words.
struct Brief<'a>(Option<&'a Resource>);

impl fmt::Display for Brief<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(row) = self.0 else { return f.write_str("nothing") };
        write!(f, "{} v{} g{}/{} a{}", row.state, row.version, row.generation, row.synced_generation, row.attempt)?;
        if let Some(run_at) = row.run_at {
            write!(f, " due {run_at}")?;
        }
        if let Some(lease) = &row.lease {
            write!(f, " lease {} of {} until {}", lease.token.get(), lease.owner, lease.until)?;
        }
        if row.paused { f.write_str(" paused") } else { Ok(()) }
    }
}

/// A cursor in a few words.
struct Place<'a>(Option<&'a Cursor>);

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(cursor) = self.0 else { return f.write_str("nothing") };
        write!(f, "v{}", cursor.version)?;
        if let Some(position) = &cursor.position {
            write!(f, " at {position}")?;
        }
        if let (Some(holder), Some(until)) = (cursor.holder, cursor.lease_until) {
            write!(f, " held by {holder} until {until}")?;
        }
        Ok(())
    }
}
