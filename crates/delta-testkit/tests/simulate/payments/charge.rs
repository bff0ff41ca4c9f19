use delta::Object;
use serde::{Deserialize, Serialize};

/// An order that a customer is to pay for, once.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Charge {
    pub(crate) order: String,
    pub(crate) cents: u64,
}

impl Object for Charge {
    const KIND: &'static str = "charge";

    fn id(&self) -> String {
        self.order.clone()
    }
}
