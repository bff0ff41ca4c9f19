use std::sync::Arc;

use delta_core::LogEvent;
use tokio::sync::watch;

use crate::log::source::Source;

/// The head of a log, as one client's readers share it.
pub(crate) struct Head<E: LogEvent> {
    pub(super) source: Arc<dyn Source<E>>,
    pub(super) signal: watch::Sender<u64>,
}
