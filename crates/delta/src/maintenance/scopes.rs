use std::collections::BTreeSet;

use delta_core::{Name, Scope};

use crate::engine::Engine;

/// The kinds and namespaces that anybody has given settings.
#[derive(Debug)]
pub(super) struct Scopes {
    pub(super) kinds: BTreeSet<Name>,
    pub(super) namespaces: BTreeSet<Name>,
}

impl Scopes {
    pub(super) fn of(engine: &Engine) -> Self {
        let mut kinds: BTreeSet<Name> = engine.kinds.keys().cloned().collect();
        let mut namespaces: BTreeSet<Name> = engine.namespaces.keys().cloned().collect();
        for record in engine.policies.records() {
            match record.scope {
                Scope::Kind(name) => kinds.insert(name),
                Scope::Namespace(name) => namespaces.insert(name),
            };
        }
        Self { kinds, namespaces }
    }
}
