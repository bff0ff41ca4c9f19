use std::fmt;

/// A method of a store that a fault may hit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Operation {
    /// `Store::wake`
    Wake,
    /// `Store::acquire`
    Acquire,
    /// `Store::check`
    Check,
    /// `Store::now`
    Now,
    /// `Store::load`
    Load,
    /// `Store::commit`
    Commit,
    /// `Store::claim`
    Claim,
    /// `Store::lanes`
    Lanes,
    /// `Store::due`
    Due,
    /// `Store::events`
    Events,
    /// `Store::cursors`
    Cursors,
    /// `Store::scopes`
    Scopes,
    /// `Browse::list`
    List,
    /// `Browse::count`
    Count,
    /// `Browse::log_holders`
    LogHolders,
    /// `LogStore::begin_tx`
    BeginTx,
    /// `LogStore::commit_tx`
    CommitTx,
    /// `LogStore::rollback_tx`
    RollbackTx,
    /// `LogStore::trimmed`
    Trimmed,
    /// `LogStore::trim`
    Trim,
    /// `LogStore::put_dead_letter`
    PutDeadLetter,
    /// `LogStore::dead_letters`
    DeadLetters,
    /// `LogStore::mark_dead_letters`
    MarkDeadLetters,
    /// `EventTables::create_event_table`, and those of cursors and errors
    CreateTable,
    /// `EventTables::inspect_event_table`, and those of cursors and errors
    InspectTable,
    /// `EventTables::append_events`
    AppendEvents,
    /// `EventTables::table_events`
    TableEvents,
    /// `EventTables::table_holders`
    TableHolders,
    /// `EventTables::fill_gap`
    FillGap,
    /// `EventTables::table_trimmed`
    TableTrimmed,
    /// `EventTables::trim_table`
    TrimTable,
    /// `EventTables::table_cursor`
    TableCursor,
    /// `EventTables::move_table_cursor`
    MoveTableCursor,
    /// `Migrate::migrate_to`
    Migrate,
}

impl Operation {
    /// Every operation.
    pub const ALL: [Self; 34] = [
        Self::Wake,
        Self::Acquire,
        Self::Check,
        Self::Now,
        Self::Load,
        Self::Commit,
        Self::Claim,
        Self::Lanes,
        Self::Due,
        Self::Events,
        Self::Cursors,
        Self::Scopes,
        Self::List,
        Self::Count,
        Self::LogHolders,
        Self::BeginTx,
        Self::CommitTx,
        Self::RollbackTx,
        Self::Trimmed,
        Self::Trim,
        Self::PutDeadLetter,
        Self::DeadLetters,
        Self::MarkDeadLetters,
        Self::CreateTable,
        Self::InspectTable,
        Self::AppendEvents,
        Self::TableEvents,
        Self::TableHolders,
        Self::FillGap,
        Self::TableTrimmed,
        Self::TrimTable,
        Self::TableCursor,
        Self::MoveTableCursor,
        Self::Migrate,
    ];

    /// The method's name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Wake => "wake",
            Self::Acquire => "acquire",
            Self::Check => "check",
            Self::Now => "now",
            Self::Load => "load",
            Self::Commit => "commit",
            Self::Claim => "claim",
            Self::Lanes => "lanes",
            Self::Due => "due",
            Self::Events => "events",
            Self::Cursors => "cursors",
            Self::Scopes => "scopes",
            Self::List => "list",
            Self::Count => "count",
            Self::LogHolders => "log_holders",
            Self::BeginTx => "begin_tx",
            Self::CommitTx => "commit_tx",
            Self::RollbackTx => "rollback_tx",
            Self::Trimmed => "trimmed",
            Self::Trim => "trim",
            Self::PutDeadLetter => "put_dead_letter",
            Self::DeadLetters => "dead_letters",
            Self::MarkDeadLetters => "mark_dead_letters",
            Self::CreateTable => "create_table",
            Self::InspectTable => "inspect_table",
            Self::AppendEvents => "append_events",
            Self::TableEvents => "table_events",
            Self::TableHolders => "table_holders",
            Self::FillGap => "fill_gap",
            Self::TableTrimmed => "table_trimmed",
            Self::TrimTable => "trim_table",
            Self::TableCursor => "table_cursor",
            Self::MoveTableCursor => "move_table_cursor",
            Self::Migrate => "migrate",
        }
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
