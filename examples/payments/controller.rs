use std::time::Duration;

use delta::{Action, Backoff, Controller, InformContext, InformError, Resource, RetryPolicy, WorkContext, WorkError};
use futures::{Stream, TryStreamExt as _};

use crate::api::{Api, ApiError};
use crate::payment::Payment;

/// Charges the payments that the provider lists.
#[derive(Debug)]
pub(crate) struct Payments {
    api: Api,
}

/// Shorter than the default, so that the program ends soon.
const BACKOFF: Backoff = Backoff::new(Duration::from_millis(200), Duration::from_secs(2));

impl Payments {
    pub(crate) fn new(api: Api) -> Self {
        Self { api }
    }
}

impl Controller for Payments {
    type Object = Payment;

    async fn work(&self, cx: &WorkContext, payment: &Resource<Payment>) -> Result<Action, WorkError> {
        // The key is the same for every attempt: where an answer was lost, the next attempt learns of the first's charge.
        match self.api.charge(&payment.object, cx.idempotency_key()).await {
            Ok(()) => Ok(Action::Synced),
            // Not a failure: the attempt is given back.
            Err(ApiError::Limited(wait)) => Ok(Action::Snooze(wait)),
            Err(refused @ ApiError::Refused(_)) => Err(WorkError::permanent(refused)),
            Err(failed @ ApiError::Failed(_)) => Err(WorkError::retry(failed)),
        }
    }

    fn inform(&self, cx: InformContext) -> impl Stream<Item = Result<Payment, InformError>> + Send {
        // An error ends the run and leaves the high-water mark: the next run begins where this one did.
        self.api.payments(cx.after()).map_err(InformError::from)
    }

    fn retry_policy(&self) -> &dyn RetryPolicy {
        &BACKOFF
    }
}
