use std::sync::Arc;

use delta::{Action, Controller, Resource, WorkContext, WorkError};

use super::bank::Bank;
use super::charge::Charge;

pub(crate) struct Charges {
    pub(crate) bank: Arc<Bank>,
}

impl Controller for Charges {
    type Object = Charge;

    async fn work(&self, cx: &WorkContext, charge: &Resource<Charge>) -> Result<Action, WorkError> {
        // Whatever became of the attempts before this one: the bank knows their key, which is this one's, too.
        self.bank.charge(&charge.object, cx.idempotency_key()).await?;
        Ok(Action::Synced)
    }
}
