use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use delta_core::{Browse, Invalid, LogStore, Name, Names, NamespaceSettings, Object, Owner, Result};
use tokio_util::task::TaskTracker;

use crate::client::{AnyClient, Client};
use crate::clock::Clock;
use crate::controller::Controller;
use crate::engine::{Bounded, Engine, Kind, Policies, Wakes};
use crate::erased::ErasedController;
use crate::layer::Layer;
use crate::log::{Hub, LogTrimming};
use crate::random::Random;
use crate::settings::ClientSettings;
use crate::subscription::Subscriptions;

/// Puts a client together; [`build`](Self::build) checks everything at once.
///
/// A client without controllers can inform, request, read and subscribe. A client works all namespaces, unless
/// [`namespaces_only`](Self::namespaces_only) says otherwise.
#[must_use]
pub struct Builder<S> {
    store: S,
    settings: ClientSettings,
    controllers: Vec<(&'static str, delta_core::ObjectSettings, Arc<dyn ErasedController>)>,
    namespaces: Vec<(String, NamespaceSettings)>,
    only: bool,
    layers: Vec<Arc<dyn Layer>>,
    trimming: Option<LogTrimming>,
}

impl<S> fmt::Debug for Builder<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kinds: Vec<_> = self.controllers.iter().map(|(kind, ..)| kind).collect();
        f.debug_struct("Builder").field("settings", &self.settings).field("kinds", &kinds).finish_non_exhaustive()
    }
}

impl<S: Browse> Builder<S> {
    pub(crate) fn new(store: S) -> Self {
        Self {
            store,
            settings: ClientSettings::default(),
            controllers: Vec::new(),
            namespaces: Vec::new(),
            only: false,
            layers: Vec::new(),
            trimming: None,
        }
    }

    /// Adds the controller of a kind.
    pub fn controller<C: Controller>(mut self, controller: C) -> Self {
        let settings = C::Object::settings();
        self.controllers.push((C::Object::KIND, settings, Arc::new(controller)));
        self
    }

    /// Gives a namespace settings, which are stored when the client starts.
    pub fn namespace(mut self, name: impl Into<String>, settings: NamespaceSettings) -> Self {
        self.namespaces.push((name.into(), settings));
        self
    }

    /// Works only those namespaces that were given settings; all, by default.
    pub fn namespaces_only(mut self) -> Self {
        self.only = true;
        self
    }

    /// Sets the client's settings; [`ClientSettings::default`] by default.
    pub fn settings(mut self, settings: ClientSettings) -> Self {
        self.settings = settings;
        self
    }

    /// Adds a layer inside of those that were added before; none by default.
    pub fn layer(mut self, layer: impl Layer) -> Self {
        self.layers.push(Arc::new(layer));
        self
    }

    /// Has the leader remove events of Delta's own log that are older than this, every
    /// [`cleaner_interval`](ClientSettings::cleaner_interval); none by default: the log is kept for ever.
    ///
    /// It never passes an event that a consumer of the log has yet to handle: [`Trimming`](crate::Trimming) says which count.
    /// All clients of a database should have the same.
    pub fn event_retention(mut self, retention: impl Into<Option<Duration>>) -> Self
    where
        S: LogStore,
    {
        let store = self.store.clone();
        self.trimming = retention.into().map(|retention| LogTrimming::new(store, retention));
        self
    }

    /// Checks everything, and makes the client. Nothing is read or written yet.
    ///
    /// # Errors
    ///
    /// `Invalid` for a wrong name, a kind or namespace given twice, a setting out of its range, or settings that contradict
    /// each other.
    pub fn build(self) -> Result<Client<S>> {
        self.settings.check()?;
        self.trimming.as_ref().map_or(Ok(()), LogTrimming::check)?;
        let mut kinds = BTreeMap::new();
        for (kind, settings, controller) in self.controllers {
            let name = Name::new(kind)?;
            settings.check()?;
            let kind = Arc::new(Kind { name: name.clone(), settings, controller });
            if kinds.insert(name.clone(), kind).is_some() {
                return Err(Invalid::new("controllers", "one for each kind", format!("two for \"{name}\"")).into());
            }
        }
        let mut namespaces = BTreeMap::new();
        for (name, settings) in self.namespaces {
            let name = Name::new(name)?;
            settings.check()?;
            if namespaces.insert(name.clone(), settings).is_some() {
                let found = format!("\"{name}\" twice");
                return Err(Invalid::new("namespaces", "settings once for each namespace", found).into());
            }
        }
        let worked = if self.only { Names::Only(namespaces.keys().cloned().collect()) } else { Names::All };
        let random = Random::new(self.settings.seed);
        let engine = Engine {
            store: Arc::new(Bounded::new(self.store.clone(), self.settings.answer_timeout)),
            typed_store: Box::new(self.store.clone()),
            clock: Clock::default(),
            owner: Owner::new(random.bits()),
            random,
            settings: self.settings,
            kinds,
            namespaces,
            worked,
            layers: self.layers,
            trimming: self.trimming,
            subscriptions: Subscriptions::default(),
            policies: Policies::default(),
            wakes: Wakes::default(),
            logs: Hub::default(),
            tasks: TaskTracker::new(),
            running: std::sync::atomic::AtomicBool::new(false),
        };
        Ok(Client { any: AnyClient { engine: Arc::new(engine) }, store: self.store })
    }
}
