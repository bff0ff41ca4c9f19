use std::future::Future;
use std::time::Duration;

use crate::error::Result;
use crate::key::Lane;
use crate::query::{Depth, Names};
use crate::resource::{Resource, ResourceId};
use crate::state::State;
use crate::store::Store;
use crate::timestamp::Timestamp;

/// Which resources to list or count.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// Of which namespaces.
    pub namespaces: Names,
    /// Of which kinds.
    pub kinds: Names,
    /// In one of these states; empty is any.
    pub states: Vec<State>,
    /// With this tag.
    pub tag: Option<String>,
    /// Whose object id begins so.
    pub object_id_prefix: Option<String>,
    /// Only paused ones, or only others; `None` is both.
    pub paused: Option<bool>,
}

/// A page of resources to list, by id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListQuery {
    /// Only what fits.
    pub filter: Filter,
    /// Only ids above this one; zero for the first page.
    pub after: ResourceId,
    /// At most so many.
    pub limit: u32,
    /// How much of each.
    pub depth: Depth,
}

/// How many resources of one lane are in one state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StateCount {
    /// The lane.
    pub lane: Lane,
    /// The state.
    pub state: State,
    /// How many.
    pub count: u64,
    /// The earliest `run_at` among those that may be claimed (claimable state, not paused).
    pub oldest_run_at: Option<Timestamp>,
    /// The earliest end of a lease among those that are pending.
    pub oldest_lease: Option<Timestamp>,
}

/// Who holds the log's readers back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogHolder {
    /// The database's name of the session.
    pub session: String,
    /// How long its transaction has been open.
    pub age: Duration,
    /// The statement that it runs, or ran last.
    pub statement: String,
    /// What the session is doing, in the database's words.
    pub activity: String,
}

/// Reading for people and for gauges: the part of a store that no decision rests on.
pub trait Browse: Store {
    /// Lists resources by id.
    fn list(&self, conn: &mut Self::Conn, query: &ListQuery) -> impl Future<Output = Result<Vec<Resource>>> + Send;

    /// Counts resources by lane and state, in the order of lane and state.
    fn count(&self, conn: &mut Self::Conn, filter: &Filter) -> impl Future<Output = Result<Vec<StateCount>>> + Send;

    /// Names the transactions that hold the log's readers back, the oldest first. Empty where the store has one writer.
    fn log_holders(&self, conn: &mut Self::Conn) -> impl Future<Output = Result<Vec<LogHolder>>> + Send;
}
