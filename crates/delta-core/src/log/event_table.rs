use std::time::Duration;

use crate::event::Position;
use crate::invalid::{Invalid, quoted};
use crate::log::{ForeignId, LogName, NewEvent, identifier};

/// The longest foreign id, in bytes.
const MAX_FOREIGN_ID: usize = 255;

/// An application's own log: a table of its own, in its own words, that it appends to in its own transactions.
///
/// It says how the table is named and read; nothing is looked at before a store is given it.
///
/// # Examples
///
/// ```
/// use delta_core::EventTable;
///
/// let table = EventTable::new("user_events").metadata_column("metadata").trace_column("trace");
/// assert!(table.check().is_ok());
/// assert!(EventTable::new("drop table").check().is_err());
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventTable {
    name: String,
    columns: EventColumns,
    ids: ForeignIdType,
    lookup_limit: u32,
    poll_interval: Duration,
    notifier: Notifier,
    cache: HeadCache,
    gaps: Gaps,
    noops: Noops,
}

/// The names of an event table's columns.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "each is named after what it holds")]
pub struct EventColumns {
    pub id: String,
    pub foreign_id: String,
    pub kind: String,
    pub at: String,
    pub metadata: Option<String>,
    pub trace: Option<String>,
}

/// What a table's events are about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ForeignIdType {
    /// Text of at most 255 bytes.
    #[default]
    Text,
    /// 64-bit integers.
    Int,
}

/// How consumers of a table hear of new events before the next poll.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Notifier {
    /// They poll.
    None,
    /// Those of the client that inserted hear of it.
    InProcess,
    /// All within the reach of the store's wake-ups: of the database where it has LISTEN/NOTIFY, else of the process.
    #[default]
    Database,
}

/// Whether the consumers of one process share what they read at the head of a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HeadCache {
    /// They do: up to so many events and about so many bytes.
    On {
        /// Events.
        rows: usize,
        /// Bytes of memory, about.
        bytes: usize,
    },
    /// Each reads for itself.
    Off,
}

impl Default for HeadCache {
    /// 10,000 events, 16 MiB.
    fn default() -> Self {
        Self::On { rows: 10_000, bytes: 16 << 20 }
    }
}

/// What a missing id means.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Gaps {
    /// Nothing: the table has what keeps its readers behind open transactions (a trigger), which its creation makes.
    #[default]
    Passed,
    /// That an open transaction may yet fill it: readers stop there until somebody does. For tables that follow the
    /// gap-filling scheme, where noop events fill what was rolled back.
    Waited,
}

/// Whether readers see events that only fill gaps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Noops {
    /// They do not.
    #[default]
    Hidden,
    /// They do.
    Shown,
}

/// Ids that are missing between two that are there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Gap {
    /// The last one before; [`Position::START`] if the first are missing.
    pub after: Position,
    /// The first one behind.
    pub before: Position,
}

impl EventTable {
    /// A table of this name, which may have its schema before it (`app.user_events`), with all defaults.
    #[must_use]
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            columns: EventColumns {
                id: "id".to_owned(),
                foreign_id: "foreign_id".to_owned(),
                kind: "type".to_owned(),
                at: "timestamp".to_owned(),
                metadata: None,
                trace: None,
            },
            ids: ForeignIdType::default(),
            lookup_limit: 1_000,
            poll_interval: Duration::from_secs(10),
            notifier: Notifier::default(),
            cache: HeadCache::default(),
            gaps: Gaps::default(),
            noops: Noops::default(),
        }
    }

    /// The column of the id, by which events are ordered; `id` by default.
    #[must_use]
    pub fn id_column(mut self, name: impl Into<String>) -> Self {
        self.columns.id = name.into();
        self
    }

    /// The column of the foreign id; `foreign_id` by default.
    #[must_use]
    pub fn foreign_id_column(mut self, name: impl Into<String>) -> Self {
        self.columns.foreign_id = name.into();
        self
    }

    /// The column of the type; `type` by default.
    #[must_use]
    pub fn type_column(mut self, name: impl Into<String>) -> Self {
        self.columns.kind = name.into();
        self
    }

    /// The column of the time; `timestamp` by default.
    #[must_use]
    pub fn time_column(mut self, name: impl Into<String>) -> Self {
        self.columns.at = name.into();
        self
    }

    /// The column of the metadata; none by default.
    #[must_use]
    pub fn metadata_column(mut self, name: impl Into<String>) -> Self {
        self.columns.metadata = Some(name.into());
        self
    }

    /// The column of the trace; none by default.
    #[must_use]
    pub fn trace_column(mut self, name: impl Into<String>) -> Self {
        self.columns.trace = Some(name.into());
        self
    }

    /// What foreign ids are; text by default.
    #[must_use]
    pub fn foreign_ids(mut self, ids: ForeignIdType) -> Self {
        self.ids = ids;
        self
    }

    /// How many events one query reads; 1,000 by default, at most 10,000.
    #[must_use]
    pub fn lookup_limit(mut self, events: u32) -> Self {
        self.lookup_limit = events;
        self
    }

    /// How often to look for new events without a wake-up; 10 s by default.
    #[must_use]
    pub fn poll_interval(mut self, interval: Duration) -> Self {
        self.poll_interval = interval;
        self
    }

    /// How consumers hear of new events; [`Notifier::Database`] by default.
    #[must_use]
    pub fn notifier(mut self, notifier: Notifier) -> Self {
        self.notifier = notifier;
        self
    }

    /// Whether consumers share what they read at the head; 10,000 events and 16 MiB by default.
    #[must_use]
    pub fn cache(mut self, cache: HeadCache) -> Self {
        self.cache = cache;
        self
    }

    /// What a missing id means; [`Gaps::Passed`] by default.
    #[must_use]
    pub fn gaps(mut self, gaps: Gaps) -> Self {
        self.gaps = gaps;
        self
    }

    /// Whether readers see noop events; hidden by default.
    #[must_use]
    pub fn noops(mut self, noops: Noops) -> Self {
        self.noops = noops;
        self
    }

    /// Checks the names and numbers.
    ///
    /// # Errors
    ///
    /// Says which is wrong, what was expected and what was found.
    pub fn check(&self) -> Result<(), Invalid> {
        identifier::table("event table", &self.name)?;
        if self.log_name().is_own() {
            return Err(Invalid::new("event table", "another name than that of Delta's own log", "\"delta\""));
        }
        let columns = &self.columns;
        let required = [
            ("id column", &columns.id),
            ("foreign id column", &columns.foreign_id),
            ("type column", &columns.kind),
            ("time column", &columns.at),
        ];
        let optional = [("metadata column", &columns.metadata), ("trace column", &columns.trace)];
        let optional = optional.into_iter().filter_map(|(field, name)| Some((field, name.as_deref()?)));
        identifier::columns(required.into_iter().map(|(field, name)| (field, name.as_str())).chain(optional))?;
        if !(1..=10_000).contains(&self.lookup_limit) {
            return Err(Invalid::new("lookup limit", "1 to 10,000", self.lookup_limit.to_string()));
        }
        if self.poll_interval.is_zero() {
            return Err(Invalid::new("poll interval", "a time above zero", "0 s"));
        }
        match self.cache {
            HeadCache::On { rows: 0, .. } | HeadCache::On { bytes: 0, .. } => {
                Err(Invalid::new("cache", "room for at least one event, or none", "0"))
            }
            _ => Ok(()),
        }
    }

    /// Checks events that are to be appended: what T3 says is `Invalid`. Stores call it before they write.
    ///
    /// # Errors
    ///
    /// Says what is wrong with the first that is, what was expected and what was found.
    pub fn check_events(&self, events: &[NewEvent]) -> Result<(), Invalid> {
        events.iter().try_for_each(|event| self.check_event(event))
    }

    fn check_event(&self, event: &NewEvent) -> Result<(), Invalid> {
        if event.is_noop() {
            let found = "a noop: about \"0\", of the kind 0";
            return Err(Invalid::new("event", "another than what fills gaps", found));
        }
        if event.metadata.is_some() && self.columns.metadata.is_none() {
            let expected = format!("none, for {} has no column for it", self.name);
            return Err(Invalid::new("metadata", expected, "some"));
        }
        match (&event.foreign_id, self.ids) {
            (ForeignId::Text(id), ForeignIdType::Text) if id.len() > MAX_FOREIGN_ID || id.contains('\0') => {
                Err(Invalid::new("foreign id", "at most 255 bytes without NUL", quoted(id)))
            }
            (ForeignId::Int(_), ForeignIdType::Int) | (ForeignId::Text(_), ForeignIdType::Text) => Ok(()),
            (id, ForeignIdType::Int) => Err(Invalid::new("foreign id", "an integer", quoted(&id.to_string()))),
            (id, ForeignIdType::Text) => Err(Invalid::new("foreign id", "text", format!("the integer {id}"))),
        }
    }

    /// The table's name, with its schema if it was given one.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The name of its log.
    #[must_use]
    pub fn log_name(&self) -> LogName {
        LogName::of_table(&self.name)
    }

    /// The names of its columns.
    #[must_use]
    pub fn columns(&self) -> &EventColumns {
        &self.columns
    }

    /// What its foreign ids are.
    #[must_use]
    pub fn foreign_id_type(&self) -> ForeignIdType {
        self.ids
    }

    /// How many events one query reads.
    #[must_use]
    pub fn limit(&self) -> u32 {
        self.lookup_limit
    }

    /// How often to look without a wake-up.
    #[must_use]
    pub fn poll(&self) -> Duration {
        self.poll_interval
    }

    /// How consumers hear of new events.
    #[must_use]
    pub fn notified_by(&self) -> Notifier {
        self.notifier
    }

    /// Whether consumers share what they read.
    #[must_use]
    pub fn head_cache(&self) -> HeadCache {
        self.cache
    }

    /// What a missing id means.
    #[must_use]
    pub fn gap_rule(&self) -> Gaps {
        self.gaps
    }

    /// Whether readers see noop events.
    #[must_use]
    pub fn noop_rule(&self) -> Noops {
        self.noops
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::timestamp::Timestamp;

    fn checked(table: &EventTable, foreign_id: impl Into<ForeignId>, kind: i64) -> Result<(), Invalid> {
        table.check_events(&[NewEvent::new(foreign_id, kind, Timestamp::EPOCH)])
    }

    #[test]
    fn an_event_that_its_table_cannot_take_is_named_by_what_is_wrong() {
        let texts = EventTable::new("texts");
        let numbers = EventTable::new("numbers").foreign_ids(ForeignIdType::Int);
        assert_eq!(checked(&texts, "ä".repeat(127), 1), Ok(()));
        assert_eq!(checked(&texts, "0", 1), Ok(()));
        assert_eq!(checked(&texts, "1", 0), Ok(()));
        assert_eq!(checked(&numbers, 1, 0), Ok(()));
        assert_eq!(checked(&texts, "ä".repeat(128), 1).unwrap_err().field(), "foreign id");
        assert_eq!(checked(&texts, "a\0b", 1).unwrap_err().field(), "foreign id");
        assert_eq!(checked(&texts, 1, 1).unwrap_err().expected(), "text");
        assert_eq!(checked(&numbers, "1", 1).unwrap_err().expected(), "an integer");
        assert_eq!(checked(&texts, "0", 0).unwrap_err().field(), "event");
        assert_eq!(checked(&numbers, 0, 0).unwrap_err().field(), "event");
        let with = NewEvent { metadata: Some(Vec::new()), ..NewEvent::new("a", 1, Timestamp::EPOCH) };
        assert_eq!(texts.check_events(std::slice::from_ref(&with)).unwrap_err().field(), "metadata");
        assert_eq!(texts.metadata_column("metadata").check_events(&[with]), Ok(()));
    }
}
