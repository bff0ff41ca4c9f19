use std::collections::BTreeMap;
use std::sync::{PoisonError, RwLock};
use std::time::Duration;

use delta_core::plan::InformPolicy;
use delta_core::{Name, NamespaceSettings, ObjectSettings, Result, Retention, Scope, ScopeRecord, Session, Timestamp};

use crate::engine::Engine;

/// For how long stored settings are good before they are read again.
const FRESH: Duration = Duration::from_mins(1);

/// The settings of kinds and namespaces as they are stored: those of other clients count too.
#[derive(Debug, Default)]
pub(crate) struct Policies(RwLock<Stored>);

#[derive(Debug, Default)]
struct Stored {
    read_at: Option<Timestamp>,
    kinds: BTreeMap<Name, ObjectSettings>,
    namespaces: BTreeMap<Name, NamespaceSettings>,
    records: Vec<ScopeRecord>,
}

impl Policies {
    /// Takes over what was read.
    pub(crate) fn replace(&self, records: Vec<ScopeRecord>, now: Timestamp) {
        let mut stored = Stored { read_at: Some(now), ..Stored::default() };
        for record in &records {
            let Some(text) = &record.settings else { continue };
            // Settings of another version that do not decode count as not given.
            match &record.scope {
                Scope::Kind(name) => {
                    serde_json::from_str(text).map(|settings| stored.kinds.insert(name.clone(), settings)).ok();
                }
                Scope::Namespace(name) => {
                    serde_json::from_str(text).map(|settings| stored.namespaces.insert(name.clone(), settings)).ok();
                }
            }
        }
        stored.records = records;
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = stored;
    }

    /// All kinds and namespaces that are stored, as last read.
    pub(crate) fn records(&self) -> Vec<ScopeRecord> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).records.clone()
    }
}

impl Engine {
    /// Reads the stored settings unless they were read lately.
    pub(crate) async fn refresh_policies(&self, session: &mut dyn Session, now: Timestamp) -> Result<()> {
        let read_at = self.policies.0.read().unwrap_or_else(PoisonError::into_inner).read_at;
        if read_at.is_some_and(|at| now.since(at) < FRESH) {
            return Ok(());
        }
        self.policies.replace(session.scopes_dyn().await?, now);
        Ok(())
    }

    /// The settings of a kind: those of this client's controller, else those that are stored.
    pub(crate) fn kind_settings(&self, kind: &Name) -> ObjectSettings {
        if let Some(kind) = self.kinds.get(kind) {
            return kind.settings.clone();
        }
        self.policies.0.read().unwrap_or_else(PoisonError::into_inner).kinds.get(kind).cloned().unwrap_or_default()
    }

    /// The settings of a namespace: those given to this client, else those that are stored.
    pub(crate) fn namespace_settings(&self, namespace: &Name) -> NamespaceSettings {
        if let Some(settings) = self.namespaces.get(namespace) {
            return settings.clone();
        }
        let stored = self.policies.0.read().unwrap_or_else(PoisonError::into_inner);
        stored.namespaces.get(namespace).cloned().unwrap_or_default()
    }

    /// For how long a synced resource is good: as its kind says, else its namespace.
    pub(crate) fn expiry(&self, namespace: &Name, kind: &Name) -> Option<Duration> {
        self.kind_settings(kind).expiry.or_override(self.namespace_settings(namespace).expiry).or(None)
    }

    /// How long resources are kept: as their kind says, else their namespace, else the client.
    pub(crate) fn retention(&self, namespace: &Name, kind: &Name) -> Retention {
        let settings = self.kind_settings(kind).retention.or(self.namespace_settings(namespace).retention);
        settings.resolve(self.settings.retention)
    }

    /// What the settings make of an inform.
    pub(crate) fn inform_policy(&self, namespace: &Name, kind: &Name) -> InformPolicy {
        let settings = self.kind_settings(kind);
        InformPolicy {
            second_chance: settings.second_chance,
            missing: settings.missing,
            retention: self.retention(namespace, kind),
            event_objects: settings.event_objects,
        }
    }
}
