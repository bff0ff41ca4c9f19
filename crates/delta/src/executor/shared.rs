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
    if client.engine.kinds.is_empty() {
        return;
    }
    let (executor, receiver) = Executor::new(client, stop);
    // Before anything is claimed, lest a wake-up be missed.
    let wakeups = executor.engine.store.wakeups_dyn();
    tasks::spawn(&stop.tasks, heartbeat::run(executor.clone()));
    tasks::spawn(&stop.tasks, Pump::new(executor, receiver, wakeups).run());
}

impl Executor {
    /// One that has nothing in work yet, and where its attempts report to.
    pub(crate) fn new(client: &AnyClient, stop: &Stop) -> (Arc<Self>, mpsc::UnboundedReceiver<Finished>) {
        panic::install_hook();
        let engine = client.engine.clone();
        let (finished, receiver) = mpsc::unbounded_channel();
        let rate = |(name, kind): (&Name, &Arc<crate::engine::Kind>)| {
            kind.settings.rate_limit.map(|limit| (name.clone(), Rate::new(limit)))
        };
        let executor = Self {
            client: client.clone(),
            stop: stop.clone(),
            held: Held::new(engine.clone()),
            in_flight: InFlight::default(),
            finished,
            rates: engine.kinds.iter().filter_map(rate).collect(),
            drained: CancellationToken::new(),
            engine,
        };
        (Arc::new(executor), receiver)
    }

    /// How often leases are renewed.
    pub(crate) fn interval(&self) -> Duration {
        self.engine.settings.heartbeat_interval()
    }

    /// How long pump may wait for an answer: what it claims is of no use once the lease is over.
    pub(crate) fn patience(&self) -> Duration {
        self.engine.settings.lease
    }
}

/// Gives up an operation that takes too long: its connection may be dead without anybody telling.
pub(crate) async fn in_time<T>(
    operation: &'static str,
    limit: Duration,
    future: impl Future<Output = Result<T>> + Send,
) -> Result<T> {
    timeout(limit, future).await.unwrap_or_else(|_| {
        let what = format!("expected an answer within {limit:?}, found none");
        Err(Error::new(ErrorKind::Unavailable, operation, what))
    })
}

impl fmt::Debug for Executor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Executor").field("in_flight", &self.in_flight.len()).finish_non_exhaustive()
    }
}
