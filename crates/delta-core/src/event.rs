use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize, Serializer};

use crate::invalid::{Invalid, quoted};
use crate::key::Key;
use crate::labels::{Metadata, Trace};
use crate::name::Name;
use crate::resource::ResourceId;
use crate::state::State;
use crate::timestamp::Timestamp;

/// Why a resource became claimable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// It is new.
    Created,
    /// What is wanted changed.
    Changed,
    /// It was deleted, and is wanted again.
    Revived,
    /// Somebody asked for another run.
    Requested,
    /// It had given up, and an inform mentioned it again.
    SecondChance,
    /// What is wanted changed while an attempt ran.
    Rerun,
    /// The worker put it off.
    Snoozed,
    /// The worker gave it back without an attempt.
    Released,
    /// It had not been worked for longer than its expiry.
    Expired,
    /// Somebody asked for it to be tried again after it had failed.
    Retried,
    /// The object is to be absent.
    Deletion,
    /// A full run of an informer did not mention it, and it is to be worked again.
    Missing,
}

impl Reason {
    /// Every reason.
    pub const ALL: [Self; 12] = [
        Self::Created,
        Self::Changed,
        Self::Revived,
        Self::Requested,
        Self::SecondChance,
        Self::Rerun,
        Self::Snoozed,
        Self::Released,
        Self::Expired,
        Self::Retried,
        Self::Deletion,
        Self::Missing,
    ];

    /// The stored text.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Changed => "changed",
            Self::Revived => "revived",
            Self::Requested => "requested",
            Self::SecondChance => "second_chance",
            Self::Rerun => "rerun",
            Self::Snoozed => "snoozed",
            Self::Released => "released",
            Self::Expired => "expired",
            Self::Retried => "retried",
            Self::Deletion => "deletion",
            Self::Missing => "missing",
        }
    }
}

/// What an event says happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EventKind {
    /// A generation became claimable.
    Scheduled(Reason),
    /// A worker finished a generation.
    Synced,
    /// An attempt failed; the state tells whether it was the last.
    Failed,
    /// A synced resource is due for another run.
    Expired,
    /// The object is gone outside.
    Deleted,
    /// The row was removed.
    Purged,
    /// A resource, kind or namespace was paused.
    Paused,
    /// A resource, kind or namespace was resumed.
    Resumed,
}

impl EventKind {
    /// The stored name, without the reason.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Scheduled(_) => "object_scheduled",
            Self::Synced => "object_synced",
            Self::Failed => "object_failed",
            Self::Expired => "object_expired",
            Self::Deleted => "object_deleted",
            Self::Purged => "object_purged",
            Self::Paused => "object_paused",
            Self::Resumed => "object_resumed",
        }
    }

    /// The reason of an `object_scheduled`.
    #[must_use]
    pub const fn reason(self) -> Option<Reason> {
        match self {
            Self::Scheduled(reason) => Some(reason),
            _ => None,
        }
    }

    /// Reads a stored name and reason.
    #[must_use]
    pub fn from_stored(name: &str, reason: Option<&str>) -> Option<Self> {
        let plain =
            [Self::Synced, Self::Failed, Self::Expired, Self::Deleted, Self::Purged, Self::Paused, Self::Resumed];
        match reason {
            None => plain.into_iter().find(|kind| kind.as_str() == name),
            Some(reason) if name == "object_scheduled" => {
                Reason::ALL.into_iter().find(|known| known.as_str() == reason).map(Self::Scheduled)
            }
            Some(_) => None,
        }
    }
}

impl fmt::Display for EventKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())?;
        match self.reason() {
            Some(reason) => write!(f, "({})", reason.as_str()),
            None => Ok(()),
        }
    }
}

impl Serialize for EventKind {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// The place of an event in the order of its log. Opaque text to consumers; a later event's is greater.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Position(i64);

impl Position {
    /// Before the first event.
    pub const START: Self = Self(0);

    /// Takes a stored position.
    #[must_use]
    pub const fn new(position: i64) -> Self {
        Self(position)
    }

    /// The position as a number.
    #[must_use]
    pub const fn get(self) -> i64 {
        self.0
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for Position {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        match text.parse() {
            Ok(position @ 0..) => Ok(Self(position)),
            _ => Err(Invalid::new("position", "a position that this log gave out", quoted(text))),
        }
    }
}

/// A kind or a namespace as a whole.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scope {
    /// All resources of a kind.
    Kind(Name),
    /// All resources of a namespace.
    Namespace(Name),
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Kind(name) => write!(f, "kind {name}"),
            Self::Namespace(name) => write!(f, "namespace {name}"),
        }
    }
}

/// What an event is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Subject {
    /// One resource, as it was right after the change.
    Resource {
        /// Its id.
        id: ResourceId,
        /// Its key.
        key: Key,
        /// Its state; for `object_purged`, the last it had.
        state: State,
        /// The generation that the event is about.
        generation: i64,
        /// The attempt of that generation.
        attempt: i64,
    },
    /// A kind or a namespace.
    Scope(Scope),
}

/// One entry of the log.
///
/// Its serialised form keeps all of it exactly, so a store of documents may keep that. It is read again by every later
/// version: fields are added, with a default, and never renamed or removed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// Its place in the order.
    pub position: Position,
    /// What happened.
    #[serde(with = "kind_and_reason")]
    pub kind: EventKind,
    /// To what.
    pub subject: Subject,
    /// When it was decided.
    pub at: Timestamp,
    /// The resource's metadata at that moment.
    pub metadata: Metadata,
    /// The trace of the inform that caused it.
    pub trace: Option<Trace>,
    /// The object at that moment, where the kind's settings ask for it.
    pub object: Option<Arc<str>>,
}

/// The serialised kind of an [`Event`]: with its reason, which the kind alone is serialised without.
mod kind_and_reason {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use super::EventKind;

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "what serde calls")]
    pub(super) fn serialize<S: Serializer>(kind: &EventKind, serializer: S) -> Result<S::Ok, S::Error> {
        (kind.as_str(), kind.reason()).serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<EventKind, D::Error> {
        let (name, reason) = <(String, Option<String>)>::deserialize(deserializer)?;
        let unknown = || serde::de::Error::custom(format!("expected a known kind of event, found {name:?} {reason:?}"));
        EventKind::from_stored(&name, reason.as_deref()).ok_or_else(unknown)
    }
}

/// An event that a change appends. Whatever it does not name is taken from the row as the change leaves it
/// (`object_purged`: as it was).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventDraft {
    /// What happened.
    pub kind: EventKind,
    /// The generation that the event is about, where it is not the row's.
    pub generation: Option<i64>,
    /// The attempt that the event is about, where it is not the row's.
    pub attempt: Option<i64>,
    /// Whether the event keeps the object.
    pub with_object: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_reads_back_from_its_name_and_reason() {
        let plain = [
            EventKind::Synced,
            EventKind::Failed,
            EventKind::Expired,
            EventKind::Deleted,
            EventKind::Purged,
            EventKind::Paused,
            EventKind::Resumed,
        ];
        for kind in plain.into_iter().chain(Reason::ALL.map(EventKind::Scheduled)) {
            assert_eq!(EventKind::from_stored(kind.as_str(), kind.reason().map(Reason::as_str)), Some(kind));
        }
    }

    #[test]
    fn a_name_without_its_reason_or_with_one_too_many_is_no_kind() {
        assert_eq!(EventKind::from_stored("object_scheduled", None), None);
        assert_eq!(EventKind::from_stored("object_scheduled", Some("whim")), None);
        assert_eq!(EventKind::from_stored("object_synced", Some("created")), None);
        assert_eq!(EventKind::from_stored("synced", None), None);
    }

    #[test]
    fn a_kind_is_shown_with_its_reason_and_serialised_without() {
        let kind = EventKind::Scheduled(Reason::SecondChance);
        assert_eq!(kind.to_string(), "object_scheduled(second_chance)");
        assert_eq!(serde_json::to_string(&kind).unwrap(), "\"object_scheduled\"");
        for reason in Reason::ALL {
            assert_eq!(serde_json::to_string(&reason).unwrap(), format!("\"{}\"", reason.as_str()));
        }
    }

    #[test]
    fn a_position_is_opaque_text_that_comes_back() {
        for position in [0, 1, i64::MAX] {
            assert_eq!(Position::new(position).to_string().parse::<Position>().unwrap(), Position::new(position));
        }
        for bad in ["", "-1", "x", "9223372036854775808", "1.5"] {
            assert_eq!(bad.parse::<Position>().unwrap_err().field(), "position");
        }
    }
}
