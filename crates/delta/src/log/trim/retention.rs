use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use delta_core::{Invalid, LogStore, Result};
use futures::future::BoxFuture;

use crate::client::{AnyClient, Client};
use crate::log::trim::{Trim, TrimReport};

type Run = dyn Fn(AnyClient) -> BoxFuture<'static, Result<TrimReport>> + Send + Sync;

/// How the leader trims Delta's own log, without the store's type.
#[derive(Clone)]
pub(crate) struct LogTrimming {
    retention: Duration,
    run: Arc<Run>,
}

impl LogTrimming {
    pub(crate) fn new<S: LogStore>(store: S, retention: Duration) -> Self {
        let run = move |any: AnyClient| -> BoxFuture<'static, Result<TrimReport>> {
            let batch = any.engine.settings.cleaner_batch;
            let log = Client { any, store: store.clone() }.log();
            Box::pin(log.trim(Trim::older_than(retention)).batch(batch).run())
        };
        Self { retention, run: Arc::new(run) }
    }

    pub(crate) fn check(&self) -> Result<(), Invalid> {
        if self.retention.is_zero() {
            return Err(Invalid::new("event retention", "a time above zero, or none", "0 s"));
        }
        Ok(())
    }

    pub(crate) async fn run(&self, client: AnyClient) -> Result<TrimReport> {
        (self.run)(client).await
    }
}

impl fmt::Debug for LogTrimming {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LogTrimming").field("retention", &self.retention).finish_non_exhaustive()
    }
}
