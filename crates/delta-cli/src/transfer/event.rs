use std::sync::Arc;

use delta::core::{Key, Name, ObjectId, ResourceId, Scope, State, Subject};
use delta::{Event, EventKind, Position, Timestamp};
use serde::{Deserialize, Serialize};

use super::resource::{metadata, trace};

/// An event as the log holds it. What is empty is left out.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct EventLine {
    pub(super) position: i64,
    at: i64,
    event: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    resource: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    namespace: Option<Name>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    kind: Option<Name>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    object_id: Option<ObjectId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    state: Option<State>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    generation: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    attempt: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    metadata: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    trace: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    object: Option<Arc<str>>,
}

impl EventLine {
    pub(super) fn new(event: &Event) -> Self {
        let mut line = Self {
            position: event.position.get(),
            at: event.at.as_micros(),
            event: event.kind.as_str().to_owned(),
            reason: event.kind.reason().map(|reason| reason.as_str().to_owned()),
            resource: None,
            namespace: None,
            kind: None,
            object_id: None,
            state: None,
            generation: None,
            attempt: None,
            metadata: event.metadata.as_stored().map(str::to_owned),
            trace: event.trace.as_ref().map(|trace| trace.as_str().to_owned()),
            object: event.object.clone(),
        };
        match &event.subject {
            Subject::Resource { id, key, state, generation, attempt } => {
                line.resource = Some(id.get());
                line.namespace = Some(key.namespace.clone());
                line.kind = Some(key.kind.clone());
                line.object_id = Some(key.object_id.clone());
                line.state = Some(state.clone());
                line.generation = Some(*generation);
                line.attempt = Some(*attempt);
            }
            Subject::Scope(Scope::Kind(name)) => line.kind = Some(name.clone()),
            Subject::Scope(Scope::Namespace(name)) => line.namespace = Some(name.clone()),
        }
        line
    }

    /// The event, or what is wrong with the line.
    pub(super) fn into_event(self) -> Result<Event, String> {
        let kind = EventKind::from_stored(&self.event, self.reason.as_deref());
        let unknown = || format!("expected an event that this program knows, found {} {:?}", self.event, self.reason);
        let kind = kind.ok_or_else(unknown)?;
        let about =
            (self.resource, self.namespace, self.kind, self.object_id, self.state, self.generation, self.attempt);
        let subject = match about {
            (Some(id), Some(namespace), Some(kind), Some(object_id), Some(state), Some(generation), Some(attempt)) => {
                let key = Key { namespace, kind, object_id };
                Subject::Resource { id: ResourceId::new(id), key, state, generation, attempt }
            }
            (None, Some(name), None, None, None, None, None) => Subject::Scope(Scope::Namespace(name)),
            (None, None, Some(name), None, None, None, None) => Subject::Scope(Scope::Kind(name)),
            _ => return Err("expected an event about a resource, a kind or a namespace, found neither".to_owned()),
        };
        Ok(Event {
            position: Position::new(self.position),
            kind,
            subject,
            at: Timestamp::from_micros(self.at),
            metadata: metadata(self.metadata)?,
            trace: trace(self.trace)?,
            object: self.object,
        })
    }
}
