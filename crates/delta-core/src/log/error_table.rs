use serde::{Deserialize, Serialize};

use crate::event::Position;
use crate::invalid::Invalid;
use crate::log::{LogName, identifier};
use crate::timestamp::Timestamp;

/// A table of dead letters: events that a consumer gave up on, each with its error.
///
/// Every store has one of Delta's own ([`LogStore::dead_letter_table`](crate::LogStore::dead_letter_table)); an
/// application may name one of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ErrorTable {
    name: String,
    columns: ErrorColumns,
}

/// The names of an error table's columns.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "each is named after what it holds")]
pub struct ErrorColumns {
    pub id: String,
    pub consumer: String,
    pub position: String,
    pub message: String,
    pub created_at: String,
    pub updated_at: String,
    pub status: String,
    /// The name of the log. Without it the table is of one log alone.
    pub log: Option<String>,
    /// The event itself, as JSON. Without it a replay reads the event from its log.
    pub event: Option<String>,
    /// How often it was tried.
    pub attempts: Option<String>,
}

impl ErrorTable {
    /// A table of this name, which may have its schema before it, with all defaults.
    #[must_use]
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            columns: ErrorColumns {
                id: "id".to_owned(),
                consumer: "consumer".to_owned(),
                position: "event_id".to_owned(),
                message: "error_msg".to_owned(),
                created_at: "created_at".to_owned(),
                updated_at: "updated_at".to_owned(),
                status: "error_status".to_owned(),
                log: None,
                event: None,
                attempts: None,
            },
        }
    }

    /// Delta's own, under the name that a store gives it: with all columns.
    #[must_use]
    pub fn own(name: impl Into<String>) -> Self {
        let mut table = Self::new(name);
        table.columns.log = Some("log".to_owned());
        table.columns.event = Some("event".to_owned());
        table.columns.attempts = Some("attempts".to_owned());
        table
    }

    /// The names of the columns, to be changed.
    #[must_use]
    pub fn with_columns(mut self, change: impl FnOnce(&mut ErrorColumns)) -> Self {
        change(&mut self.columns);
        self
    }

    /// Checks the names.
    ///
    /// # Errors
    ///
    /// Says which is wrong, what was expected and what was found.
    pub fn check(&self) -> Result<(), Invalid> {
        identifier::table("error table", &self.name)?;
        let columns = &self.columns;
        let required = [
            ("id column", columns.id.as_str()),
            ("consumer column", &columns.consumer),
            ("position column", &columns.position),
            ("message column", &columns.message),
            ("column of creation", &columns.created_at),
            ("column of change", &columns.updated_at),
            ("status column", &columns.status),
        ];
        let optional =
            [("log column", &columns.log), ("event column", &columns.event), ("attempts column", &columns.attempts)];
        let optional = optional.into_iter().filter_map(|(field, name)| Some((field, name.as_deref()?)));
        identifier::columns(required.into_iter().chain(optional))
    }

    /// The table's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The names of its columns.
    #[must_use]
    pub fn columns(&self) -> &ErrorColumns {
        &self.columns
    }
}

/// An event that a consumer gave up on. There is at most one of a consumer for each position of a log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeadLetter {
    /// Given by the table: the order in which dead letters are listed. Zero before it is put.
    pub id: i64,
    /// Who gave up.
    pub consumer: String,
    /// The log; that of the caller where the table has no column for it.
    pub log: Option<LogName>,
    /// The event's place in it.
    pub position: Position,
    /// The last error.
    pub message: String,
    /// How often it was tried.
    pub attempts: Option<u32>,
    /// What is to be done with it.
    pub status: DeadLetterStatus,
    /// The event, as JSON.
    pub event: Option<String>,
    /// When it was first put.
    pub created_at: Timestamp,
    /// When it was last written.
    pub updated_at: Timestamp,
}

/// What is to be done with a dead letter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeadLetterStatus {
    /// Somebody has to look at it.
    Dead,
    /// The consumer is to try it again.
    Replay,
    /// It was handled in the end.
    Resolved,
}

impl DeadLetterStatus {
    /// The stored number.
    #[must_use]
    pub const fn as_number(self) -> i64 {
        match self {
            Self::Dead => 1,
            Self::Replay => 2,
            Self::Resolved => 3,
        }
    }

    /// Reads a stored number.
    #[must_use]
    pub fn from_number(number: i64) -> Option<Self> {
        [Self::Dead, Self::Replay, Self::Resolved].into_iter().find(|status| status.as_number() == number)
    }
}

/// Which dead letters to list, by id.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeadLetterQuery {
    /// Of one consumer.
    pub consumer: Option<String>,
    /// Of one log; all pass where the table has no column for it.
    pub log: Option<LogName>,
    /// In one status.
    pub status: Option<DeadLetterStatus>,
    /// At one position.
    pub position: Option<Position>,
    /// Only ids above this one.
    pub after: i64,
    /// At most so many.
    pub limit: u32,
}
