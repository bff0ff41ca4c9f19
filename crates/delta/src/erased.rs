use std::any::Any;
use std::ptr;
use std::time::Duration;

use delta_core::{Desired, Error, Object, Override, RetryPolicy};
use futures::StreamExt as _;
use futures::future::BoxFuture;
use futures::stream::BoxStream;

use crate::action::{Action, InformError, WorkError};
use crate::context::{InformContext, WorkContext};
use crate::controller::Controller;
use crate::inform::{Inform, Mention};
use crate::resource::Resource;

/// A decoded resource without its type.
pub(crate) trait ErasedResource: Send + Sync {
    fn row(&self) -> &delta_core::Resource;

    fn as_any(&self) -> &dyn Any;
}

impl<T: Object> ErasedResource for Resource<T> {
    fn row(&self) -> &delta_core::Resource {
        Resource::row(self)
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// A controller without its type.
pub(crate) trait ErasedController: Send + Sync {
    /// Decodes a resource, and takes it if it decodes: whatever happens otherwise, a panic too, leaves it there.
    fn decode(&self, row: &mut Option<delta_core::Resource>) -> Result<Option<Box<dyn ErasedResource>>, Error>;

    /// Runs `work`, or `delete` where absence is wanted. `decoded` spares a second decoding, unless a layer has put another
    /// row in its place.
    fn work<'a>(
        &'a self,
        cx: &'a WorkContext,
        row: &'a delta_core::Resource,
        decoded: Option<&'a dyn ErasedResource>,
    ) -> BoxFuture<'a, Result<Action, WorkError>>;

    fn inform(&self, cx: InformContext) -> BoxStream<'_, Result<Mention, InformError>>;

    fn work_timeout(&self, resource: &dyn ErasedResource) -> Override<Duration>;

    fn retry_policy(&self) -> &dyn RetryPolicy;
}

impl<C: Controller> ErasedController for C {
    fn decode(&self, row: &mut Option<delta_core::Resource>) -> Result<Option<Box<dyn ErasedResource>>, Error> {
        let resource = Resource::<C::Object>::take(row)?;
        Ok(resource.map(|resource| Box::new(resource) as Box<dyn ErasedResource>))
    }

    fn work<'a>(
        &'a self,
        cx: &'a WorkContext,
        row: &'a delta_core::Resource,
        decoded: Option<&'a dyn ErasedResource>,
    ) -> BoxFuture<'a, Result<Action, WorkError>> {
        Box::pin(async move {
            let decoded = decoded.filter(|decoded| ptr::eq(decoded.row(), row));
            match decoded.and_then(|decoded| decoded.as_any().downcast_ref::<Resource<C::Object>>()) {
                Some(resource) => run(self, cx, resource).await,
                None => run(self, cx, &Resource::decode(row.clone())?).await,
            }
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

    fn work_timeout(&self, resource: &dyn ErasedResource) -> Override<Duration> {
        resource
            .as_any()
            .downcast_ref::<Resource<C::Object>>()
            .map_or(Override::Inherit, |resource| Controller::work_timeout(self, resource))
    }

    fn retry_policy(&self) -> &dyn RetryPolicy {
        Controller::retry_policy(self)
    }
}

async fn run<C: Controller>(
    controller: &C,
    cx: &WorkContext,
    resource: &Resource<C::Object>,
) -> Result<Action, WorkError> {
    match resource.desired {
        Desired::Present => controller.work(cx, resource).await,
        Desired::Absent(_) => controller.delete(cx, resource).await,
    }
}
