use std::fmt;

use delta_core::plan::InformOutcome;
use delta_core::transition::TABLE;
use delta_core::{EventKind, Reason};

use super::rules;

/// A kind of things that must all happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Area {
    /// Rules of the transition table.
    Rule,
    /// Faults.
    Fault,
    /// Answers of informs.
    Inform,
    /// What became of the changes of a commit.
    Change,
    /// Answers of workers.
    Answer,
    /// Events of the log, with their reasons.
    Event,
    /// Calls in whose middle a process was killed.
    Crash,
    /// Places that somebody else has taken over.
    TakeOver,
}

impl Area {
    /// Every area.
    pub const ALL: [Self; 8] =
        [Self::Rule, Self::Fault, Self::Inform, Self::Change, Self::Answer, Self::Event, Self::Crash, Self::TakeOver];

    /// What must happen in it, beside the faults of a model.
    pub(super) fn expected(self) -> Vec<String> {
        let named = |names: &[&str]| names.iter().map(ToString::to_string).collect();
        match self {
            Self::Rule => TABLE.iter().map(rules::name).collect(),
            Self::Fault => Vec::new(),
            Self::Inform => INFORMS.map(|outcome| outcome.as_str().to_owned()).into(),
            Self::Change => named(&CHANGES),
            Self::Answer => named(&ANSWERS),
            Self::Event => {
                let plain = [
                    EventKind::Synced,
                    EventKind::Failed,
                    EventKind::Expired,
                    EventKind::Deleted,
                    EventKind::Purged,
                    EventKind::Paused,
                    EventKind::Resumed,
                ];
                let scheduled = Reason::ALL.map(EventKind::Scheduled);
                plain.into_iter().chain(scheduled).map(|kind| kind.to_string()).collect()
            }
            Self::Crash => named(&CRASHES),
            Self::TakeOver => PLACES.iter().flat_map(|place| WAYS.map(|way| format!("{place}, {way}"))).collect(),
        }
    }
}

impl fmt::Display for Area {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Rule => "transitions",
            Self::Fault => "faults",
            Self::Inform => "informs",
            Self::Change => "changes",
            Self::Answer => "answers",
            Self::Event => "events",
            Self::Crash => "crashes",
            Self::TakeOver => "takeovers",
        })
    }
}

const INFORMS: [InformOutcome; 7] = [
    InformOutcome::Created,
    InformOutcome::Changed,
    InformOutcome::Revived,
    InformOutcome::Rescheduled,
    InformOutcome::Unchanged,
    InformOutcome::Stale,
    InformOutcome::SkippedDeleted,
];

/// Each change with each outcome that the contract of stores gives it, and a cursor that was lost.
const CHANGES: [&str; 14] = [
    "insert applied",
    "insert stale",
    "update applied",
    "update stale",
    "update busy",
    "remove applied",
    "remove stale",
    "remove busy",
    "settle applied",
    "settle lost",
    "settle busy",
    "renew applied",
    "renew lost",
    "cursor lost",
];

pub(super) const ANSWERS: [&str; 7] = ["synced", "snoozed", "deleted", "settled", "error", "panicked", "dropped"];

/// Calls that a process is killed in.
const CRASHES: [&str; 11] =
    ["acquire", "load", "commit", "claim", "due", "events", "cursors", "begin_tx", "commit_tx", "wake", ATTEMPT];

/// An attempt that its process did not live to see the end of.
pub(super) const ATTEMPT: &str = "attempt";

pub(super) const LEADER: &str = "leader";
pub(super) const INFORMER: &str = "informer";
pub(super) const CONSUMER: &str = "consumer";
pub(super) const SLICE: &str = "slice of a consumer";
const PLACES: [&str; 4] = [LEADER, INFORMER, CONSUMER, SLICE];

/// From somebody who held it, and from somebody who had given it back.
pub(super) const WAYS: [&str; 2] = ["its lease over", "given back"];
