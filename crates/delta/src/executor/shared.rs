use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use delta_core::{Error, ErrorKind, Name, Result};
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::client::{AnyClient, Stop};
use crate::engine::Engine;
use crate::executor::attempt::Finished;
use crate::executor::held::Held;
use crate::executor::in_flight::InFlight;
use crate::executor::pump::Pump;
use crate::executor::rate::Rate;
use crate::executor::{heartbeat, panic};
use crate::tasks;

/// What pump, heartbeat and attempts of one started client share.
pub(crate) struct Executor {
    pub(crate) client: AnyClient,
    pub(crate) engine: Arc<Engine>,
    pub(crate) stop: Stop,
    pub(crate) held: Held,
    pub(crate) in_flight: InFlight,
    pub(crate) finished: mpsc::UnboundedSender<Finished>,
    pub(crate) rates: BTreeMap<Name, Rate>,
    /// Cancelled when the pump has ended: nothing is left to renew.
    pub(crate) drained: CancellationToken,
}

/// Starts to work the client's kinds; nothing, if it has none.
pub(crate) fn start(client: &AnyClient, stop: &Stop) {
    let engine = client.engine.clone();
    if engine.kinds.is_empty() {
        return;
    }
    panic::install_hook();
    let (sender, receiver) = mpsc::unbounded_channel();
    let rate = |(name, kind): (&Name, &Arc<crate::engine::Kind>)| {
        kind.settings.rate_limit.map(|limit| (name.clone(), Rate::new(limit)))
    };
    let executor = Arc::new(Executor {
        client: client.clone(),
        stop: stop.clone(),
        held: Held::new(engine.clone()),
        in_flight: InFlight::default(),
        finished: sender,
        rates: engine.kinds.iter().filter_map(rate).collect(),
        drained: CancellationToken::new(),
        engine,
    });
    // Before anything is claimed, lest a wake-up be missed.
    let wakeups = executor.engine.store.wakeups_dyn();
    tasks::spawn(&stop.tasks, heartbeat::run(executor.clone()));
    tasks::spawn(&stop.tasks, Pump::new(executor, receiver, wakeups).run());
}

impl Executor {
    /// How often leases are renewed; also how long an operation of the database may take.
    pub(crate) fn interval(&self) -> Duration {
        self.engine.settings.heartbeat_interval()
    }

    /// Gives up an operation that takes as long as that.
    pub(crate) async fn in_time<T>(
        &self,
        operation: &'static str,
        future: impl Future<Output = Result<T>> + Send,
    ) -> Result<T> {
        let limit = self.interval();
        timeout(limit, future).await.unwrap_or_else(|_| {
            let what = format!("expected an answer within {limit:?}, found none");
            Err(Error::new(ErrorKind::Unavailable, operation, what))
        })
    }
}

impl fmt::Debug for Executor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Executor").field("in_flight", &self.in_flight.len()).finish_non_exhaustive()
    }
}
