use chrono::{DateTime, Utc};
use delta::{Object, ObjectSettings};
use serde::{Deserialize, Serialize};

/// A payment that is due.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Payment {
    pub(crate) id: String,
    pub(crate) customer: String,
    pub(crate) cents: u64,
    pub(crate) created: DateTime<Utc>,
}

impl Object for Payment {
    const KIND: &'static str = "payment";

    fn id(&self) -> String {
        self.id.clone()
    }

    /// With it, the informer's high-water mark follows the provider's own clock.
    fn created_at(&self) -> Option<DateTime<Utc>> {
        Some(self.created)
    }

    fn settings() -> ObjectSettings {
        ObjectSettings::new().parallelism(8)
    }
}
