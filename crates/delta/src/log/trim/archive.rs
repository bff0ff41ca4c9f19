use std::error::Error;
use std::fmt;
use std::future::Future;

use futures::future::BoxFuture;

/// What an archive said that did not take its events.
pub(super) type Failure = Box<dyn Error + Send + Sync>;

type Hook<E> = dyn FnMut(Vec<E>) -> BoxFuture<'static, Result<(), Failure>> + Send;

/// Takes the events of a batch before they are removed.
pub(super) struct Archive<E>(Box<Hook<E>>);

impl<E> Archive<E> {
    pub(super) fn new<F, R, X>(mut hook: F) -> Self
    where
        F: FnMut(Vec<E>) -> R + Send + 'static,
        R: Future<Output = Result<(), X>> + Send + 'static,
        X: Into<Failure>,
    {
        Self(Box::new(move |events| {
            let archived = hook(events);
            Box::pin(async move { archived.await.map_err(Into::into) })
        }))
    }

    pub(super) async fn take(&mut self, events: Vec<E>) -> Result<(), Failure> {
        (self.0)(events).await
    }
}

impl<E> fmt::Debug for Archive<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Archive")
    }
}
