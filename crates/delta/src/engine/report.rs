use std::time::Duration;

use delta_core::plan::Report;
use delta_core::{Backoff, RetryPolicy as _};

use crate::action::{Action, Verdict, WorkError};
use crate::engine::{Engine, Kind};
use crate::executor::guarded;

impl Engine {
    /// What a worker's answer reports; nothing if it has settled the attempt itself.
    pub(crate) fn report(&self, kind: &Kind, attempt: i64, answer: Result<Action, WorkError>) -> Option<Report> {
        Some(match answer {
            Ok(Action::Synced) => Report::Synced,
            Ok(Action::Snooze(delay)) => Report::Snooze(delay),
            Ok(Action::Delete { reason }) => Report::Delete { reason },
            Ok(Action::Settled) => return None,
            Err(error) => {
                let message = error.message();
                match error.verdict {
                    Verdict::Retry => self.failed(kind, attempt, message, None),
                    Verdict::RetryAfter(retry_in) => Report::Failed { message, backtrace: None, retry_in },
                    Verdict::Permanent => Report::Permanent { message },
                    Verdict::Delete => Report::Delete { reason: Some(message) },
                }
            }
        })
    }

    /// A failure that is tried again with the kind's back-off.
    pub(crate) fn failed(&self, kind: &Kind, attempt: i64, message: String, backtrace: Option<String>) -> Report {
        let unit = self.random.unit();
        let delay: Result<Duration, _> = guarded(|| kind.controller.retry_policy().delay(attempt, unit));
        let retry_in = delay.unwrap_or_else(|panic| {
            tracing::error!(kind = %kind.name, panic = %panic.message, "retry policy panicked: the default one is used");
            Backoff::DEFAULT.delay(attempt, unit)
        });
        Report::Failed { message, backtrace, retry_in }
    }
}
