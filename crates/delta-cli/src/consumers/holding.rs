use std::fmt;

use delta::Timestamp;
use delta::core::Owner;
use delta::core::plan::consume::Shape;

use crate::consumers::Consumer;

/// Who may move a consumer's cursor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Holding {
    /// Nobody.
    Nobody,
    /// Nobody, and whoever held it has not given it back.
    Over { owner: Owner, until: Timestamp },
    /// One process.
    One { owner: Owner, until: Timestamp },
    /// Several, each some of its slices.
    Members { members: usize, slices: usize },
}

impl Holding {
    pub(crate) fn of(consumer: &Consumer, now: Timestamp) -> Self {
        if consumer.shape() == Shape::Sharded {
            let holders = consumer.slices.values().filter_map(|row| row.cursor.holder);
            let slices = holders.filter(|holder| consumer.members.contains(holder)).count();
            return match consumer.members.len() {
                0 => Self::Nobody,
                members => Self::Members { members, slices },
            };
        }
        let cursor = consumer.own.as_ref().map(|row| &row.cursor);
        match cursor.and_then(|cursor| Some((cursor.holder?, cursor.lease_until?))) {
            Some((owner, until)) if until > now => Self::One { owner, until },
            Some((owner, until)) => Self::Over { owner, until },
            None => Self::Nobody,
        }
    }

    /// Whether somebody may be at work.
    pub(crate) fn is_live(self) -> bool {
        matches!(self, Self::One { .. } | Self::Members { .. })
    }
}

impl fmt::Display for Holding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nobody => f.write_str("-"),
            Self::Over { owner, .. } => write!(f, "{owner} (over)"),
            Self::One { owner, .. } => owner.fmt(f),
            Self::Members { members: 1, slices } => write!(f, "1 member, {slices} slices"),
            Self::Members { members, slices } => write!(f, "{members} members, {slices} slices"),
        }
    }
}
