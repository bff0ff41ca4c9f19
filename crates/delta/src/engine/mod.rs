//! What runs behind a client, without its store's type.

mod bounded;
mod inform;
mod policies;
mod report;
mod request;
mod session;
mod wakes;

use std::any::Any;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use delta_core::{DynStore, Name, Names, NamespaceSettings, ObjectSettings, Owner};
use tokio_util::task::TaskTracker;

pub(crate) use self::bounded::Bounded;
pub(crate) use self::inform::{Batch, Transaction, woken};
pub(crate) use self::policies::Policies;
pub(crate) use self::wakes::Wakes;
use crate::clock::Clock;
use crate::erased::ErasedController;
use crate::layer::{Layer, Next};
use crate::log::{Hub, LogTrimming};
use crate::random::Random;
use crate::settings::ClientSettings;
use crate::subscription::Subscriptions;

/// A registered kind.
pub(crate) struct Kind {
    pub(crate) name: Name,
    pub(crate) settings: ObjectSettings,
    pub(crate) controller: Arc<dyn ErasedController>,
}

/// The state that all parts of a client share.
pub(crate) struct Engine {
    pub(crate) store: Arc<dyn DynStore>,
    /// The same store with its type, for whoever knows it.
    pub(crate) typed_store: Box<dyn Any + Send + Sync>,
    pub(crate) clock: Clock,
    pub(crate) random: Random,
    /// This client's identity for leases: random per start of the process.
    pub(crate) owner: Owner,
    pub(crate) settings: ClientSettings,
    pub(crate) kinds: BTreeMap<Name, Arc<Kind>>,
    /// The namespaces that were given settings.
    pub(crate) namespaces: BTreeMap<Name, NamespaceSettings>,
    /// The namespaces whose resources this client works.
    pub(crate) worked: Names,
    pub(crate) layers: Vec<Arc<dyn Layer>>,
    /// How the leader trims the log, if it does.
    pub(crate) trimming: Option<LogTrimming>,
    pub(crate) subscriptions: Subscriptions,
    pub(crate) policies: Policies,
    pub(crate) wakes: Wakes,
    pub(crate) logs: Hub,
    /// Wake-ups on their way out, which a stop waits for.
    pub(crate) tasks: TaskTracker,
    /// Whether the client has been started and not stopped.
    pub(crate) running: AtomicBool,
}

impl Engine {
    /// The kind's controller within the client's layers.
    pub(crate) fn layered<'a>(&'a self, kind: &'a Kind) -> Next<'a> {
        Next { layers: &self.layers, controller: &*kind.controller, resource: None }
    }

    /// The names of the registered kinds.
    pub(crate) fn kind_names(&self) -> Names {
        Names::Only(self.kinds.keys().cloned().collect())
    }
}

impl fmt::Debug for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Engine")
            .field("store", &self.store)
            .field("owner", &self.owner)
            .field("kinds", &self.kinds.keys())
            .finish_non_exhaustive()
    }
}
