use std::time::Duration;

use delta_core::{Desired, Error, Object as _, Override, RetryPolicy};
use futures::StreamExt as _;
use futures::future::BoxFuture;
use futures::stream::BoxStream;

use crate::action::{Action, InformError, WorkError};
use crate::context::{InformContext, WorkContext};
use crate::controller::Controller;
use crate::inform::{Inform, Mention};
use crate::resource::Resource;

/// A controller without its type.
pub(crate) trait ErasedController: Send + Sync {
    /// Runs `work`, or `delete` where absence is wanted. The outer error: the object does not decode.
    fn work<'a>(
        &'a self,
        cx: &'a WorkContext,
        row: &'a delta_core::Resource,
    ) -> BoxFuture<'a, Result<Result<Action, WorkError>, Error>>;

    fn inform(&self, cx: InformContext) -> BoxStream<'_, Result<Mention, InformError>>;

    /// Inherits where the object does not decode.
    fn work_timeout(&self, row: &delta_core::Resource) -> Override<Duration>;

    fn retry_policy(&self) -> &dyn RetryPolicy;
}

impl<C: Controller> ErasedController for C {
    fn work<'a>(
        &'a self,
        cx: &'a WorkContext,
        row: &'a delta_core::Resource,
    ) -> BoxFuture<'a, Result<Result<Action, WorkError>, Error>> {
        Box::pin(async move {
            let resource = Resource::<C::Object>::decode(row.clone())?;
            Ok(match row.desired {
                Desired::Present => Controller::work(self, cx, &resource).await,
                Desired::Absent(_) => self.delete(cx, &resource).await,
            })
        })
    }

    fn inform(&self, cx: InformContext) -> BoxStream<'_, Result<Mention, InformError>> {
        Controller::inform(self, cx)
            .map(|item| {
                let object = item?;
                let id = object.id();
                Mention::new(Inform::new(object))
                    .map_err(|invalid| InformError::new(format!("object {id:?}: {invalid}")))
            })
            .boxed()
    }

    fn work_timeout(&self, row: &delta_core::Resource) -> Override<Duration> {
        Resource::<C::Object>::decode(row.clone())
            .map_or(Override::Inherit, |resource| Controller::work_timeout(self, &resource))
    }

    fn retry_policy(&self) -> &dyn RetryPolicy {
        Controller::retry_policy(self)
    }
}
