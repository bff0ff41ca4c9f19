use std::fmt;

use serde::{Deserialize, Serialize};

use crate::timestamp::Timestamp;

/// Names one lease: unique across resources and claims.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct LeaseToken(i64);

impl LeaseToken {
    /// Takes a stored token.
    #[must_use]
    pub const fn new(token: i64) -> Self {
        Self(token)
    }

    /// The token as a number.
    #[must_use]
    pub const fn get(self) -> i64 {
        self.0
    }

    /// The token of the `number`th resource of a claim whose base this is.
    #[must_use]
    pub fn offset(self, number: usize) -> Self {
        #[expect(clippy::cast_possible_wrap, reason = "tokens wrap on purpose: only their difference matters")]
        Self(self.0.wrapping_add(number as i64))
    }
}

/// Who holds a lease: random for each start of a process, never a host's name, so that no two are ever alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Owner(i64);

impl Owner {
    /// Takes a random number.
    #[must_use]
    pub const fn new(random: i64) -> Self {
        Self(random)
    }

    /// The number.
    #[must_use]
    pub const fn get(self) -> i64 {
        self.0
    }
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl Serialize for Owner {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Owner {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let number = u64::from_str_radix(&text, 16).map_err(serde::de::Error::custom)?;
        Ok(Self(number.cast_signed()))
    }
}

/// The right to settle one pending resource, until its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lease {
    /// Names it.
    pub token: LeaseToken,
    /// The resource's generation at the claim.
    pub generation: i64,
    /// The attempt that the claim began.
    pub attempt: i64,
    /// Who holds it.
    pub owner: Owner,
    /// When it ends unless it is renewed.
    pub until: Timestamp,
    /// Whether the attempt is to be ended.
    pub cancel_requested: bool,
}
