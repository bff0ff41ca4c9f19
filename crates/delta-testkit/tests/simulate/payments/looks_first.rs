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
        // An attempt before this one may have charged, and failed after that.
        if !self.bank.has_payment(&charge.object.order).await? {
            let request = format!("{}-{}", charge.object.order, cx.attempt());
            self.bank.charge(&charge.object, &request).await?;
        }
        Ok(Action::Synced)
    }
}
