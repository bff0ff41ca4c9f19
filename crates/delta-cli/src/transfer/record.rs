use delta::Event;
use delta::Timestamp;
use delta::core::{
    Cursor, DeadLetter, GivenOut, LogName, Name, Owner, Position, Resource, ResourceId, Scope, ScopeRecord,
};
use serde::{Deserialize, Serialize};

use super::dead_letter::DeadLetterLine;
use super::event::EventLine;
use super::numbers::{micros, time};
use super::resource::ResourceLine;
use super::source::hidden;

/// The version of the format. A program reads its own only.
pub(crate) const FORMAT: u32 = 1;

/// A line of an export.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Record {
    /// The first.
    DeltaExport(Header),
    GivenOut(GivenOutLine),
    Scope(ScopeLine),
    Resource(Box<ResourceLine>),
    Event(Box<EventLine>),
    Cursor(CursorLine),
    DeadLetter(Box<DeadLetterLine>),
    /// The last.
    End(End),
}

/// What an export is of. It may get more fields within one format.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Header {
    pub(crate) format: u32,
    /// The version of the program that wrote it.
    pub(crate) program: String,
    /// The backend that it was read from.
    pub(crate) source: String,
    /// The version of the schema there.
    pub(crate) schema: u32,
    /// When it was begun, by the database's clock.
    pub(crate) at: Timestamp,
    /// How many resources there were then.
    pub(crate) resources: u64,
}

/// What an export held: whoever reads it has it whole exactly if this is there and true.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct End {
    pub(crate) scopes: u64,
    pub(crate) resources: u64,
    pub(crate) events: u64,
    pub(crate) cursors: u64,
    /// Left out if there is none, as in what was written before there could be any.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub(crate) dead_letters: u64,
    /// SHA-256 over all lines but the first and this one, each with its line feed.
    pub(crate) digest: String,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "what serde calls")]
fn is_zero(count: &u64) -> bool {
    *count == 0
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct GivenOutLine {
    id: i64,
    position: i64,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ScopeLine {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    kind: Option<Name>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    namespace: Option<Name>,
    paused: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    settings: Option<String>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CursorLine {
    name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    position: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    holder: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    lease_until: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    next_at: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    data: Option<String>,
    version: i64,
}

/// What a record says, checked.
#[derive(Debug)]
pub(crate) enum Item {
    Header(Header),
    GivenOut(GivenOut),
    Scope(ScopeRecord),
    Resource(Box<Resource>),
    Event(Box<Event>),
    Cursor(Cursor),
    DeadLetter(Box<DeadLetter>),
    End(End),
}

/// Where a record stands among the others: an export is in this order, and has nothing twice.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Place {
    Start,
    GivenOut,
    Scope(Scope),
    Resource(i64),
    Event(i64),
    Cursor(String),
    DeadLetter(String, Option<LogName>, i64),
    End,
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Start => f.write_str("the header"),
            Self::GivenOut => f.write_str("what was given out"),
            Self::Scope(scope) => scope.fmt(f),
            Self::Resource(id) => write!(f, "resource {id}"),
            Self::Event(position) => write!(f, "event {position}"),
            Self::Cursor(name) => write!(f, "cursor {name:?}"),
            Self::DeadLetter(consumer, _, position) => write!(f, "the dead letter of {consumer} at {position}"),
            Self::End => f.write_str("the end"),
        }
    }
}

impl Record {
    pub(super) fn given_out(given_out: GivenOut) -> Self {
        Self::GivenOut(GivenOutLine { id: given_out.id.get(), position: given_out.position.get() })
    }

    pub(super) fn scope(record: ScopeRecord) -> Self {
        let (kind, namespace) = match record.scope {
            Scope::Kind(name) => (Some(name), None),
            Scope::Namespace(name) => (None, Some(name)),
        };
        Self::Scope(ScopeLine { kind, namespace, paused: record.paused, settings: record.settings })
    }

    /// `None` if the resource was read without its detail.
    pub(super) fn resource(row: &Resource) -> Option<Self> {
        ResourceLine::new(row).map(|line| Self::Resource(Box::new(line)))
    }

    pub(super) fn event(event: &Event) -> Self {
        Self::Event(Box::new(EventLine::new(event)))
    }

    pub(super) fn cursor(cursor: Cursor) -> Self {
        Self::Cursor(CursorLine {
            name: cursor.name,
            position: cursor.position,
            holder: cursor.holder.map(Owner::get),
            lease_until: micros(cursor.lease_until),
            next_at: micros(cursor.next_at),
            data: cursor.data,
            version: cursor.version,
        })
    }

    pub(super) fn dead_letter(letter: DeadLetter) -> Self {
        Self::DeadLetter(Box::new(DeadLetterLine::new(letter)))
    }

    /// What it says, or what is wrong with it.
    pub(super) fn into_item(self) -> Result<Item, String> {
        Ok(match self {
            Self::DeltaExport(header) => Item::Header(header),
            Self::GivenOut(line) => Item::GivenOut(line.given_out()),
            Self::Scope(line) => Item::Scope(line.into_record()?),
            Self::Resource(line) => Item::Resource(Box::new(line.into_resource()?)),
            Self::Event(line) => Item::Event(Box::new(line.into_event()?)),
            Self::Cursor(line) => Item::Cursor(line.into_cursor()?),
            Self::DeadLetter(line) => Item::DeadLetter(Box::new(line.into_dead_letter()?)),
            Self::End(end) => Item::End(end),
        })
    }

    /// Where it stands, or what is wrong with it.
    pub(super) fn place(&self) -> Result<Place, String> {
        Ok(match self {
            Self::DeltaExport(_) => Place::Start,
            Self::GivenOut(_) => Place::GivenOut,
            Self::Scope(line) => Place::Scope(line.scope()?),
            Self::Resource(line) => Place::Resource(line.id),
            Self::Event(line) => Place::Event(line.position),
            Self::Cursor(line) => Place::Cursor(line.name.clone()),
            Self::DeadLetter(line) => Place::DeadLetter(line.consumer.clone(), line.log.clone(), line.position),
            Self::End(_) => Place::End,
        })
    }
}

impl GivenOutLine {
    pub(super) fn given_out(&self) -> GivenOut {
        GivenOut { id: ResourceId::new(self.id), position: Position::new(self.position) }
    }
}

impl ScopeLine {
    fn scope(&self) -> Result<Scope, String> {
        match (&self.kind, &self.namespace) {
            (Some(name), None) => Ok(Scope::Kind(name.clone())),
            (None, Some(name)) => Ok(Scope::Namespace(name.clone())),
            _ => Err("expected either a kind or a namespace, found both or neither".to_owned()),
        }
    }

    fn into_record(self) -> Result<ScopeRecord, String> {
        Ok(ScopeRecord { scope: self.scope()?, paused: self.paused, settings: self.settings })
    }
}

impl CursorLine {
    fn into_cursor(self) -> Result<Cursor, String> {
        if self.version < 1 || self.name.len() > 255 || hidden(&self.name) {
            return Err(format!(
                "expected a cursor that may be stored, found {:?} of version {}",
                self.name, self.version
            ));
        }
        Ok(Cursor {
            name: self.name,
            position: self.position,
            holder: self.holder.map(Owner::new),
            lease_until: time(self.lease_until),
            next_at: time(self.next_at),
            data: self.data,
            version: self.version,
        })
    }
}
