use crate::event::Position;
use crate::invalid::Invalid;
use crate::log::identifier;

/// An application's own table of cursors: where each consumer of its logs stands.
///
/// A cursor in it only moves forwards. It has no lease: where two processes run one consumer, the lease in Delta's own
/// cursor decides who of them works.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CursorTable {
    name: String,
    columns: CursorColumns,
    kind: CursorType,
}

/// The names of a cursor table's columns.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "each is named after what it holds")]
pub struct CursorColumns {
    pub id: String,
    pub position: String,
    pub updated_at: String,
}

/// How a cursor's position is kept, and compared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CursorType {
    /// As an integer.
    #[default]
    Int,
    /// As text of digits, compared by its number.
    Text,
}

/// What came of moving a cursor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CursorMove {
    /// It moved, or was there already.
    Done,
    /// It is further already, here: nothing was written.
    Behind(Position),
}

impl CursorTable {
    /// A table of this name, which may have its schema before it, with all defaults.
    #[must_use]
    pub fn new(name: impl Into<String>) -> Self {
        let columns = CursorColumns {
            id: "id".to_owned(),
            position: "last_event_id".to_owned(),
            updated_at: "updated_at".to_owned(),
        };
        Self { name: name.into(), columns, kind: CursorType::default() }
    }

    /// The column of the consumer's name; `id` by default.
    #[must_use]
    pub fn id_column(mut self, name: impl Into<String>) -> Self {
        self.columns.id = name.into();
        self
    }

    /// The column of the position; `last_event_id` by default.
    #[must_use]
    pub fn position_column(mut self, name: impl Into<String>) -> Self {
        self.columns.position = name.into();
        self
    }

    /// The column of the time of the last move; `updated_at` by default.
    #[must_use]
    pub fn time_column(mut self, name: impl Into<String>) -> Self {
        self.columns.updated_at = name.into();
        self
    }

    /// How positions are kept; as integers by default.
    #[must_use]
    pub fn positions(mut self, kind: CursorType) -> Self {
        self.kind = kind;
        self
    }

    /// Checks the names.
    ///
    /// # Errors
    ///
    /// Says which is wrong, what was expected and what was found.
    pub fn check(&self) -> Result<(), Invalid> {
        identifier::table("cursor table", &self.name)?;
        identifier::columns([
            ("id column", self.columns.id.as_str()),
            ("position column", &self.columns.position),
            ("time column", &self.columns.updated_at),
        ])
    }

    /// The table's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The names of its columns.
    #[must_use]
    pub fn columns(&self) -> &CursorColumns {
        &self.columns
    }

    /// How positions are kept.
    #[must_use]
    pub fn cursor_type(&self) -> CursorType {
        self.kind
    }
}
