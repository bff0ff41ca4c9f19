use std::collections::HashSet;
use std::fmt;
use std::future::Future;
use std::hash::Hash;

use crate::browse::Browse;
use crate::cursor::Cursor;
use crate::error::Result;
use crate::event::{Event, Position};
use crate::invalid::Invalid;
use crate::query::ScopeRecord;
use crate::resource::{Resource, ResourceId};
use crate::state::State;

/// The name of the cursor that an import keeps its place in.
///
/// It has a holder until the import is done. A client does not start on a database as long as it has one: what the import
/// has yet to write is missing there, and what a client writes would end the import.
pub const IMPORT_CURSOR: &str = "delta/import";

/// The highest id and the highest position that a database ever gave out, to what is long gone too.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct GivenOut {
    /// Of resources; zero if there never was one.
    pub id: ResourceId,
    /// Of events; [`Position::START`] if there never was one.
    pub position: Position,
}

impl GivenOut {
    /// The higher of each.
    #[must_use]
    pub fn max(self, other: Self) -> Self {
        Self { id: self.id.max(other.id), position: self.position.max(other.position) }
    }
}

impl fmt::Display for GivenOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ids up to {} and positions up to {}", self.id, self.position)
    }
}

/// What a database must be like for a batch to be written to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RestoreFence {
    /// It holds nothing. What its source gave out counts as given out from here on.
    Empty(GivenOut),
    /// Nothing was given out since the batch before, which answered with this.
    Untouched(GivenOut),
}

impl RestoreFence {
    /// What is given out.
    #[must_use]
    pub const fn given_out(&self) -> GivenOut {
        match self {
            Self::Empty(given_out) | Self::Untouched(given_out) => *given_out,
        }
    }
}

/// Exact copies to write, as data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RestoreBatch {
    /// What the database must be like.
    pub fence: RestoreFence,
    /// The import's own place. Its version is the one that was read, and becomes one more; 0 if there is none yet.
    pub progress: Cursor,
    /// Kinds and namespaces.
    pub scopes: Vec<ScopeRecord>,
    /// Resources, each with its detail.
    pub resources: Vec<Resource>,
    /// Events.
    pub events: Vec<Event>,
    /// Cursors, by the version that they are to have.
    pub cursors: Vec<Cursor>,
}

impl RestoreBatch {
    /// A batch that writes nothing but its progress.
    #[must_use]
    pub fn new(fence: RestoreFence, progress: Cursor) -> Self {
        let (scopes, resources, events, cursors) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        Self { fence, progress, scopes, resources, events, cursors }
    }

    /// Checks what can be told without a database: R7. Stores call it before they write.
    pub fn check(&self) -> Result<(), Invalid> {
        once("resource", self.resources.iter().map(|row| row.id))?;
        once("key", self.resources.iter().map(|row| &row.key))?;
        once("position", self.events.iter().map(|event| event.position))?;
        once("cursor", self.cursors.iter().chain([&self.progress]).map(|cursor| &cursor.name))?;
        once("scope", self.scopes.iter().map(|record| &record.scope))?;
        let given_out = self.fence.given_out();
        for row in &self.resources {
            within("id", row.id.get(), given_out.id.get())?;
            if row.detail.is_none() {
                return Err(Invalid::new("resource", "a resource with its detail", format!("{} without", row.id)));
            }
            if let State::Unknown(state) = &row.state {
                let found = format!("{state:?} of resource {}", row.id);
                return Err(Invalid::new("state", "one that this version knows", found));
            }
        }
        for event in &self.events {
            within("position", event.position.get(), given_out.position.get())?;
        }
        match self.cursors.iter().find(|cursor| cursor.version < 1) {
            Some(cursor) => {
                Err(Invalid::new("cursor", "a version from 1", format!("{} of {:?}", cursor.version, cursor.name)))
            }
            None => Ok(()),
        }
    }
}

fn once<T: Hash + Eq + fmt::Debug>(field: &'static str, items: impl Iterator<Item = T>) -> Result<(), Invalid> {
    let mut seen = HashSet::with_capacity(items.size_hint().0);
    for item in items {
        if seen.contains(&item) {
            return Err(Invalid::new(field, "each once", format!("{item:?} twice")));
        }
        seen.insert(item);
    }
    Ok(())
}

fn within(field: &'static str, found: i64, highest: i64) -> Result<(), Invalid> {
    if (1..=highest).contains(&found) {
        return Ok(());
    }
    Err(Invalid::new(field, format!("one that was given out, 1 to {highest}"), found.to_string()))
}

/// What became of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Restored {
    /// It was written. This is what the database has given out, which the next batch is fenced by.
    Written(GivenOut),
    /// The progress is not at the version that was read: another import has moved it. Nothing was written.
    Lost,
    /// The database holds something that is not of this import. Nothing was written.
    Foreign(Foreign),
}

/// What a database holds that is not of an import.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Foreign {
    /// A resource.
    Resource,
    /// An event.
    Event,
    /// A cursor.
    Cursor,
    /// A kind or a namespace.
    Scope,
    /// Ids or positions that were given out since the last batch.
    GivenOut(GivenOut),
}

impl Foreign {
    /// The name that a statement gives it.
    #[must_use]
    pub fn from_stored(name: &str) -> Option<Self> {
        let all =
            [("resource", Self::Resource), ("event", Self::Event), ("cursor", Self::Cursor), ("scope", Self::Scope)];
        all.into_iter().find(|(known, _)| *known == name).map(|(_, foreign)| foreign)
    }
}

impl fmt::Display for Foreign {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Resource => f.write_str("a resource"),
            Self::Event => f.write_str("an event"),
            Self::Cursor => f.write_str("a cursor"),
            Self::Scope => f.write_str("a kind or a namespace"),
            Self::GivenOut(given_out) => given_out.fmt(f),
        }
    }
}

#[doc = include_str!("docs/restore.md")]
pub trait Restore: Browse {
    /// The highest id and position that were ever given out: R5.
    fn given_out(&self, conn: &mut Self::Conn) -> impl Future<Output = Result<GivenOut>> + Send;

    /// Writes a batch of exact copies: R1 to R9.
    ///
    /// # Errors
    ///
    /// `Invalid` as R7 says. A lost fence is an outcome.
    ///
    /// # Cancel safety
    ///
    /// A dropped future leaves all of the batch or nothing.
    fn restore(&self, conn: &mut Self::Conn, batch: &RestoreBatch) -> impl Future<Output = Result<Restored>> + Send;

    /// Has the database look at how much was written, where its plans rest on that: before it is read back, and used.
    /// Changes nothing that can be read.
    fn refresh(&self, conn: &mut Self::Conn) -> impl Future<Output = Result<()>> + Send;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn batch() -> RestoreBatch {
        let given_out = GivenOut { id: ResourceId::new(5), position: Position::new(9) };
        RestoreBatch::new(RestoreFence::Untouched(given_out), Cursor::new("import"))
    }

    #[test]
    fn a_batch_names_nothing_twice_not_even_its_progress() {
        let cursor = |name: &str| Cursor { version: 1, ..Cursor::new(name) };
        let with =
            |names: &[&str]| RestoreBatch { cursors: names.iter().map(|name| cursor(name)).collect(), ..batch() };
        assert_eq!(with(&["a", "b"]).check(), Ok(()));
        assert_eq!(with(&["a", "a"]).check().unwrap_err().field(), "cursor");
        assert_eq!(with(&["import"]).check().unwrap_err().field(), "cursor");
        let new = RestoreBatch { cursors: vec![Cursor::new("a")], ..batch() };
        assert_eq!(new.check().unwrap_err().expected(), "a version from 1");
    }

    #[test]
    fn what_is_higher_of_each_counts_as_given_out() {
        let given_out = |id, position| GivenOut { id: ResourceId::new(id), position: Position::new(position) };
        assert_eq!(given_out(1, 9).max(given_out(3, 2)), given_out(3, 9));
        assert_eq!(given_out(1, 9).to_string(), "ids up to 1 and positions up to 9");
    }

    #[test]
    fn what_is_foreign_is_read_from_its_stored_name() {
        for (name, shown) in [("resource", "a resource"), ("event", "an event"), ("cursor", "a cursor")] {
            assert_eq!(Foreign::from_stored(name).unwrap().to_string(), shown);
        }
        assert_eq!(Foreign::from_stored("thing"), None);
    }
}
