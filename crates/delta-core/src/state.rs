use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Where a resource stands.
///
/// A state that this version does not know reads as [`State::Unknown`]; such a resource is never claimed and never
/// changed, so that a newer program's rows survive an older one beside it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum State {
    /// Waits for a worker.
    Scheduled,
    /// A worker has it, under a lease.
    Pending,
    /// In step with what is wanted.
    Synced,
    /// Was synced, and is due for another run.
    Expired,
    /// The last attempt failed; the next one waits for its back-off.
    Failed,
    /// Gave up: no attempts left, a permanent error, or cancelled.
    Degraded,
    /// Gone outside; the row is kept for its retention.
    Deleted,
    /// A state of another version, as stored.
    Unknown(Arc<str>),
}

impl State {
    /// Every state that this version knows.
    pub const KNOWN: [Self; 7] =
        [Self::Scheduled, Self::Pending, Self::Synced, Self::Expired, Self::Failed, Self::Degraded, Self::Deleted];

    /// The stored text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Scheduled => "scheduled",
            Self::Pending => "pending",
            Self::Synced => "synced",
            Self::Expired => "expired",
            Self::Failed => "failed",
            Self::Degraded => "degraded",
            Self::Deleted => "deleted",
            Self::Unknown(text) => text,
        }
    }

    /// Whether a resource in this state may be claimed once its `run_at` has come.
    #[must_use]
    pub const fn is_claimable(&self) -> bool {
        matches!(self, Self::Scheduled | Self::Failed | Self::Expired)
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl From<&str> for State {
    fn from(text: &str) -> Self {
        Self::KNOWN.into_iter().find(|state| state.as_str() == text).unwrap_or_else(|| Self::Unknown(text.into()))
    }
}

impl FromStr for State {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(Self::from(text))
    }
}

impl Serialize for State {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for State {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self::from(String::deserialize(deserializer)?.as_str()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_state_reads_back_from_its_text() {
        for state in State::KNOWN.into_iter().chain([State::Unknown("archived".into())]) {
            assert_eq!(State::from(state.as_str()), state);
            assert_eq!(state.as_str().parse(), Ok(state.clone()));
            let json = serde_json::to_string(&state).unwrap();
            assert_eq!(json, format!("\"{state}\""));
            assert_eq!(serde_json::from_str::<State>(&json).unwrap(), state);
        }
    }

    #[test]
    fn a_text_that_is_no_state_is_kept_as_unknown() {
        for text in ["", "Scheduled", "scheduled ", "archived"] {
            assert_eq!(State::from(text), State::Unknown(text.into()));
        }
    }

    #[test]
    fn scheduled_failed_and_expired_are_claimable_and_no_other() {
        let claimable: Vec<State> = State::KNOWN.into_iter().filter(State::is_claimable).collect();
        assert_eq!(claimable, [State::Scheduled, State::Expired, State::Failed]);
        assert!(!State::from("archived").is_claimable());
    }
}
