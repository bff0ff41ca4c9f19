use std::future::{Future, ready};

use delta_core::{Backoff, Object, Override, RetryPolicy};
use futures::stream::{self, Stream};

use crate::action::{Action, InformError, WorkError};
use crate::context::{InformContext, WorkContext};
use crate::resource::Resource;

/// What a user writes for a kind of object: a worker that brings one resource into step, and an informer that says what
/// exists.
///
/// # Guarantees
///
/// - At least once: every generation of a resource is worked until an attempt settles it. Make `work` and `delete`
///   idempotent, with [`WorkContext::idempotency_key`] for calls that are not by themselves.
/// - Never twice at once: no other worker, of any process, has the same resource while its lease holds.
/// - No transaction, row lock or pooled connection is held while this code runs.
///
/// # Cancel safety
///
/// The future of `work` or `delete` is dropped at its deadline, when the attempt is cancelled, when its lease could not
/// be renewed, and at the end of the grace time of a stop.
///
/// # Examples
///
/// ```
/// use delta::{Action, Controller, InformContext, InformError, Object, Resource, WorkContext, WorkError};
/// use futures::stream::{self, Stream};
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Clone, Debug, Serialize, Deserialize)]
/// struct Host {
///     name: String,
/// }
///
/// impl Object for Host {
///     const KIND: &'static str = "host";
///
///     fn id(&self) -> String {
///         self.name.clone()
///     }
/// }
///
/// struct Hosts;
///
/// impl Controller for Hosts {
///     type Object = Host;
///
///     async fn work(&self, _: &WorkContext, host: &Resource<Host>) -> Result<Action, WorkError> {
///         println!("configure {}", host.object.name);
///         Ok(Action::Synced)
///     }
///
///     fn inform(&self, _: InformContext) -> impl Stream<Item = Result<Host, InformError>> + Send {
///         stream::iter([Ok(Host { name: "a.example".into() })])
///     }
/// }
/// ```
pub trait Controller: Send + Sync + 'static {
    /// The kind of object.
    type Object: Object;

    /// Brings one resource into step.
    fn work(
        &self,
        cx: &WorkContext,
        resource: &Resource<Self::Object>,
    ) -> impl Future<Output = Result<Action, WorkError>> + Send;

    /// Makes the object be absent outside; called instead of `work` where that is wanted. Succeeds by default.
    ///
    /// It may run again after it has succeeded, so a missing object is a success.
    fn delete(
        &self,
        cx: &WorkContext,
        resource: &Resource<Self::Object>,
    ) -> impl Future<Output = Result<Action, WorkError>> + Send {
        let _ = (cx, resource);
        ready(Ok(Action::Synced))
    }

    /// Says what exists, as a stream. Says nothing by default.
    ///
    /// Only an end without error moves the high-water mark that [`InformContext::after`] comes from.
    fn inform(&self, cx: InformContext) -> impl Stream<Item = Result<Self::Object, InformError>> + Send {
        let _ = cx;
        stream::empty()
    }

    /// How long this attempt may take; as the kind's settings say by default.
    fn work_timeout(&self, resource: &Resource<Self::Object>) -> Override<std::time::Duration> {
        let _ = resource;
        Override::Inherit
    }

    /// How long a failed resource waits; exponential from 1 s to 1 h with full jitter by default.
    fn retry_policy(&self) -> &dyn RetryPolicy {
        &Backoff::DEFAULT
    }
}
