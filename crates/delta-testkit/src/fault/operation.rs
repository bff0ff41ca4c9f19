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
}

impl Operation {
    /// Every operation.
    pub const ALL: [Self; 15] = [
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
        }
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
