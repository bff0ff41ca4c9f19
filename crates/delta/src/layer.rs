use std::fmt;
use std::sync::Arc;

use futures::future::BoxFuture;
use futures::stream::BoxStream;

use crate::action::{Action, InformError, WorkError};
use crate::context::{InformContext, WorkContext};
use crate::erased::{ErasedController, ErasedResource};
use crate::inform::Mention;

/// Wraps every attempt and every run of an informer, in the manner of a tower layer: tracing, limits, test doubles.
///
/// Layers nest in the order in which they were added: the first is the outermost. Each method passes on by default.
///
/// # Examples
///
/// ```
/// use delta::{Action, Layer, Next, WorkContext, WorkError};
/// use futures::future::BoxFuture;
///
/// struct Announce;
///
/// impl Layer for Announce {
///     fn work<'a>(
///         &'a self,
///         cx: &'a WorkContext,
///         row: &'a delta::core::Resource,
///         next: Next<'a>,
///     ) -> BoxFuture<'a, Result<Action, WorkError>> {
///         Box::pin(async move {
///             println!("attempt {} of {}", cx.attempt(), row.key);
///             next.work(cx, row).await
///         })
///     }
/// }
/// ```
pub trait Layer: Send + Sync + 'static {
    /// Wraps an attempt.
    fn work<'a>(
        &'a self,
        cx: &'a WorkContext,
        row: &'a delta_core::Resource,
        next: Next<'a>,
    ) -> BoxFuture<'a, Result<Action, WorkError>> {
        next.work(cx, row)
    }

    /// Wraps a run of an informer.
    fn inform<'a>(&'a self, cx: InformContext, next: Next<'a>) -> BoxStream<'a, Result<Mention, InformError>> {
        next.inform(cx)
    }
}

/// What a layer wraps: the next layer, or the controller itself.
#[derive(Clone, Copy)]
pub struct Next<'a> {
    pub(crate) layers: &'a [Arc<dyn Layer>],
    pub(crate) controller: &'a dyn ErasedController,
    /// The decoded resource of an attempt; none in a run of an informer.
    pub(crate) resource: Option<&'a dyn ErasedResource>,
}

impl fmt::Debug for Next<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Next").field("layers", &self.layers.len()).finish_non_exhaustive()
    }
}

impl<'a> Next<'a> {
    /// For an attempt: hands the decoded resource through.
    pub(crate) fn with(self, resource: &'a dyn ErasedResource) -> Self {
        Self { resource: Some(resource), ..self }
    }

    /// Goes on with the attempt.
    #[must_use]
    pub fn work(self, cx: &'a WorkContext, row: &'a delta_core::Resource) -> BoxFuture<'a, Result<Action, WorkError>> {
        match self.layers {
            [layer, rest @ ..] => layer.work(cx, row, Next { layers: rest, ..self }),
            [] => self.controller.work(cx, row, self.resource),
        }
    }

    /// Goes on with the run.
    #[must_use]
    pub fn inform(self, cx: InformContext) -> BoxStream<'a, Result<Mention, InformError>> {
        match self.layers {
            [layer, rest @ ..] => layer.inform(cx, Next { layers: rest, ..self }),
            [] => self.controller.inform(cx),
        }
    }
}
