use std::fmt;
use std::time::Duration;

use delta::IdempotencyKey;

/// What a caller of the fleet does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Call {
    /// Informs a thing.
    Inform {
        /// Its id.
        id: String,
        /// Its value.
        value: u64,
        /// How.
        how: How,
    },
    /// Informs several in a transaction of the caller's own.
    InformIn {
        /// Ids and values.
        things: Vec<(String, u64)>,
        /// Whether the transaction commits, or is rolled back.
        keep: bool,
    },
    /// Informs a note, of which the newer one holds.
    Note {
        /// Its id.
        id: String,
        /// How new it is.
        revision: u64,
    },
    /// Asks for a deletion.
    Delete(String),
    /// Asks for another run.
    Invalidate(String),
    /// Asks for a retry.
    Retry(String, IdempotencyKey),
    /// Asks for the end of an attempt.
    Cancel(String),
    /// Asks for a pause.
    Pause(String),
    /// Asks for the end of a pause.
    Resume(String),
    /// Asks for a pause of all things.
    PauseKind,
    /// Asks for the end of that.
    ResumeKind,
    /// Changes what the informer finds: a value, or none.
    Source(String, Option<u64>),
    /// Asks for a run of the informer.
    ScheduleInform {
        /// Whether the run is full.
        full: bool,
    },
}

/// How a thing is informed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum How {
    /// Without options.
    #[default]
    Plainly,
    /// First of all.
    Urgently,
    /// To be worked after this time.
    Later(Duration),
    /// To be worked although it is unchanged.
    Anew,
    /// Unless it was deleted.
    UnlessDeleted,
    /// With at most so many attempts.
    Attempts(u32),
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Inform { id, value, how } => write!(f, "inform {id} = {value} ({how:?})"),
            Self::InformIn { things, keep } => {
                let end = if *keep { "commit" } else { "roll back" };
                write!(f, "begin, inform {things:?}, {end}")
            }
            Self::Note { id, revision } => write!(f, "inform {id}, revision {revision}"),
            Self::Delete(id) => write!(f, "delete {id}"),
            Self::Invalidate(id) => write!(f, "invalidate {id}"),
            Self::Retry(id, key) => write!(f, "retry {id}, {key:?} key"),
            Self::Cancel(id) => write!(f, "cancel {id}"),
            Self::Pause(id) => write!(f, "pause {id}"),
            Self::Resume(id) => write!(f, "resume {id}"),
            Self::PauseKind => f.write_str("pause all things"),
            Self::ResumeKind => f.write_str("resume all things"),
            Self::Source(id, Some(value)) => write!(f, "the source has {id} = {value}"),
            Self::Source(id, None) => write!(f, "the source has no {id}"),
            Self::ScheduleInform { full: true } => f.write_str("schedule a full run of the informer"),
            Self::ScheduleInform { full: false } => f.write_str("schedule a run of the informer"),
        }
    }
}
