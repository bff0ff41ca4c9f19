//! The kind that is worked.

use std::time::Duration;

use delta::{Action, Controller, Object, ObjectSettings, Resource, WorkContext, WorkError};
use serde::{Deserialize, Serialize};

use crate::calls::Calls;

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Item {
    pub(crate) id: String,
    pub(crate) value: u64,
}

impl Object for Item {
    const KIND: &'static str = "item";

    fn id(&self) -> String {
        self.id.clone()
    }

    fn settings() -> ObjectSettings {
        ObjectSettings::new().parallelism(50).inform_interval(None)
    }
}

/// Works an item a little at a time, most of them a moment, some for longer than a failover takes.
pub(crate) struct Worker {
    pub(crate) client: usize,
    pub(crate) calls: Calls,
}

impl Controller for Worker {
    type Object = Item;

    async fn work(&self, _: &WorkContext, item: &Resource<Item>) -> Result<Action, WorkError> {
        let call = self.calls.begin(self.client, &item.object.id, item.object.value);
        let takes = Duration::from_millis(if item.object.value.is_multiple_of(20) { 1_200 } else { 10 });
        let end = call.acts() + takes;
        let mut step = tokio::time::interval(Duration::from_millis(5));
        while call.acts() < end {
            step.tick().await;
        }
        Ok(Action::Synced)
    }
}
