use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::event::{EventKind, Position, Scope};
use crate::key::{Key, Lane};
use crate::lease::{LeaseToken, Owner};
use crate::name::Name;
use crate::resource::{Resource, ResourceId};
use crate::state::State;
use crate::timestamp::Timestamp;

/// What a connection or a load is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Access {
    /// Reading only. A connection acquired so may refuse to write.
    Read,
    /// Writing. Rows loaded so stay locked until the transaction ends.
    Write,
}

/// How much of a resource is loaded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Depth {
    /// The narrow part: everything but object, tags and errors.
    Head,
    /// Everything.
    Full,
}

/// Which resources to load.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Load {
    /// By key or by id.
    pub by: LoadBy,
    /// How much of each.
    pub depth: Depth,
    /// `Write` locks what is found until the caller's transaction ends; outside of a transaction it is `Invalid`.
    pub access: Access,
}

/// What names the resources to load. What does not exist is left out of the answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LoadBy {
    /// Their keys.
    Keys(Vec<Key>),
    /// Their ids.
    Ids(Vec<ResourceId>),
}

/// What a claim may take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClaimRequest {
    /// The moment of the claim.
    pub now: Timestamp,
    /// Who claims.
    pub owner: Owner,
    /// A random base: the nth resource's token is `base.offset(n)`.
    pub base: LeaseToken,
    /// When the leases end.
    pub until: Timestamp,
    /// The lanes to claim from, and at most how many of each. No lane twice.
    pub lanes: Vec<(Lane, u32)>,
}

/// What a claim has taken.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Claimed {
    /// What became of the settlements that travelled with the claim.
    pub receipt: crate::changeset::Receipt,
    /// The claimed resources as they are now, fully loaded, by lane in the order asked for, then by priority and age.
    pub resources: Vec<Resource>,
}

/// A choice of names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Names {
    /// Every name.
    #[default]
    All,
    /// These only.
    Only(BTreeSet<Name>),
    /// All but these.
    Except(BTreeSet<Name>),
}

impl Names {
    /// One name only.
    #[must_use]
    pub fn one(name: Name) -> Self {
        Self::Only(BTreeSet::from([name]))
    }

    /// Whether the choice holds a name.
    #[must_use]
    pub fn contains(&self, name: &Name) -> bool {
        match self {
            Self::All => true,
            Self::Only(names) => names.contains(name),
            Self::Except(names) => !names.contains(name),
        }
    }
}

/// Which resources are due for maintenance. The answer is read without locks and at [`Depth::Head`]; whoever acts on
/// it commits under a fence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DueQuery {
    /// Due for what.
    pub due: Due,
    /// Of which namespaces.
    pub namespaces: Names,
    /// Of which kinds.
    pub kinds: Names,
    /// At most so many.
    pub limit: u32,
}

/// What a resource may be due for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Due {
    /// Expiry: synced, and `synced_at` at or before the time. The longest synced first.
    Expiry {
        /// Now less the expiry.
        synced_by: Timestamp,
    },
    /// Rescue: pending, and the lease over at the time. The longest over first.
    Rescue {
        /// Now.
        now: Timestamp,
    },
    /// Purge: in the state (synced, deleted or degraded; degraded only if present) since the time or before. The
    /// longest there first.
    Purge {
        /// The state.
        state: State,
        /// Now less the retention.
        since_by: Timestamp,
    },
    /// The end of a full run: all resources of the chosen lanes with an id above `after`, by id.
    Missing {
        /// The last id of the page before; zero for the first.
        after: ResourceId,
    },
}

/// Which lanes have something to claim.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LaneQuery {
    /// The moment.
    pub now: Timestamp,
    /// Of which namespaces.
    pub namespaces: Names,
    /// Of which kinds.
    pub kinds: Names,
}

/// Which events to read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventQuery {
    /// Only events after this position.
    pub after: Position,
    /// At most so many.
    pub limit: u32,
    /// Only what fits.
    pub filter: EventFilter,
}

/// A choice of events. Filters join by "and"; an event about a kind or a namespace as a whole passes those that do not
/// speak of what it lacks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EventFilter {
    /// Names of event kinds, as [`EventKind::as_str`] gives them; `None` is all.
    pub event_kinds: Option<BTreeSet<&'static str>>,
    /// Of which namespaces.
    pub namespaces: Names,
    /// Of which kinds of object.
    pub kinds: Names,
    /// Of one resource.
    pub resource: Option<ResourceId>,
    /// Of resources whose object id begins so, byte for byte.
    pub object_id_prefix: Option<String>,
    /// In whose metadata each of these members is a string, and this one.
    pub metadata: BTreeMap<String, String>,
}

impl EventFilter {
    /// Lets only these kinds of event pass; reasons do not matter.
    #[must_use]
    pub fn of_kinds(kinds: impl IntoIterator<Item = EventKind>) -> Self {
        Self { event_kinds: Some(kinds.into_iter().map(EventKind::as_str).collect()), ..Self::default() }
    }
}

/// What is stored about a kind or a namespace.
///
/// Its serialised form keeps all of it exactly, as a [`Resource`]'s does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScopeRecord {
    /// Which kind or namespace.
    pub scope: Scope,
    /// Whether nobody claims its resources.
    pub paused: bool,
    /// Its settings as JSON text, as the last client that started with it stored them.
    pub settings: Option<String>,
}
